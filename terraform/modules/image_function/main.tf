locals {
  alias_name = "live"

  # What every function needs. X-Ray supports no narrower resource than *.
  own_statements = concat(
    [{
      sid       = "WriteOwnLog"
      actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
    }],
    [for on in var.tracing ? [true] : [] : {
      sid       = "WriteTraces"
      actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      resources = ["*"]
    }],
    [for queue in aws_sqs_queue.failed : {
      sid       = "KeepFailedCalls"
      actions   = ["sqs:SendMessage"]
      resources = [queue.arn]
    }],
  )

  statements = [for statement in concat(local.own_statements, var.policy_statements) : merge(
    { Sid = statement.sid, Effect = "Allow", Action = statement.actions, Resource = statement.resources },
    { for key in length(try(statement.conditions, [])) == 0 ? [] : ["Condition"] : key => {
      for test in distinct(statement.conditions[*].test) : test => {
        for condition in statement.conditions : condition.variable => condition.values if condition.test == test
      }
    } },
  )]

  # A function that is invoked asynchronously may fail while nobody waits: AWS tries twice more.
  failed_queue_count = var.asynchronous ? 1 : 0

  alarms = {
    errors = {
      description = "calls ended in an error or a timeout; look into the log group of the function"
      metric      = "Errors"
      statistic   = "Sum"
      threshold   = 0
    }
    throttles = {
      description = "calls were refused because the account's concurrency is used up; ask AWS for more"
      metric      = "Throttles"
      statistic   = "Sum"
      threshold   = 0
    }
    duration = {
      description = "calls take nearly as long as the timeout of ${var.timeout} s allows"
      metric      = "Duration"
      statistic   = "Maximum"
      threshold   = var.timeout * 1000 * 0.9
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158: encrypted by CloudWatch; the logs hold ids, counts and durations
  #checkov:skip=CKV_AWS_338: how long is a variable; personal ids should not be kept for a year
  name              = "/aws/lambda/${var.function_name}"
  retention_in_days = var.log_retention_days
}

resource "aws_iam_role" "this" {
  name                 = var.function_name
  description          = "Role of the Lambda function ${var.function_name}"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name   = "function"
  role   = aws_iam_role.this.id
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115: new accounts have ten sandboxes in all, and reserving some would be refused
  #checkov:skip=CKV_AWS_116: failed asynchronous calls go to the queue of the alias's event_invoke_config
  #checkov:skip=CKV_AWS_117: everything it calls is a public API of AWS or Stripe
  #checkov:skip=CKV_AWS_173: the environment holds names of secrets, never values; encrypted by Lambda
  #checkov:skip=CKV_AWS_272: code signing is for zip files; the image is fixed by its digest
  function_name = var.function_name
  role          = aws_iam_role.this.arn
  package_type  = "Image"
  image_uri     = var.image_uri
  architectures = [var.architecture]
  timeout       = var.timeout
  memory_size   = var.memory
  publish       = true

  image_config {
    command = [var.command]
  }

  environment {
    variables = var.environment
  }

  tracing_config {
    mode = var.tracing ? "Active" : "PassThrough"
  }

  # Before its log group exists, Lambda would make one that is never emptied; without its policy it could not log.
  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}

resource "aws_lambda_alias" "live" {
  name             = local.alias_name
  description      = "What every trigger calls"
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}

resource "aws_lambda_provisioned_concurrency_config" "live" {
  count = var.provisioned_concurrency > 0 ? 1 : 0

  function_name                     = aws_lambda_function.this.function_name
  qualifier                         = aws_lambda_alias.live.name
  provisioned_concurrent_executions = var.provisioned_concurrency
}

resource "aws_sqs_queue" "failed" {
  count = local.failed_queue_count

  name                      = "${var.function_name}-failed"
  message_retention_seconds = 14 * 24 * 3600
  sqs_managed_sse_enabled   = true
}

resource "aws_lambda_function_event_invoke_config" "live" {
  count = local.failed_queue_count

  function_name = aws_lambda_function.this.function_name
  qualifier     = aws_lambda_alias.live.name

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failed[0].arn
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "function" {
  for_each = local.alarms

  alarm_name          = "${var.function_name}-${each.key}"
  alarm_description   = "${var.function_name}: ${each.value.description}"
  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  dimensions          = { FunctionName = aws_lambda_function.this.function_name }
  statistic           = each.value.statistic
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarm_topic_arn]
  ok_actions          = [var.alarm_topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "failed" {
  count = local.failed_queue_count

  alarm_name          = "${var.function_name}-failed"
  alarm_description   = "${var.function_name}: calls failed for good; the queue ${aws_sqs_queue.failed[0].name} holds them for 14 days"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.failed[0].name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarm_topic_arn]
  ok_actions          = [var.alarm_topic_arn]
}

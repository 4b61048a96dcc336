# Who calls functions besides the API: Cognito, and the clock. All call the alias.

resource "aws_lambda_permission" "cognito" {
  for_each = local.triggers

  statement_id  = "cognito"
  action        = "lambda:InvokeFunction"
  function_name = module.trigger[each.key].function_name
  qualifier     = module.trigger[each.key].alias_name
  principal     = "cognito-idp.amazonaws.com"
  source_arn    = module.user_pool.arn
}

locals {
  scheduled = { for key, spec in local.served : key => spec if can(spec.schedule) }
}

resource "aws_iam_role" "scheduler" {
  name                 = "${local.prefix}-scheduler"
  description          = "Lets EventBridge Scheduler call the scheduled functions of ${local.prefix}"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "scheduler" {
  name = "scheduler"
  role = aws_iam_role.scheduler.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "CallFunctions"
        Effect   = "Allow"
        Action   = "lambda:InvokeFunction"
        Resource = [for key in keys(local.scheduled) : module.function[key].alias_arn]
      },
      {
        Sid      = "KeepFailedCalls"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = [for key in keys(local.scheduled) : module.function[key].failure_queue_arn]
      },
    ]
  })
}

resource "aws_scheduler_schedule" "function" {
  #checkov:skip=CKV_AWS_297: encrypted by AWS; a schedule has no payload
  for_each = local.scheduled

  name                = module.function[each.key].function_name
  description         = "Calls ${each.key}, as images/functions.json says"
  schedule_expression = each.value.schedule

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = module.function[each.key].alias_arn
    role_arn = aws_iam_role.scheduler.arn

    # When the call itself is refused; a call that was taken and failed is repeated by Lambda.
    retry_policy {
      maximum_event_age_in_seconds = 900
      maximum_retry_attempts       = 3
    }

    dead_letter_config {
      arn = module.function[each.key].failure_queue_arn
    }
  }

  depends_on = [aws_iam_role_policy.scheduler]
}

# What AWS would make up is known to the plan: a run needs no apply, and takes half the time.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/app-dev-api" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/app-dev-api" }
  }

  mock_resource "aws_lambda_function" {
    defaults = {
      arn     = "arn:aws:lambda:us-east-1:123456789012:function:app-dev-api"
      version = "7"
    }
  }

  mock_resource "aws_lambda_alias" {
    defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:function:app-dev-api:live" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:us-east-1:123456789012:app-dev-api-failed" }
  }
}

variables {
  function_name   = "app-dev-api"
  image_uri       = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app/users@sha256:1111111111111111111111111111111111111111111111111111111111111111"
  command         = "users.handler.api"
  timeout         = 10
  memory          = 512
  architecture    = "arm64"
  alarm_topic_arn = "arn:aws:sns:us-east-1:123456789012:alarms"
}

run "the_function_runs_the_image_by_digest" {
  command = plan

  assert {
    condition     = aws_lambda_function.this.package_type == "Image" && aws_lambda_function.this.image_uri == var.image_uri
    error_message = "The function runs exactly the image it was given."
  }

  assert {
    condition     = aws_lambda_function.this.image_config[0].command == tolist(["users.handler.api"]) && aws_lambda_function.this.architectures == tolist(["arm64"])
    error_message = "The command chooses the function of the image; the architecture is the image's."
  }

  assert {
    condition     = aws_lambda_function.this.timeout == 10 && aws_lambda_function.this.memory_size == 512
    error_message = "Limits are those that were given."
  }

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == null
    error_message = "Nothing is reserved: a new account has ten sandboxes in all, and reserving fails there."
  }
}

run "callers_use_an_alias_of_a_published_version" {
  command = plan

  assert {
    condition     = aws_lambda_function.this.publish && aws_lambda_alias.live.function_version == "7"
    error_message = "The alias points to the version that was just published."
  }

  assert {
    condition     = output.alias_name == "live" && output.alias_arn == "arn:aws:lambda:us-east-1:123456789012:function:app-dev-api:live"
    error_message = "Triggers call the alias live."
  }
}

run "a_function_may_do_nothing_but_write_its_own_log" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role_policy.this.policy) == {
      Version = "2012-10-17"
      Statement = [{
        Sid      = "WriteOwnLog"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/app-dev-api:*"]
      }]
    }
    error_message = "Without statements of its own, a function only writes its own log."
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Principal == { Service = "lambda.amazonaws.com" }
    error_message = "Lambda alone takes the role."
  }

  assert {
    condition     = output.log_group_name == "/aws/lambda/app-dev-api" && aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "The log group is the one that Lambda writes to, and it is emptied."
  }
}

run "statements_are_rendered_exactly" {
  command = plan

  variables {
    tracing = true
    policy_statements = [
      {
        sid       = "Read"
        actions   = ["dynamodb:GetItem"]
        resources = ["arn:aws:dynamodb:us-east-1:123456789012:table/app-dev"]
        conditions = [
          { test = "ForAllValues:StringLike", variable = "dynamodb:LeadingKeys", values = ["AI#*"] },
          { test = "StringEquals", variable = "aws:RequestedRegion", values = ["us-east-1"] },
          { test = "StringEquals", variable = "aws:SourceAccount", values = ["123456789012"] },
        ]
      },
      {
        sid       = "Sign"
        actions   = ["s3:PutObject"]
        resources = ["arn:aws:s3:::app/uploads/*"]
      },
    ]
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : statement if statement.Sid != "WriteOwnLog"] == [
      {
        Sid      = "WriteTraces"
        Effect   = "Allow"
        Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = ["*"]
      },
      {
        Sid      = "Read"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem"]
        Resource = ["arn:aws:dynamodb:us-east-1:123456789012:table/app-dev"]
        Condition = {
          "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["AI#*"] }
          StringEquals              = { "aws:RequestedRegion" = ["us-east-1"], "aws:SourceAccount" = ["123456789012"] }
        }
      },
      {
        Sid      = "Sign"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["arn:aws:s3:::app/uploads/*"]
      },
    ]
    error_message = "Each statement reaches the policy as it was given: no more, and with all of its conditions."
  }

  assert {
    condition     = aws_lambda_function.this.tracing_config[0].mode == "Active"
    error_message = "Tracing is a switch."
  }
}

run "nobody_waits_for_a_synchronous_function_to_be_kept" {
  command = plan

  assert {
    condition     = length(aws_sqs_queue.failed) == 0 && length(aws_lambda_function_event_invoke_config.live) == 0 && output.failure_queue_name == null
    error_message = "Only asynchronous calls need a failure queue."
  }
}

run "failed_asynchronous_calls_are_kept" {
  command = plan

  variables {
    asynchronous = true
  }

  assert {
    condition     = output.failure_queue_name == "app-dev-api-failed" && aws_sqs_queue.failed[0].sqs_managed_sse_enabled
    error_message = "Failed calls lie in an encrypted queue named after the function."
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.live[0].qualifier == "live" && aws_lambda_function_event_invoke_config.live[0].destination_config[0].on_failure[0].destination == output.failure_queue_arn
    error_message = "Failed calls of the alias go to the queue."
  }

  assert {
    condition     = contains(jsondecode(aws_iam_role_policy.this.policy).Statement, { Sid = "KeepFailedCalls", Effect = "Allow", Action = ["sqs:SendMessage"], Resource = [output.failure_queue_arn] })
    error_message = "Lambda writes to the queue with the function's role."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.failed[0].dimensions == tomap({ QueueName = "app-dev-api-failed" }) && aws_cloudwatch_metric_alarm.failed[0].threshold == 0
    error_message = "One message in the queue is an alarm."
  }
}

run "alarms_know_the_limits_of_the_function" {
  command = plan

  assert {
    condition     = { for key, alarm in aws_cloudwatch_metric_alarm.function : key => [alarm.metric_name, alarm.statistic, tostring(alarm.threshold)] } == { duration = ["Duration", "Maximum", "9000"], errors = ["Errors", "Sum", "0"], throttles = ["Throttles", "Sum", "0"] }
    error_message = "Errors and throttles are alarms, and so is 90 % of a timeout of 10 s, in ms."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.function : alarm.alarm_actions == toset([var.alarm_topic_arn]) && alarm.dimensions == tomap({ FunctionName = "app-dev-api" })])
    error_message = "Alarms concern this function and reach the topic."
  }
}

run "warm_sandboxes_stand_behind_the_alias" {
  command = plan

  variables {
    provisioned_concurrency = 2
  }

  assert {
    condition     = aws_lambda_provisioned_concurrency_config.live[0].qualifier == "live" && aws_lambda_provisioned_concurrency_config.live[0].provisioned_concurrent_executions == 2
    error_message = "The alias is what is called, so it is what has to be warm."
  }
}

run "a_boundary_reaches_the_role" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/app-boundary"
  }

  assert {
    condition     = aws_iam_role.this.permissions_boundary == "arn:aws:iam::123456789012:policy/app-boundary"
    error_message = "The boundary bounds the role."
  }
}

run "a_tag_is_refused" {
  command = plan

  variables {
    image_uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app/users:latest"
  }

  expect_failures = [var.image_uri]
}

run "a_tag_beside_a_digest_is_refused" {
  command = plan

  variables {
    image_uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app/users:v1@sha256:1111111111111111111111111111111111111111111111111111111111111111"
  }

  expect_failures = [var.image_uri]
}

run "a_short_digest_is_refused" {
  command = plan

  variables {
    image_uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app/users@sha256:1111"
  }

  expect_failures = [var.image_uri]
}

run "any_action_on_anything_is_refused" {
  command = plan

  variables {
    policy_statements = [{ sid = "All", actions = ["dynamodb:*"], resources = ["*"] }]
  }

  expect_failures = [var.policy_statements]
}

run "limits_beyond_lambdas_are_refused" {
  command = plan

  variables {
    timeout                 = 901
    memory                  = 64
    architecture            = "amd64"
    command                 = "rm -rf /"
    provisioned_concurrency = -1
  }

  expect_failures = [var.timeout, var.memory, var.architecture, var.command, var.provisioned_concurrency]
}

# What AWS would make up is known to the plan: a run needs no apply, and takes half the time.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:us-east-1:123456789012:groundwork-test-alarms" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:us-east-1:123456789012:key/1" }
  }
}

variables {
  prefix      = "groundwork-test"
  environment = "staging"
  api_id      = "abc123"
  api_stage   = "backend"

  functions = {
    ai-api = { function_name = "groundwork-test-ai-api", timeout = 29, log_group_name = "/aws/lambda/groundwork-test-ai-api" }
  }
}

run "by_default" {
  command = plan

  # ---- billing and ai

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.health : alarm.namespace == "Groundwork" && alarm.dimensions == tomap({ environment = "staging" })])
    error_message = "Alarms look where the functions write their metrics."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.health["reconcile-age"].treat_missing_data == "breaching"
    error_message = "A reconcile that never runs writes no metric, and has to raise the alarm."
  }

  assert {
    condition     = { for key, alarm in aws_cloudwatch_metric_alarm.health : key => alarm.treat_missing_data if alarm.treat_missing_data != "notBreaching" } == { reconcile-age = "breaching" }
    error_message = "Silence is good news for everything else."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.health["ai-spend"].threshold == 10000000 && aws_cloudwatch_metric_alarm.health["ai-spend"].period == 3600
    error_message = "Ten dollars an hour are ten million micro-USD."
  }

  # ---- api

  assert {
    condition     = alltrue([for query in aws_cloudwatch_metric_alarm.api_failures.metric_query : one(query.metric).dimensions == tomap({ ApiId = "abc123", Stage = "backend" }) if query.expression == null])
    error_message = "The rate is that of this API's stage."
  }

  assert {
    condition     = one([for query in aws_cloudwatch_metric_alarm.api_failures.metric_query : query.expression if query.expression != null]) == "IF(failed >= 3, 100 * failed / requests, 0)"
    error_message = "The alarm watches failures in percent, and not a single one."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.api_latency.extended_statistic == "p99" && aws_cloudwatch_metric_alarm.api_latency.threshold == 15000
    error_message = "Latency is the 99th percentile."
  }

  # ---- dashboard

  assert {
    condition     = strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "groundwork-test-ai-api") && strcontains(aws_cloudwatch_dashboard.this.dashboard_body, "ReconcileCursorAge")
    error_message = "The dashboard shows functions and billing."
  }

  # ---- no budget

  assert {
    condition     = length(aws_budgets_budget.monthly) == 0
    error_message = "Without an amount there is no budget."
  }
}

run "every_alarm_is_heard" {
  command = plan

  variables {
    alarm_emails = ["ops@example.com"]
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.health), [aws_cloudwatch_metric_alarm.api_failures, aws_cloudwatch_metric_alarm.api_latency]) :
      alarm.alarm_actions == toset([output.topic_arn]) && startswith(alarm.alarm_name, "groundwork-test-")
    ])
    error_message = "Every alarm writes to the topic, whose policy knows alarms by the prefix of their names."
  }

  assert {
    condition     = length(output.alarm_names) == 8
    error_message = "All alarms are named in the output."
  }

  assert {
    condition     = [for subscription in aws_sns_topic_subscription.email : [subscription.protocol, subscription.endpoint]] == [["email", "ops@example.com"]]
    error_message = "The topic writes mails."
  }

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == aws_kms_key.alarms.arn
    error_message = "The topic is encrypted with a key that alarms may use."
  }

  assert {
    condition     = contains(flatten([for statement in jsondecode(aws_kms_key.alarms.policy).Statement : statement.Principal.Service if can(statement.Principal.Service)]), "cloudwatch.amazonaws.com")
    error_message = "An alarm that may not use the key is never heard."
  }
}

run "thresholds_can_be_chosen" {
  command = plan

  variables {
    thresholds = { ai_usd_an_hour = 0.5 }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.health["ai-spend"].threshold == 500000 && aws_cloudwatch_metric_alarm.health["webhook-failures"].threshold == 3
    error_message = "One threshold is changed, the others keep their defaults."
  }
}

run "budget" {
  command = plan

  variables {
    monthly_budget_usd = 50
  }

  assert {
    condition     = aws_budgets_budget.monthly[0].limit_amount == "50" && toset([for notification in aws_budgets_budget.monthly[0].notification : notification.threshold]) == toset([80, 100])
    error_message = "The budget warns at 80 and 100 percent."
  }
}

run "refused" {
  command = plan

  variables {
    thresholds         = { webhook_failures = 0 }
    alarm_emails       = ["ops"]
    monthly_budget_usd = 0
  }

  expect_failures = [var.thresholds, var.alarm_emails, var.monthly_budget_usd]
}

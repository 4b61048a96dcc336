data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name

  # As lib/saas/observability.py writes them.
  namespace = "Groundwork"
  dimension = { environment = var.environment }

  health = {
    webhook-failures = {
      description = "Stripe's events could not be dealt with. Stripe delivers them again for three days; look into the log of billing-webhook"
      metric      = "WebhookFailed"
      statistic   = "Sum"
      period      = 900
      threshold   = var.thresholds.webhook_failures
      missing     = "notBreaching"
    }
    reconcile-failures = {
      description = "Runs of billing-reconcile fail: Stripe is out of reach, or customers cannot be synced; look into its log"
      metric      = "ReconcileFailed"
      statistic   = "Sum"
      period      = 3600
      threshold   = var.thresholds.reconcile_failures
      missing     = "notBreaching"
    }
    # Silence is the worst case: the schedule is off, or the function dies before it can measure.
    reconcile-age = {
      description = "billing-reconcile is behind, or does not run: what no webhook tells stays unknown"
      metric      = "ReconcileCursorAge"
      statistic   = "Maximum"
      period      = 3600
      threshold   = var.thresholds.reconcile_age_seconds
      missing     = "breaching"
    }
    secrets-skipped = {
      description = "An entry of a session or webhook secret opens nothing, because anybody could know it; without any other one, sign-in or Stripe's events fail. `make doctor` names it and says how to replace it"
      metric      = "SecretSkipped"
      statistic   = "Sum"
      period      = 3600
      threshold   = 1
      missing     = "notBreaching"
    }
    ai-throttled = {
      description = "Bedrock throttles, and calls of users are refused: ask AWS for a higher quota, or choose other models"
      metric      = "AiThrottled"
      statistic   = "Sum"
      period      = 300
      threshold   = var.thresholds.ai_throttled
      missing     = "notBreaching"
    }
    ai-spend = {
      description = "Models cost more than ${var.thresholds.ai_usd_an_hour} USD an hour"
      metric      = "AiCost" # micro-USD
      statistic   = "Sum"
      period      = 3600
      threshold   = var.thresholds.ai_usd_an_hour * 1000000
      missing     = "notBreaching"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "health" {
  for_each = local.health

  alarm_name          = "${var.prefix}-${each.key}"
  alarm_description   = each.value.description
  namespace           = local.namespace
  metric_name         = each.value.metric
  dimensions          = local.dimension
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "api_failures" {
  alarm_name          = "${var.prefix}-api-failures"
  alarm_description   = "The API answers more than ${var.thresholds.api_5xx_percent} % of all requests with a 5xx status"
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.thresholds.api_5xx_percent
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  metric_query {
    id          = "percent"
    label       = "5xx, % of all requests"
    expression  = "IF(failed >= ${var.thresholds.api_5xx_least}, 100 * failed / requests, 0)"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { failed = "5xx", requests = "Count" }
    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/ApiGateway"
        metric_name = metric_query.value
        dimensions  = { ApiId = var.api_id, Stage = var.api_stage }
        stat        = "Sum"
        period      = 300
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "api_latency" {
  alarm_name          = "${var.prefix}-api-latency"
  alarm_description   = "For a quarter of an hour, one of 100 requests takes longer than ${var.thresholds.api_p99_ms} ms"
  namespace           = "AWS/ApiGateway"
  metric_name         = "Latency"
  dimensions          = { ApiId = var.api_id, Stage = var.api_stage }
  extended_statistic  = "p99"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.thresholds.api_p99_ms
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]

  # The 99th percentile of ten requests is the slowest of them.
  evaluate_low_sample_count_percentiles = "ignore"
}

resource "aws_budgets_budget" "monthly" {
  count = var.monthly_budget_usd == null ? 0 : 1

  name         = "${var.prefix}-monthly"
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  dynamic "notification" {
    for_each = { for percent in var.thresholds.budget_percent : tostring(percent) => percent }
    content {
      notification_type         = notification.value < 100 ? "ACTUAL" : "FORECASTED"
      comparison_operator       = "GREATER_THAN"
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
      subscriber_sns_topic_arns = [aws_sns_topic.alarms.arn]
    }
  }
}

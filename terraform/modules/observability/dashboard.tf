locals {
  api = ["ApiId", var.api_id, "Stage", var.api_stage]
  own = ["environment", var.environment]

  # Metrics as CloudWatch's dashboards write them: namespace, name, dimensions, and how to show them.
  widgets = [
    {
      title   = "API: requests"
      stat    = "Sum"
      metrics = [for name in ["Count", "4xx", "5xx"] : concat(["AWS/ApiGateway", name], local.api)]
    },
    {
      title   = "API: latency, ms"
      stat    = "p99"
      metrics = [for stat in ["p50", "p90", "p99"] : concat(["AWS/ApiGateway", "Latency"], local.api, [{ stat = stat, label = stat }])]
    },
    {
      title = "Functions: errors and throttles"
      stat  = "Sum"
      metrics = concat([for function in var.functions : [
        for name in ["Errors", "Throttles"] : ["AWS/Lambda", name, "FunctionName", function.function_name]
      ]]...)
    },
    {
      title = "Functions: slowest calls, ms"
      stat  = "Maximum"
      metrics = [for function in var.functions :
        ["AWS/Lambda", "Duration", "FunctionName", function.function_name, { label = "${function.function_name} (ends at ${function.timeout} s)" }]
      ]
    },
    {
      title   = "Billing: events"
      stat    = "Sum"
      metrics = [for name in ["WebhookReceived", "WebhookFailed", "ReconcileMissedEvents", "ReconcileFailed"] : concat([local.namespace, name], local.own)]
    },
    {
      title = "Billing: age of the reconcile cursor, s; calls that failed for good"
      stat  = "Maximum"
      metrics = concat(
        [concat([local.namespace, "ReconcileCursorAge"], local.own)],
        [for queue in var.failure_queues : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", queue, { yAxis = "right" }]],
      )
    },
    {
      title = "AI: cost, USD"
      stat  = "Sum"
      metrics = [
        concat([local.namespace, "AiCost"], local.own, [{ id = "cost", visible = false }]),
        [{ expression = "cost / 1000000", label = "USD" }],
      ]
    },
    {
      title   = "AI: calls refused because Bedrock throttles"
      stat    = "Sum"
      metrics = [concat([local.namespace, "AiThrottled"], local.own)]
    },
    {
      title   = "Secrets: entries that open nothing"
      stat    = "Sum"
      metrics = [concat([local.namespace, "SecretSkipped"], local.own)]
    },
  ]

  errors = {
    type   = "log"
    width  = 24
    height = 8
    x      = 0
    y      = ceil(length(local.widgets) / 2) * 6
    properties = {
      title  = "Latest warnings and errors"
      region = local.region
      view   = "table"
      query = join(" | ", concat(
        [for function in var.functions : "SOURCE '${function.log_group_name}'"],
        ["fields @timestamp, level, message, code, correlation_id, @log", "filter level in ['WARNING', 'ERROR', 'CRITICAL']", "sort @timestamp desc", "limit 50"],
      ))
    }
  }
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.prefix

  dashboard_body = jsonencode({
    widgets = concat([for index, widget in local.widgets : {
      type       = "metric"
      width      = 12
      height     = 6
      x          = index % 2 * 12
      y          = floor(index / 2) * 6
      properties = merge(widget, { region = local.region, period = 300, view = "timeSeries" })
    }], [local.errors])
  })
}

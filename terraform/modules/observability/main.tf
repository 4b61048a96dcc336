resource "aws_sns_topic" "alarms" {
  name = "${var.prefix}-alarms"
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.prefix
  dashboard_body = jsonencode({ widgets = [] })
}

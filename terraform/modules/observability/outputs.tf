output "topic_arn" {
  description = "Topic that every alarm writes to."
  value       = aws_sns_topic.alarms.arn

  # Whoever names the topic in an alarm waits until alarms may publish to it.
  depends_on = [aws_sns_topic_policy.alarms]
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "alarm_names" {
  description = "Names of the alarms made here; each function's own stand with the function."
  value = sort(concat(
    [for alarm in aws_cloudwatch_metric_alarm.health : alarm.alarm_name],
    [aws_cloudwatch_metric_alarm.api_failures.alarm_name, aws_cloudwatch_metric_alarm.api_latency.alarm_name],
  ))
}

output "topic_arn" {
  description = "Topic that every alarm writes to."
  value       = aws_sns_topic.alarms.arn
}

output "dashboard_name" {
  description = "Name of the CloudWatch dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}

output "alarm_names" {
  description = "Names of the alarms made here; each function's own stand with the function."
  value       = []
}

output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "function_arn" {
  description = "ARN of the function without a version."
  value       = aws_lambda_function.this.arn
}

output "version" {
  description = "The published version that the alias points to."
  value       = aws_lambda_function.this.version
}

output "alias_name" {
  description = "Name of the alias that every trigger calls."
  value       = aws_lambda_alias.live.name
}

output "alias_arn" {
  description = "ARN of the alias: the target of schedules and of Cognito's triggers."
  value       = aws_lambda_alias.live.arn
}

output "alias_invoke_arn" {
  description = "What an API's integration calls."
  value       = aws_lambda_alias.live.invoke_arn
}

output "role_name" {
  description = "Name of the function's role."
  value       = aws_iam_role.this.name
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = aws_iam_role.this.arn
}

output "log_group_name" {
  description = "Where the function's log lines are."
  value       = aws_cloudwatch_log_group.this.name
}

output "failure_queue_name" {
  description = "Queue of failed asynchronous calls; null unless asynchronous."
  value       = one(aws_sqs_queue.failed[*].name)
}

output "failure_queue_arn" {
  description = "ARN of that queue; null unless asynchronous."
  value       = one(aws_sqs_queue.failed[*].arn)
}

output "name" {
  description = "Name of the table (TABLE_NAME of the functions)."
  value       = aws_dynamodb_table.this.name
}

output "arn" {
  description = "ARN of the table, for policies."
  value       = aws_dynamodb_table.this.arn
}

output "index_arns" {
  description = "ARNs of the table's indexes, for policies of those who query them."
  value       = [for index in aws_dynamodb_table.this.global_secondary_index : "${aws_dynamodb_table.this.arn}/index/${index.name}"]
}

output "name" {
  description = "Name of the bucket (UPLOADS_BUCKET of the functions)."
  value       = aws_s3_bucket.this.id
}

output "arn" {
  description = "ARN of the bucket, for policies."
  value       = aws_s3_bucket.this.arn
}

output "id" {
  description = "Id of the pool."
  value       = aws_cognito_user_pool.this.id
}

output "arn" {
  description = "ARN of the pool, the source of the post-confirmation trigger's permission."
  value       = aws_cognito_user_pool.this.arn
}

output "client_id" {
  description = "Id of the app client (COGNITO_CLIENT_ID of functions and frontend)."
  value       = aws_cognito_user_pool_client.web.id
}

output "issuer" {
  description = "`iss` of the pool's tokens (COGNITO_ISSUER of functions and frontend)."
  value       = "https://${aws_cognito_user_pool.this.endpoint}"
}

output "domain" {
  description = "Host of the sign-in page."
  value       = "${aws_cognito_user_pool_domain.this.domain}.auth.${data.aws_region.current.name}.amazoncognito.com"
}

output "names" {
  description = "Names of the secrets by key: session-secrets, stripe-secret-key, stripe-webhook-secrets."
  value       = merge(local.parameters, local.secrets)

  # Whoever knows the names may read the secrets at once.
  depends_on = [aws_ssm_parameter.this, aws_secretsmanager_secret_version.this]
}

output "arns" {
  description = "ARNs of the secrets by key."
  value = merge(
    { for key, parameter in aws_ssm_parameter.this : key => parameter.arn },
    { for key, secret in aws_secretsmanager_secret.this : key => secret.arn },
  )
}

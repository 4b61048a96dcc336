output "site_url" {
  description = "Where people find the site."
  value       = local.site_url
}

output "api_url" {
  description = "The API itself; a proxy in front of it forwards /backend/* to this host."
  value       = module.api.invoke_url
}

output "functions" {
  description = "By name of images/functions.json: the function, its published version and what it runs."
  value = { for key, function in local.functions : key => {
    name     = function.function_name
    alias    = function.alias_name
    version  = function.version
    image    = local.manifest[key].image
    digest   = local.images[local.manifest[key].image].digest
    revision = local.images[local.manifest[key].image].revision
    log      = function.log_group_name
    role     = function.role_name
  } }

  precondition {
    condition     = length(local.missing_values) == 0
    error_message = "images/functions.json names ${join(", ", local.missing_values)}, which has no value in terraform/app/functions.tf. Add it there, or correct the name."
  }

  precondition {
    condition     = length(local.missing_policies) == 0
    error_message = "terraform/app/policies.tf does not say what ${join(", ", local.missing_policies)} of images/functions.json may do. Add it to table_access, {} if it uses no table."
  }
}

output "frontend_environment" {
  description = "Environment of the Next.js side; `make outputs` writes it into a file. NEXTAUTH_SECRET is yours: it is never read back."
  value = {
    NEXT_PUBLIC_API_URL  = "/${local.stage}"
    NEXTAUTH_URL         = local.site_url
    AWS_REGION           = var.region
    COGNITO_ISSUER       = module.user_pool.issuer
    COGNITO_CLIENT_ID    = module.user_pool.client_id
    COGNITO_USER_POOL_ID = module.user_pool.id
    COGNITO_DOMAIN       = module.user_pool.domain
  }
}

output "secret_names" {
  description = "Names of the secrets to set: session-secrets, stripe-secret-key, stripe-webhook-secrets."
  value       = module.configuration.names
}

output "price_keys" {
  description = "Price keys that are sold here."
  value       = local.price_keys
}

output "table_name" {
  description = "The DynamoDB table."
  value       = module.table.name
}

output "uploads_bucket" {
  description = "The bucket that browsers upload to."
  value       = module.uploads.name
}

output "user_pool_id" {
  description = "The Cognito user pool."
  value       = module.user_pool.id
}

output "user_pool_client_id" {
  description = "The user pool's app client."
  value       = module.user_pool.client_id
}

output "distribution_id" {
  description = "The CloudFront distribution; null where the site proxies /backend itself."
  value       = one(module.site[*].distribution_id)
}

output "distribution_domain" {
  description = "CloudFront's own host name, for a DNS record elsewhere."
  value       = one(module.site[*].domain_name)
}

output "alarm_topic_arn" {
  description = "The SNS topic that alarms go to."
  value       = module.observability.topic_arn
}

output "dashboard_name" {
  description = "The CloudWatch dashboard."
  value       = module.observability.dashboard_name
}

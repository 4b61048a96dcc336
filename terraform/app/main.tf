provider "aws" {
  region = var.region

  default_tags {
    tags = {
      app         = var.name
      environment = var.environment
      managed-by  = "terraform"
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  prefix    = "${var.name}-${var.environment}"
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  plans     = jsondecode(file("${path.module}/plans.json"))
  openapi   = jsondecode(file("${path.module}/../../docs/openapi.json"))
  stage     = "backend"

  # CloudFront names its address only once it exists; what people type comes first if it is known.
  site_url = var.site_url != null ? var.site_url : module.site[0].url

  # Sites on other hosts than the API's own: same-origin calls need no CORS.
  configured_origins = distinct(concat(compact([var.site_url]), var.extra_origins))
  site_origins       = distinct(concat([local.site_url], var.extra_origins))

  # Cognito takes http for localhost alone, not for 127.0.0.1.
  sign_in_origins = [for origin in local.site_origins : origin if !startswith(origin, "http://127.")]

  price_keys = [for key in local.plans.price_keys : key if var.price_keys == null || contains(coalesce(var.price_keys, []), key)]

  # A scheme and a host, and nothing behind it. A developer's own machine has no certificate.
  origin_pattern     = "^https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?$"
  dev_origin_pattern = "^(https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?|http://localhost|http://127\\.0\\.0\\.1)(:[0-9]{1,5})?$"
}

module "table" {
  source = "../modules/table"

  name                   = coalesce(var.adopt.table_name, var.table_name, local.prefix)
  deletion_protection    = var.protected
  point_in_time_recovery = var.point_in_time_recovery
  kms_key_arn            = var.kms_key_arn
}

module "uploads" {
  source = "../modules/uploads_bucket"

  bucket_name     = "${local.prefix}-uploads-${local.account}"
  allowed_origins = local.site_origins
  pending_days    = ceil(local.plans.uploads.pending_hours / 24)
  force_destroy   = !var.protected
}

module "configuration" {
  source = "../modules/configuration"

  path        = "/${var.name}/${var.environment}"
  store       = var.secret_store
  kms_key_arn = var.kms_key_arn

  # An unprotected environment can be destroyed and made again; a name that waits would stand in the way.
  recovery_days = var.protected ? 30 : 0
}

module "user_pool" {
  source = "../modules/user_pool"

  name                  = coalesce(var.user_pool_name, local.prefix)
  domain_prefix         = coalesce(var.adopt.user_pool_domain, var.cognito_domain_prefix, "${local.prefix}-${local.account}")
  callback_urls         = [for origin in local.sign_in_origins : "${origin}/api/auth/callback/cognito"]
  logout_urls           = local.sign_in_origins
  mfa                   = var.mfa
  mail                  = var.mail
  google                = var.google
  post_confirmation_arn = one([for key, spec in local.triggers : module.trigger[key].alias_arn if spec.trigger == "cognito-post-confirmation"])
  deletion_protection   = var.protected
}

module "api" {
  source = "../modules/http_api"

  name               = local.prefix
  openapi            = local.openapi
  functions          = local.functions
  default_function   = one([for key, spec in local.manifest : key if try(spec.default, false)])
  stage_name         = local.stage
  allowed_origins    = local.configured_origins
  throttling_rate    = var.throttling_rate
  throttling_burst   = var.throttling_burst
  log_retention_days = var.log_retention_days
  domain             = var.api_domain
}

module "site" {
  source = "../modules/site"
  count  = var.site_enabled ? 1 : 0

  name            = local.prefix
  aliases         = compact([try(trimprefix(var.site_url, "https://"), null)])
  certificate_arn = var.site_certificate_arn
  zone_id         = var.site_zone_id
  api_host        = module.api.host
  api_stage       = local.stage
  frontend_origin = var.frontend_origin
  price_class     = var.site_price_class
  web_acl_arn     = var.site_web_acl_arn
}

module "observability" {
  source = "../modules/observability"

  prefix             = local.prefix
  environment        = var.environment
  functions          = local.functions
  api_id             = module.api.api_id
  api_stage          = local.stage
  failure_queues     = { for key, function in local.functions : key => function.failure_queue_name if function.asynchronous }
  alarm_emails       = var.alarm_emails
  monthly_budget_usd = var.monthly_budget_usd
}

locals {
  manifest = jsondecode(file("${path.module}/../../images/functions.json"))
  images   = try(jsondecode(file(var.images_file)), {})
  registry = coalesce(var.registry, "${local.account}.dkr.ecr.${var.region}.amazonaws.com/${var.name}")

  architectures = { "linux/amd64" = "x86_64", "linux/arm64" = "arm64" }

  needed_images  = distinct([for spec in local.manifest : spec.image])
  digest_pattern = "^sha256:[0-9a-f]{64}$"

  # Cognito calls a trigger, and every other function needs Cognito's ids: triggers are made before the user pool.
  triggers = { for key, spec in local.manifest : key => spec if can(spec.trigger) }
  served   = { for key, spec in local.manifest : key => spec if !can(spec.trigger) }

  # Every variable that a function may name in images/functions.json, with its value.
  values = { for key, spec in local.manifest : key => {
    APP_ENV                    = var.environment
    APP_VERSION                = try(local.images[spec.image].revision, "")
    IMAGE_DIGEST               = try(local.images[spec.image].digest, "")
    TABLE_NAME                 = module.table.name
    SESSION_COOKIE_NAMES       = var.session_cookie_name
    SESSION_SECRET_NAME        = module.configuration.names["session-secrets"]
    STRIPE_API_BASE            = var.stripe_api_base
    STRIPE_SECRET_NAME         = module.configuration.names["stripe-secret-key"]
    STRIPE_WEBHOOK_SECRET_NAME = module.configuration.names["stripe-webhook-secrets"]
    PRICE_KEYS                 = join(",", local.price_keys)
  } }

  # Those that only exist after what a trigger belongs to.
  later_values = {
    COGNITO_ISSUER    = module.user_pool.issuer
    COGNITO_CLIENT_ID = module.user_pool.client_id
    UPLOADS_BUCKET    = module.uploads.name
    SITE_URL          = local.site_url
    ALLOWED_ORIGINS   = join(",", local.site_origins)
  }

  trigger_environment = { for key, spec in local.triggers : key => {
    for name in spec.environment : name => try(local.values[key][name], "")
  } }
  served_environment = { for key, spec in local.served : key => {
    for name in spec.environment : name => try(merge(local.values[key], local.later_values)[name], "")
  } }

  # Refused by the output `functions`: as an index they would be an error that names no function.
  missing_values = flatten([for key, spec in local.manifest : [
    for name in spec.environment : "${name} of ${key}"
    if !contains(concat(keys(local.values[key]), can(spec.trigger) ? [] : keys(local.later_values)), name)
  ]])
  missing_policies = setsubtract(keys(local.manifest), keys(local.table_access))

  functions = { for key, spec in local.manifest : key => merge(
    can(spec.trigger) ? module.trigger[key] : module.function[key],
    { timeout = spec.timeout, asynchronous = can(spec.schedule) },
  ) }
}

module "trigger" {
  source   = "../modules/image_function"
  for_each = local.triggers

  function_name            = "${local.prefix}-${each.key}"
  image_uri                = "${local.registry}/${each.value.image}@${local.images[each.value.image].digest}"
  command                  = each.value.command
  timeout                  = each.value.timeout
  memory                   = each.value.memory
  architecture             = local.architectures[local.images[each.value.image].platform]
  environment              = local.trigger_environment[each.key]
  policy_statements        = lookup(local.policies, each.key, [])
  tracing                  = var.tracing
  provisioned_concurrency  = lookup(var.provisioned_concurrency, each.key, 0)
  log_retention_days       = var.log_retention_days
  alarm_topic_arn          = module.observability.topic_arn
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "function" {
  source   = "../modules/image_function"
  for_each = local.served

  function_name            = "${local.prefix}-${each.key}"
  image_uri                = "${local.registry}/${each.value.image}@${local.images[each.value.image].digest}"
  command                  = each.value.command
  timeout                  = each.value.timeout
  memory                   = each.value.memory
  architecture             = local.architectures[local.images[each.value.image].platform]
  environment              = local.served_environment[each.key]
  policy_statements        = lookup(local.policies, each.key, [])
  asynchronous             = can(each.value.schedule)
  tracing                  = var.tracing
  provisioned_concurrency  = lookup(var.provisioned_concurrency, each.key, 0)
  log_retention_days       = var.log_retention_days
  alarm_topic_arn          = module.observability.topic_arn
  permissions_boundary_arn = var.permissions_boundary_arn
}

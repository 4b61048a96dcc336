locals {
  # "POST /ai/generate" => "ai-api"
  routes = merge([for path, operations in var.openapi.paths : {
    for method, operation in operations : "${upper(method)} ${path}" => operation["x-function"]
  }]...)

  routed = { for key in distinct(concat(values(local.routes), [var.default_function])) : key => var.functions[key] }

  # No bodies, cookies or query strings: they are the users' own.
  access_log = {
    requestId        = "$context.requestId"
    time             = "$context.requestTime"
    sourceIp         = "$context.identity.sourceIp"
    userAgent        = "$context.identity.userAgent"
    method           = "$context.httpMethod"
    route            = "$context.routeKey"
    status           = "$context.status"
    responseBytes    = "$context.responseLength"
    latencyMs        = "$context.responseLatency"
    integrationMs    = "$context.integrationLatency"
    integrationError = "$context.integrationErrorMessage"
    error            = "$context.error.message"
  }
}

resource "aws_apigatewayv2_api" "this" {
  name          = var.name
  description   = "${var.name}: routes of docs/openapi.json"
  protocol_type = "HTTP"

  dynamic "cors_configuration" {
    for_each = length(var.allowed_origins) == 0 ? [] : [var.allowed_origins]

    content {
      allow_origins     = cors_configuration.value
      allow_credentials = true
      allow_methods     = ["DELETE", "GET", "PATCH", "POST", "PUT"]
      allow_headers     = ["authorization", "content-type", "x-correlation-id"]
      expose_headers    = ["retry-after", "x-correlation-id"]
      max_age           = 3600
    }
  }
}

resource "aws_cloudwatch_log_group" "access" {
  #checkov:skip=CKV_AWS_158: encrypted by CloudWatch; the log holds routes, statuses and addresses, no bodies
  #checkov:skip=CKV_AWS_338: how long is a variable; addresses of people should not be kept for a year
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log_retention_days
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = var.stage_name
  auto_deploy = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format          = jsonencode(local.access_log)
  }

  default_route_settings {
    throttling_rate_limit    = var.throttling_rate
    throttling_burst_limit   = var.throttling_burst
    detailed_metrics_enabled = true
  }
}

resource "aws_apigatewayv2_integration" "function" {
  for_each = local.routed

  api_id                 = aws_apigatewayv2_api.this.id
  description            = each.key
  integration_type       = "AWS_PROXY"
  integration_uri        = each.value.alias_invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = each.value.timeout * 1000

  lifecycle {
    precondition {
      condition     = each.value.timeout <= 30
      error_message = "${each.key} answers routes, and API Gateway waits at most 30 s: lower its timeout of ${each.value.timeout} s in images/functions.json."
    }
  }
}

resource "aws_apigatewayv2_route" "operation" {
  #checkov:skip=CKV_AWS_309: the functions decide who may call, by session cookie or token (saas/auth.py); no authorizer reads both
  for_each = local.routes

  api_id    = aws_apigatewayv2_api.this.id
  route_key = each.key
  target    = "integrations/${aws_apigatewayv2_integration.function[each.value].id}"
}

resource "aws_apigatewayv2_route" "default" {
  #checkov:skip=CKV_AWS_309: the functions decide who may call, by session cookie or token (saas/auth.py); no authorizer reads both
  api_id    = aws_apigatewayv2_api.this.id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.function[var.default_function].id}"
}

resource "aws_lambda_permission" "api" {
  for_each = local.routed

  statement_id  = "api"
  action        = "lambda:InvokeFunction"
  function_name = each.value.function_name
  qualifier     = each.value.alias_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/${var.stage_name}/*"
}

resource "aws_apigatewayv2_domain_name" "this" {
  count = var.domain == null ? 0 : 1

  domain_name = var.domain.name

  domain_name_configuration {
    certificate_arn = var.domain.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

# Mapped under the stage's own name, so that paths are the same whichever way a call comes.
resource "aws_apigatewayv2_api_mapping" "this" {
  count = var.domain == null ? 0 : 1

  api_id          = aws_apigatewayv2_api.this.id
  domain_name     = aws_apigatewayv2_domain_name.this[0].id
  stage           = aws_apigatewayv2_stage.this.id
  api_mapping_key = var.stage_name
}

resource "aws_route53_record" "this" {
  for_each = toset(try(var.domain.zone_id, null) == null ? [] : ["A", "AAAA"])

  zone_id = var.domain.zone_id
  name    = var.domain.name
  type    = each.key

  alias {
    name                   = aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].target_domain_name
    zone_id                = aws_apigatewayv2_domain_name.this[0].domain_name_configuration[0].hosted_zone_id
    evaluate_target_health = false
  }
}

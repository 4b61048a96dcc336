mock_provider "aws" {
  mock_resource "aws_apigatewayv2_api" {
    defaults = {
      id            = "api1"
      api_endpoint  = "https://api1.execute-api.us-east-1.amazonaws.com"
      execution_arn = "arn:aws:execute-api:us-east-1:123456789012:api1"
    }
  }

  mock_resource "aws_apigatewayv2_stage" {
    defaults = {
      id         = "backend"
      invoke_url = "https://api1.execute-api.us-east-1.amazonaws.com/backend"
    }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/apigateway/app-dev" }
  }
}

variables {
  name = "app-dev"

  openapi = {
    paths = {
      "/users/me" = {
        get   = { "x-function" = "users-api" }
        patch = { "x-function" = "users-api" }
      }
      "/documents/{id}" = {
        delete = { "x-function" = "ai-api" }
      }
    }
  }

  functions = {
    users-api = {
      function_name    = "app-dev-users-api"
      alias_name       = "live"
      alias_invoke_arn = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:app-dev-users-api:live/invocations"
      timeout          = 10
    }
    ai-api = {
      function_name    = "app-dev-ai-api"
      alias_name       = "live"
      alias_invoke_arn = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:app-dev-ai-api:live/invocations"
      timeout          = 29
    }
    nightly = {
      function_name    = "app-dev-nightly"
      alias_name       = "live"
      alias_invoke_arn = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:app-dev-nightly:live/invocations"
      timeout          = 300
    }
  }

  default_function = "users-api"
}

run "every_operation_is_a_route_to_its_function" {
  assert {
    condition     = { for key, route in aws_apigatewayv2_route.operation : route.route_key => route.target } == { for key, function in { "GET /users/me" = "users-api", "PATCH /users/me" = "users-api", "DELETE /documents/{id}" = "ai-api" } : key => "integrations/${aws_apigatewayv2_integration.function[function].id}" }
    error_message = "Each operation of the document is one route, and calls the function that the document names."
  }

  assert {
    condition     = aws_apigatewayv2_route.default.route_key == "$default" && aws_apigatewayv2_route.default.target == "integrations/${aws_apigatewayv2_integration.function["users-api"].id}"
    error_message = "Every other path is answered by the default function, with the API's own 404."
  }
}

run "functions_are_called_by_their_alias_and_only_by_this_stage" {
  assert {
    condition     = keys(aws_apigatewayv2_integration.function) == ["ai-api", "users-api"]
    error_message = "A function without a route has no integration, and nobody may call it through the API."
  }

  assert {
    condition     = alltrue([for key, integration in aws_apigatewayv2_integration.function : integration.integration_uri == var.functions[key].alias_invoke_arn && integration.payload_format_version == "2.0" && integration.timeout_milliseconds == var.functions[key].timeout * 1000])
    error_message = "Integrations call the alias, speak payload 2.0 and wait as long as the function may run."
  }

  assert {
    condition     = { for key, permission in aws_lambda_permission.api : key => [permission.function_name, permission.qualifier, permission.principal, permission.source_arn] } == { for key in ["ai-api", "users-api"] : key => ["app-dev-${key}", "live", "apigateway.amazonaws.com", "arn:aws:execute-api:us-east-1:123456789012:api1/backend/*"] }
    error_message = "Only stage backend of this API may call the alias of a function."
  }
}

run "the_stage_is_backend" {
  assert {
    condition     = output.stage_name == "backend" && aws_apigatewayv2_stage.this.auto_deploy
    error_message = "The stage's name is the first part of every path, so that no proxy has to rewrite one."
  }

  assert {
    condition     = output.host == "api1.execute-api.us-east-1.amazonaws.com" && output.invoke_url == "https://api1.execute-api.us-east-1.amazonaws.com/backend"
    error_message = "Proxies need the host, people the address."
  }

  assert {
    condition     = alltrue([for key in ["requestId", "status", "route", "latencyMs"] : contains(keys(jsondecode(aws_apigatewayv2_stage.this.access_log_settings[0].format)), key)])
    error_message = "Access logs are JSON."
  }

  assert {
    condition     = !strcontains(aws_apigatewayv2_stage.this.access_log_settings[0].format, "authorizer") && !strcontains(aws_apigatewayv2_stage.this.access_log_settings[0].format, "cookie") && !strcontains(aws_apigatewayv2_stage.this.access_log_settings[0].format, "$context.path")
    error_message = "Access logs say nothing of who a user is and nothing that a user sent."
  }

  assert {
    condition     = aws_apigatewayv2_stage.this.default_route_settings[0].throttling_rate_limit == 100 && aws_apigatewayv2_stage.this.default_route_settings[0].throttling_burst_limit == 200
    error_message = "The stage is throttled."
  }
}

run "same_origin_needs_no_cors" {
  assert {
    condition     = length(aws_apigatewayv2_api.this.cors_configuration) == 0
    error_message = "Without sites on other hosts, no browser on another site may call the API."
  }
}

run "other_sites_call_with_credentials" {
  variables {
    allowed_origins = ["https://app.example.com"]
  }

  assert {
    condition     = aws_apigatewayv2_api.this.cors_configuration[0].allow_credentials && aws_apigatewayv2_api.this.cors_configuration[0].allow_origins == toset(["https://app.example.com"])
    error_message = "The sites that were named, and no other, call with their cookies."
  }
}

run "any_site_is_refused" {
  command = plan

  variables {
    allowed_origins = ["*"]
  }

  expect_failures = [var.allowed_origins]
}

run "a_domain_of_its_own" {
  variables {
    domain = {
      name            = "api.example.com"
      certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
      zone_id         = "Z1"
    }
  }

  override_resource {
    target = aws_apigatewayv2_domain_name.this
    values = {
      domain_name_configuration = {
        target_domain_name = "d-1.execute-api.us-east-1.amazonaws.com"
        hosted_zone_id     = "Z2"
      }
    }
  }

  assert {
    condition     = aws_apigatewayv2_api_mapping.this[0].api_mapping_key == "backend" && output.invoke_url == "https://api.example.com/backend"
    error_message = "Paths are the same on the API's own domain as behind the site."
  }

  assert {
    condition     = keys(aws_route53_record.this) == ["A", "AAAA"]
    error_message = "With a zone, the domain's records are made."
  }
}

run "an_operation_of_nobody_is_refused" {
  command = plan

  variables {
    openapi = { paths = { "/x" = { get = {} } } }
  }

  expect_failures = [var.openapi]
}

run "a_function_slower_than_the_gateway_is_refused" {
  command = plan

  variables {
    openapi = { paths = { "/x" = { get = { "x-function" = "nightly" } } } }
  }

  expect_failures = [aws_apigatewayv2_integration.function]
}

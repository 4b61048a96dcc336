# What AWS would make up is known to the plan: a run needs no apply, and takes half the time.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_cloudfront_distribution" {
    defaults = { domain_name = "d111.cloudfront.net", hosted_zone_id = "Z2FDTNDATAQYW2" }
  }
}

variables {
  name            = "groundwork-test"
  api_host        = "abc123.execute-api.us-east-1.amazonaws.com"
  frontend_origin = "my-app.vercel.app"
}

run "by_default" {
  command = plan

  # ---- backend goes to the api

  assert {
    condition     = { for origin in aws_cloudfront_distribution.this.origin : origin.origin_id => origin.domain_name } == { api = var.api_host, frontend = var.frontend_origin }
    error_message = "There are two origins."
  }

  assert {
    condition     = [for behavior in aws_cloudfront_distribution.this.ordered_cache_behavior : [behavior.path_pattern, behavior.target_origin_id]] == [["/backend/*", "api"]]
    error_message = "Paths below the API's stage, and no others, go to the API."
  }

  assert {
    condition     = one(aws_cloudfront_distribution.this.default_cache_behavior).target_origin_id == "frontend"
    error_message = "Everything else goes to the frontend."
  }

  # ---- nothing is cached or lost

  assert {
    condition = alltrue([for behavior in concat(aws_cloudfront_distribution.this.ordered_cache_behavior, aws_cloudfront_distribution.this.default_cache_behavior) :
      behavior.cache_policy_id == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad" && behavior.origin_request_policy_id == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    ])
    error_message = "An answer belongs to one caller (CachingDisabled), and origins see all but Host (AllViewerExceptHostHeader)."
  }

  assert {
    condition     = alltrue([for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"] : contains(one(aws_cloudfront_distribution.this.ordered_cache_behavior).allowed_methods, method)])
    error_message = "The API takes all methods."
  }

  # ---- encrypted on both sides

  assert {
    condition     = alltrue([for origin in aws_cloudfront_distribution.this.origin : one(origin.custom_origin_config).origin_protocol_policy == "https-only" && one(origin.custom_origin_config).origin_ssl_protocols == toset(["TLSv1.2"])])
    error_message = "Origins are asked with TLS 1.2 alone."
  }

  assert {
    condition     = one(aws_cloudfront_distribution.this.ordered_cache_behavior).viewer_protocol_policy == "https-only"
    error_message = "A call without TLS is refused: a redirect would have sent the session already."
  }

  # ---- cloudfronts name

  assert {
    condition     = output.url == "https://d111.cloudfront.net" && length(aws_route53_record.alias) == 0
    error_message = "Without a name of its own the site is under CloudFront's."
  }
}

run "own_name" {
  command = plan

  variables {
    aliases         = ["app.example.com"]
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
    zone_id         = "Z1"
  }

  assert {
    condition     = output.url == "https://app.example.com"
    error_message = "The site's address is its own name."
  }

  assert {
    condition     = one(aws_cloudfront_distribution.this.viewer_certificate).minimum_protocol_version == "TLSv1.2_2021"
    error_message = "Browsers need TLS 1.2."
  }

  assert {
    condition     = { for record in aws_route53_record.alias : "${record.name} ${record.type}" => one(record.alias).name } == { "app.example.com A" = "d111.cloudfront.net", "app.example.com AAAA" = "d111.cloudfront.net" }
    error_message = "The name leads to the distribution, by IPv4 and IPv6."
  }
}

run "no_circles" {
  command = plan

  variables {
    aliases         = ["app.example.com"]
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/1"
    frontend_origin = "app.example.com"
  }

  expect_failures = [var.frontend_origin]
}

run "records_need_names" {
  command = plan

  variables {
    zone_id = "Z1"
  }

  expect_failures = [var.zone_id]
}

run "refused" {
  command = plan

  variables {
    aliases         = ["app.example.com"]
    certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
    frontend_origin = "https://my-app.vercel.app/"
  }

  expect_failures = [var.certificate_arn, var.frontend_origin]
}

run "a_name_needs_a_certificate" {
  command = plan

  variables {
    aliases = ["app.example.com"]
  }

  expect_failures = [var.certificate_arn]
}

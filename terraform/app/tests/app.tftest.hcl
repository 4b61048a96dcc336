mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:group" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/role" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:function:function" }
  }

  mock_resource "aws_lambda_alias" {
    defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:function:function:live" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:us-east-1:123456789012:queue" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:us-east-1:123456789012:topic" }
  }

  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:us-east-1:123456789012:key/1" }
  }

  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/groundwork-dev" }
  }

  mock_resource "aws_s3_bucket" {
    defaults = {
      arn = "arn:aws:s3:::groundwork-dev-uploads-123456789012"
      id  = "groundwork-dev-uploads-123456789012"
    }
  }

  mock_resource "aws_cognito_user_pool" {
    defaults = {
      id       = "us-east-1_pool"
      arn      = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_pool"
      endpoint = "cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"
    }
  }

  mock_resource "aws_cognito_user_pool_client" {
    defaults = { id = "client1" }
  }

  mock_resource "aws_apigatewayv2_api" {
    defaults = {
      api_endpoint  = "https://api1.execute-api.us-east-1.amazonaws.com"
      execution_arn = "arn:aws:execute-api:us-east-1:123456789012:api1"
    }
  }

  mock_resource "aws_cloudfront_distribution" {
    defaults = { domain_name = "d1.cloudfront.net" }
  }
}

variables {
  environment     = "dev"
  images_file     = "tests/release.json"
  frontend_origin = "frontend.example.com"
}

run "a_function_gets_every_variable_it_reads_and_no_other" {
  command = plan

  variables {
    extra_origins = ["http://localhost:3000"]
  }

  assert {
    condition = local.served_environment["billing-api"] == {
      APP_ENV              = "dev"
      APP_VERSION          = "2222222222222222222222222222222222222222"
      IMAGE_DIGEST         = "sha256:2222222222222222222222222222222222222222222222222222222222222222"
      TABLE_NAME           = "groundwork-dev"
      ALLOWED_ORIGINS      = "https://d1.cloudfront.net,http://localhost:3000"
      SESSION_COOKIE_NAMES = "__Secure-next-auth.session-token"
      SESSION_SECRET_NAME  = "/groundwork/dev/session-secrets"
      COGNITO_ISSUER       = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"
      COGNITO_CLIENT_ID    = "client1"
      SITE_URL             = "https://d1.cloudfront.net"
      STRIPE_API_BASE      = "https://api.stripe.com"
      STRIPE_SECRET_NAME   = "/groundwork/dev/stripe-secret-key"
      PRICE_KEYS           = "price_starter_monthly,price_professional_monthly,price_enterprise_monthly"
    }
    error_message = "The functions read these variables (lib/saas/settings.py)."
  }

  assert {
    condition     = local.trigger_environment["users-post-confirmation"] == { APP_ENV = "dev", APP_VERSION = "1111111111111111111111111111111111111111", TABLE_NAME = "groundwork-dev" }
    error_message = "A trigger of the user pool reads nothing that only exists after the pool."
  }

  assert {
    condition     = alltrue([for key, spec in local.manifest : toset(keys(merge(local.trigger_environment, local.served_environment)[key])) == toset(spec.environment)])
    error_message = "Each function gets what images/functions.json names."
  }

  assert {
    condition     = keys(output.functions) == keys(local.manifest) && output.functions["ai-api"].digest == "sha256:3333333333333333333333333333333333333333333333333333333333333333" && output.functions["ai-api"].name == "groundwork-dev-ai-api"
    error_message = "What runs is told by function, with its digest."
  }

  assert {
    condition     = local.architectures[local.images.ai.platform] == "arm64" && local.architectures[local.images.users.platform] == "x86_64"
    error_message = "The architecture is the image's."
  }
}

run "the_ai_function_writes_nowhere_but_under_its_own_keys" {
  command = plan

  assert {
    condition     = alltrue([for action in ["PutItem", "UpdateItem", "DeleteItem", "Query"] : local.table_access["ai-api"][action] == ["AI#*"]])
    error_message = "Whoever breaks into the ai function must not become a subscriber or an administrator."
  }

  assert {
    condition     = toset([for arn in one([for statement in local.policies["ai-api"] : statement.resources if statement.sid == "SignUploads"]) : arn]) == toset(["arn:aws:s3:::groundwork-dev-uploads-123456789012/uploads/pending/*"])
    error_message = "Browsers upload to pending documents alone."
  }

  assert {
    condition     = contains(one([for statement in local.policies["ai-api"] : statement.resources if statement.sid == "AskModels"]), "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0")
    error_message = "A model with a region group is asked through the account's inference profile."
  }

  assert {
    condition     = contains(one([for statement in local.policies["ai-api"] : statement.resources if statement.sid == "AskModelsThroughProfiles"]), "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-lite-v1:0") && one([for statement in local.policies["ai-api"] : statement.conditions if statement.sid == "AskModelsThroughProfiles"])[0].variable == "bedrock:InferenceProfileArn"
    error_message = "The model itself may be asked in every region of the group, and only through the profile."
  }
}

run "every_policy_is_narrow" {
  command = plan

  override_module {
    target          = module.configuration
    override_during = plan
    outputs = {
      names = { session-secrets = "/s", stripe-secret-key = "/k", stripe-webhook-secrets = "/w" }
      arns  = { session-secrets = "arn:aws:ssm:::s", stripe-secret-key = "arn:aws:ssm:::k", stripe-webhook-secrets = "arn:aws:ssm:::w" }
    }
  }

  assert {
    condition     = alltrue(flatten([for statements in local.policies : [for statement in statements : [for arn in statement.resources : startswith(arn, "arn:") && !endswith(arn, ":*")]]]))
    error_message = "Every resource is named."
  }

  assert {
    condition     = alltrue(flatten([for statements in local.policies : [for statement in statements : length(statement.conditions) == 1 if anytrue([for action in statement.actions : startswith(action, "dynamodb:")])]]))
    error_message = "Every access to the table is bound to partition keys."
  }

  assert {
    condition = { for key, statements in local.policies : key => flatten([for statement in statements : statement.resources if statement.sid == "ReadSecrets"]) } == {
      users-api               = ["arn:aws:ssm:::s"]
      users-post-confirmation = []
      billing-api             = ["arn:aws:ssm:::s", "arn:aws:ssm:::k"]
      billing-webhook         = ["arn:aws:ssm:::k", "arn:aws:ssm:::w"]
      billing-reconcile       = ["arn:aws:ssm:::k"]
      ai-api                  = ["arn:aws:ssm:::s"]
    }
    error_message = "A function reads exactly the secrets whose names it is given."
  }

  assert {
    condition     = length([for statement in local.policies["users-post-confirmation"] : statement if statement.sid != "PutItem"]) == 0
    error_message = "The trigger only creates users."
  }
}

run "a_customers_key_has_to_be_opened" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/own"
  }

  assert {
    condition = alltrue([for key, statements in local.policies : { for statement in statements : statement.sid => [statement.resources, statement.conditions] if startswith(statement.sid, "UseKey") } == {
      UseKeyOfSecrets = [["arn:aws:kms:us-east-1:123456789012:key/own"], [{ test = "StringEquals", variable = "kms:ViaService", values = ["ssm.us-east-1.amazonaws.com"] }]]
      UseKeyOfTable   = [["arn:aws:kms:us-east-1:123456789012:key/own"], [{ test = "StringEquals", variable = "kms:ViaService", values = ["dynamodb.us-east-1.amazonaws.com"] }]]
    } if key != "users-post-confirmation"])
    error_message = "Functions use the key through the services that hold the data, and not otherwise."
  }

  assert {
    condition     = toset(local.policies["users-post-confirmation"][*].sid) == toset(["PutItem", "UseKeyOfTable"])
    error_message = "Who reads no secret needs no key for one."
  }
}

run "the_clock_and_cognito_call_the_alias" {
  command = plan

  assert {
    condition     = keys(aws_scheduler_schedule.function) == ["billing-reconcile"] && aws_scheduler_schedule.function["billing-reconcile"].schedule_expression == "rate(15 minutes)"
    error_message = "Every schedule of images/functions.json exists, and no other."
  }

  assert {
    condition     = aws_scheduler_schedule.function["billing-reconcile"].target[0].arn == module.function["billing-reconcile"].alias_arn && aws_scheduler_schedule.function["billing-reconcile"].target[0].dead_letter_config[0].arn == module.function["billing-reconcile"].failure_queue_arn
    error_message = "The schedule calls the alias; what it cannot deliver is kept."
  }

  assert {
    condition     = aws_lambda_permission.cognito["users-post-confirmation"].qualifier == "live" && aws_lambda_permission.cognito["users-post-confirmation"].source_arn == module.user_pool.arn
    error_message = "Cognito may call the alias for this pool alone."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.scheduler.policy).Statement[0].Resource == [module.function["billing-reconcile"].alias_arn]
    error_message = "The schedule's role calls scheduled functions alone."
  }
}

run "a_site_behind_its_own_proxy" {
  command = plan

  variables {
    site_enabled    = false
    frontend_origin = null
    site_url        = "https://app.example.com"
    price_keys      = ["price_professional_monthly"]
  }

  assert {
    condition     = length(module.site) == 0 && output.site_url == "https://app.example.com" && output.distribution_id == null
    error_message = "Without CloudFront the site is where site_url says."
  }

  assert {
    condition     = local.served_environment["billing-api"].PRICE_KEYS == "price_professional_monthly" && output.price_keys == ["price_professional_monthly"]
    error_message = "Only what is named is sold."
  }

  assert {
    condition     = output.frontend_environment.NEXTAUTH_URL == "https://app.example.com" && output.frontend_environment.NEXT_PUBLIC_API_URL == "/backend"
    error_message = "The frontend calls the API on its own host."
  }
}

# What AWS would make up is known to the plan: a run needs no apply, and takes half the time.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }

  mock_resource "aws_cognito_user_pool" {
    defaults = { id = "eu-central-1_a1", endpoint = "cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a1" }
  }
}

variables {
  name          = "groundwork-test"
  domain_prefix = "groundwork-test-123456789012"
  callback_urls = ["https://app.example.com/api/auth/callback/cognito"]
  logout_urls   = ["https://app.example.com"]
}

run "by_default" {
  command = plan

  # ---- accounts

  assert {
    condition     = aws_cognito_user_pool.this.username_attributes == toset(["email"]) && aws_cognito_user_pool.this.auto_verified_attributes == toset(["email"])
    error_message = "People sign in with their e-mail address, which is verified; another choice replaces the pool."
  }

  assert {
    condition     = !one(aws_cognito_user_pool.this.username_configuration).case_sensitive
    error_message = "Ada@example.com and ada@example.com are one account; another choice replaces the pool."
  }

  assert {
    condition     = length(aws_cognito_user_pool.this.schema) == 0
    error_message = "There are no attributes of our own: they could never be removed again."
  }

  assert {
    condition     = aws_cognito_user_pool.this.deletion_protection == "ACTIVE"
    error_message = "A pool is protected from deletion by default."
  }

  assert {
    condition     = one(aws_cognito_user_pool.this.password_policy).minimum_length == 8 && !one(aws_cognito_user_pool.this.password_policy).require_symbols
    error_message = "The password policy is the one of the local stack."
  }

  assert {
    condition     = { for group in aws_cognito_user_group.this : group.name => group.user_pool_id } == { admin = "eu-central-1_a1" }
    error_message = "There is a group of administrators."
  }

  # ---- what a frontend needs

  assert {
    condition     = output.issuer == "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_a1"
    error_message = "The issuer is the `iss` of the pool's tokens."
  }

  assert {
    condition     = output.domain == "groundwork-test-123456789012.auth.eu-central-1.amazoncognito.com"
    error_message = "The sign-in page is at the domain's host."
  }

  assert {
    condition     = aws_cognito_user_pool_client.web.allowed_oauth_flows == toset(["code"]) && aws_cognito_user_pool_client.web.allowed_oauth_flows_user_pool_client
    error_message = "NextAuth signs in by code grant; the implicit flow hands out tokens in addresses."
  }

  assert {
    condition     = aws_cognito_user_pool_client.web.explicit_auth_flows == toset(["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])
    error_message = "These flows are what frontends and the journey use."
  }

  assert {
    condition     = aws_cognito_user_pool_client.web.prevent_user_existence_errors == "ENABLED" && !aws_cognito_user_pool_client.web.generate_secret
    error_message = "The client tells nobody who has an account, and is public."
  }

  assert {
    condition     = aws_cognito_user_pool_client.web.supported_identity_providers == toset(["COGNITO"]) && length(aws_cognito_identity_provider.google) == 0
    error_message = "Without Google's client there is no button for it."
  }

  # ---- second factor

  assert {
    condition     = aws_cognito_user_pool.this.mfa_configuration == "OPTIONAL" && one(aws_cognito_user_pool.this.software_token_mfa_configuration).enabled
    error_message = "Users may add an authenticator app."
  }
}

run "no_second_factor" {
  command = plan

  variables {
    mfa = "OFF"
  }

  assert {
    condition     = aws_cognito_user_pool.this.mfa_configuration == "OFF" && length(aws_cognito_user_pool.this.software_token_mfa_configuration) == 0
    error_message = "Cognito refuses a configured factor while factors are off."
  }
}

run "trigger" {
  command = plan

  variables {
    post_confirmation_arn = "arn:aws:lambda:eu-central-1:123456789012:function:groundwork-test-users-post-confirmation:live"
  }

  assert {
    condition     = one(aws_cognito_user_pool.this.lambda_config).post_confirmation == var.post_confirmation_arn
    error_message = "Cognito calls the alias when an account is confirmed."
  }
}

run "sign_in_with_google" {
  command = plan

  variables {
    google = { client_id = "id.apps.googleusercontent.com", client_secret = "s3cret" }
  }

  assert {
    condition     = aws_cognito_user_pool_client.web.supported_identity_providers == toset(["COGNITO", "Google"])
    error_message = "The client offers Google beside passwords."
  }

  assert {
    condition     = nonsensitive(aws_cognito_identity_provider.google[0].provider_details["client_secret"]) == "s3cret"
    error_message = "The provider gets Google's secret."
  }
}

run "mail_through_ses" {
  command = plan

  variables {
    mail = { from = "Example <no-reply@example.com>", ses_identity_arn = "arn:aws:ses:eu-central-1:123456789012:identity/example.com" }
  }

  assert {
    condition     = one(aws_cognito_user_pool.this.email_configuration).email_sending_account == "DEVELOPER" && one(aws_cognito_user_pool.this.email_configuration).from_email_address == "Example <no-reply@example.com>"
    error_message = "Codes are sent by the identity in SES, from the address that was named."
  }
}

run "a_laptop_is_an_exception" {
  command = plan

  variables {
    callback_urls = ["http://localhost:3000/api/auth/callback/cognito"]
    logout_urls   = ["http://localhost:3000"]
  }
}

run "refused" {
  command = plan

  variables {
    callback_urls   = ["http://app.example.com/api/auth/callback/cognito"]
    domain_prefix   = "my-aws-app"
    mail            = { from = "Example", ses_identity_arn = "example.com" }
    mfa             = "SMS"
    password_policy = { minimum_length = 6 }
  }

  expect_failures = [var.callback_urls, var.domain_prefix, var.mail, var.mfa, var.password_policy]
}

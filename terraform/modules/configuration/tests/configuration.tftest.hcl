mock_provider "aws" {}

variables {
  path = "/app/dev"
}

run "three_secrets_in_parameter_store" {
  assert {
    condition     = output.names == tomap({ session-secrets = "/app/dev/session-secrets", stripe-secret-key = "/app/dev/stripe-secret-key", stripe-webhook-secrets = "/app/dev/stripe-webhook-secrets" })
    error_message = "Names begin with / so that the functions look into Parameter Store."
  }

  assert {
    condition     = alltrue([for parameter in aws_ssm_parameter.this : parameter.type == "SecureString"])
    error_message = "Secrets are encrypted."
  }

  assert {
    condition     = alltrue([for key, arn in output.arns : arn == aws_ssm_parameter.this[key].arn]) && length(output.arns) == 3
    error_message = "Policies need the ARN of each secret."
  }
}

run "values_never_reach_the_state" {
  assert {
    condition     = alltrue([for parameter in aws_ssm_parameter.this : parameter.value_wo == null && parameter.value_wo_version == 1])
    error_message = "Values are write-only, and their version stays, so that what operators write is never overwritten."
  }
}

run "secrets_manager_instead" {
  variables {
    store = "secretsmanager"
  }

  assert {
    condition     = output.names == tomap({ session-secrets = "app/dev/session-secrets", stripe-secret-key = "app/dev/stripe-secret-key", stripe-webhook-secrets = "app/dev/stripe-webhook-secrets" })
    error_message = "Names do not begin with / so that the functions look into Secrets Manager."
  }

  assert {
    condition     = length(aws_ssm_parameter.this) == 0 && alltrue([for version in aws_secretsmanager_secret_version.this : version.secret_string_wo == null])
    error_message = "Secrets lie in one store alone, and their values not in the state."
  }

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : secret.recovery_window_in_days == 30])
    error_message = "What was deleted by mistake can be brought back."
  }
}

run "a_key_of_ones_own" {
  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/1"
  }

  assert {
    condition     = alltrue([for parameter in aws_ssm_parameter.this : parameter.key_id == var.kms_key_arn])
    error_message = "The key encrypts all secrets."
  }
}

run "an_unknown_store_is_refused" {
  command = plan

  variables {
    store         = "vault"
    recovery_days = 3
  }

  expect_failures = [var.store, var.recovery_days]
}

run "a_path_without_a_slash_is_refused" {
  command = plan

  variables {
    path = "app/dev/"
  }

  expect_failures = [var.path]
}

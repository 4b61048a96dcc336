locals {
  descriptions = {
    session-secrets        = "NEXTAUTH_SECRET of the frontend, as a JSON list with the newest first"
    stripe-secret-key      = "Secret or restricted key of the Stripe account"
    stripe-webhook-secrets = "Signing secrets of the webhook endpoint, as a JSON list with the newest first"
  }

  # A secret exists before anybody could write it. Functions refuse this value (saas/secrets.py).
  unset = "unset"

  # The functions tell the stores apart by the name: a leading / means Parameter Store.
  parameters = var.store == "ssm" ? { for key, text in local.descriptions : key => "${var.path}/${key}" } : {}
  secrets    = var.store == "ssm" ? {} : { for key, text in local.descriptions : key => "${trimprefix(var.path, "/")}/${key}" }
}

# `value_wo` never reaches plan or state, and is sent again only when its version changes: what operators write stays.
resource "aws_ssm_parameter" "this" {
  for_each = local.parameters

  name             = each.value
  description      = local.descriptions[each.key]
  type             = "SecureString"
  key_id           = var.kms_key_arn
  value_wo         = local.unset
  value_wo_version = 1

  # The provider sends any change together with a value, and has none to send: operators write it anew after these.
  lifecycle {
    ignore_changes = [description, key_id]
  }
}

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57: these are rotated together with the frontend and Stripe, by `make secrets`
  for_each = local.secrets

  name        = each.value
  description = local.descriptions[each.key]
  kms_key_id  = var.kms_key_arn

  recovery_window_in_days = var.recovery_days
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each = local.secrets

  secret_id                = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo         = local.unset
  secret_string_wo_version = 1
}

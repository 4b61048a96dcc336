# What each function may do, and nothing else; its own log, traces and failure queue are the module's.

locals {
  # DynamoDB by function and action: begins of the partition keys it may touch. A transaction is authorised by the
  # actions in it, and HEALTH# is the item that a health check looks for.
  table_access = {
    users-api = {
      GetItem      = ["HEALTH#"]
      BatchGetItem = ["USER#*"]
      PutItem      = ["USER#*"]
      UpdateItem   = ["USER#*"]
    }
    users-post-confirmation = {
      PutItem = ["USER#*"]
    }
    billing-api = {
      GetItem            = ["CHECKOUT#*", "CUSTOMER#*", "HEALTH#", "USER#*"]
      BatchGetItem       = ["USER#*"]
      PutItem            = ["CHECKOUT#*", "CUSTOMER#*", "USER#*"]
      UpdateItem         = ["CHECKOUT#*", "CUSTOMER#*", "USER#*"]
      ConditionCheckItem = ["USER#*"]
    }
    billing-webhook = {
      GetItem            = ["CUSTOMER#*", "USER#*"]
      BatchGetItem       = ["EVENT#*"]
      PutItem            = ["EVENT#*", "USER#*"]
      UpdateItem         = ["CUSTOMER#*", "USER#*"]
      ConditionCheckItem = ["USER#*"]
    }
    billing-reconcile = {
      GetItem            = ["CUSTOMER#*", "RECONCILE#cursor", "USER#*"]
      BatchGetItem       = ["EVENT#*"]
      PutItem            = ["CUSTOMER#*", "EVENT#*", "RECONCILE#cursor", "USER#*"] # CUSTOMER# for make adopt-stripe
      UpdateItem         = ["CUSTOMER#*", "USER#*"]
      ConditionCheckItem = ["USER#*"]
    }
    # Reads users and subscriptions; writes nowhere but under AI#.
    ai-api = {
      GetItem      = ["AI#*", "HEALTH#"]
      BatchGetItem = ["USER#*"]
      Query        = ["AI#*"]
      PutItem      = ["AI#*"]
      UpdateItem   = ["AI#*"]
      DeleteItem   = ["AI#*"]
    }
  }

  table_statements = { for key, actions in local.table_access : key => [for action, keys in actions : {
    sid        = action
    actions    = ["dynamodb:${action}"]
    resources  = [module.table.arn]
    conditions = [{ test = "ForAllValues:StringLike", variable = "dynamodb:LeadingKeys", values = keys }]
  }] }

  # The secrets whose names a function's environment holds.
  secret_variables = {
    SESSION_SECRET_NAME        = "session-secrets"
    STRIPE_SECRET_NAME         = "stripe-secret-key"
    STRIPE_WEBHOOK_SECRET_NAME = "stripe-webhook-secrets"
  }
  read_secret = var.secret_store == "ssm" ? "ssm:GetParameter" : "secretsmanager:GetSecretValue"

  secret_statements = { for key, spec in local.manifest : key => [
    for variables in [setintersection(spec.environment, keys(local.secret_variables))] : {
      sid        = "ReadSecrets"
      actions    = [local.read_secret]
      resources  = [for name in variables : module.configuration.arns[local.secret_variables[name]]]
      conditions = []
    } if length(variables) > 0
  ] }

  # AWS's own keys let everybody in who may use the service. A customer's key has to be opened, through that alone.
  # Source: Amazon DynamoDB developer guide, "Authorizing use of your customer managed key".
  key_uses = {
    UseKeyOfTable   = { service = "dynamodb", actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"] }
    UseKeyOfSecrets = { service = var.secret_store, actions = ["kms:Decrypt"] }
  }
  key_statements = { for sid, use in local.key_uses : sid => [for arn in compact([var.kms_key_arn]) : {
    sid        = sid
    actions    = use.actions
    resources  = [arn]
    conditions = [{ test = "StringEquals", variable = "kms:ViaService", values = ["${use.service}.${var.region}.amazonaws.com"] }]
  }] }

  further_statements = {
    ai-api = concat(local.model_statements, [{
      sid        = "SignUploads"
      actions    = ["s3:PutObject"]
      resources  = ["${module.uploads.arn}/uploads/pending/*"]
      conditions = []
    }])
  }

  policies = { for key in keys(local.table_access) : key => concat(
    local.table_statements[key],
    lookup(local.secret_statements, key, []),
    local.key_statements.UseKeyOfTable,
    [for statement in local.key_statements.UseKeyOfSecrets : statement if length(lookup(local.secret_statements, key, [])) > 0],
    lookup(local.further_statements, key, []),
  ) }
}

# The most that a role can be allowed, whatever is attached to it later.

locals {
  role_path   = "arn:${local.partition}:iam::${local.account}:role"
  policy_path = "arn:${local.partition}:iam::${local.account}:policy"
}

# Roles that terraform/app makes: those of functions and of the scheduler, confined to their environment.
resource "aws_iam_policy" "app_boundary" {
  for_each = var.environments

  name        = "${var.name}-boundary-${each.key}"
  description = "Bounds the roles of ${local.prefixes[each.key]}-*"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Data"
        Effect = "Allow"
        Action = [
          "dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:GetItem",
          "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
        ]
        Resource = local.table_arns[each.key]
      },
      {
        Sid      = "Documents"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource = "arn:${local.partition}:s3:::${local.prefixes[each.key]}-uploads-${local.account}/*"
      },
      {
        Sid      = "Secrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue", "ssm:GetParameter"]
        Resource = local.secret_arns[each.key]
      },
      {
        Sid       = "KeysOfThose"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
        Resource  = "arn:${local.partition}:kms:${var.region}:${local.account}:key/*"
        Condition = { StringLike = { "kms:ViaService" = [for service in ["dynamodb", "secretsmanager", "ssm"] : "${service}.${var.region}.amazonaws.com"] } }
      },
      {
        # Inference profiles reach models in other regions.
        Sid    = "Models"
        Effect = "Allow"
        Action = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
        Resource = [
          "arn:${local.partition}:bedrock:*::foundation-model/*",
          "arn:${local.partition}:bedrock:*:${local.account}:inference-profile/*",
        ]
      },
      {
        Sid    = "OwnFunctionsAndQueues"
        Effect = "Allow"
        Action = ["lambda:InvokeFunction", "sqs:SendMessage"]
        Resource = [
          "arn:${local.partition}:lambda:${var.region}:${local.account}:function:${local.prefixes[each.key]}-*",
          "arn:${local.partition}:sqs:${var.region}:${local.account}:${local.prefixes[each.key]}-*",
        ]
      },
      {
        Sid      = "Logs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:${local.partition}:logs:${var.region}:${local.account}:log-group:/aws/lambda/${local.prefixes[each.key]}-*"
      },
      {
        Sid      = "Traces" # X-Ray knows no resources
        Effect   = "Allow"
        Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = "*"
      },
    ]
  })
}

# The roles of GitHub's jobs. Without it, whoever could attach a policy to a deploy role could make it administrator.
resource "aws_iam_policy" "delivery_boundary" {
  #checkov:skip=CKV_AWS_286: a boundary allows nothing by itself; what the roles get stands in deploy.tf
  #checkov:skip=CKV_AWS_287: as above
  #checkov:skip=CKV_AWS_288: as above
  #checkov:skip=CKV_AWS_289: as above
  #checkov:skip=CKV_AWS_290: as above
  #checkov:skip=CKV_AWS_355: as above
  name        = "${var.name}-boundary-delivery"
  description = "Bounds the roles of GitHub's jobs: the services of a deployment, and no way to become more"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "ServicesOfADeployment"
        Effect = "Allow"
        Action = [
          "acm:*", "apigateway:*", "budgets:*", "cloudfront:*", "cloudwatch:*", "cognito-idp:*", "dynamodb:*", "ecr:*", "iam:*",
          "kms:*", "lambda:*", "logs:*", "route53:*", "s3:*", "scheduler:*", "secretsmanager:*", "sns:*", "sqs:*", "ssm:*", "sts:*", "wafv2:Get*",
        ]
        Resource = "*"
      },
      {
        Sid         = "RolesOfTheAppAlone"
        Effect      = "Deny"
        Action      = "iam:*"
        NotResource = concat([for prefix in values(local.prefixes) : "${local.role_path}/${prefix}-*"], ["${local.role_path}/aws-service-role/*"])
      },
      {
        Sid      = "NeverUnbound"
        Effect   = "Deny"
        Action   = ["iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
        Resource = "*"
        Condition = { StringNotEquals = { "iam:PermissionsBoundary" = [
          for environment in keys(var.environments) : "${local.policy_path}/${var.name}-boundary-${environment}"
        ] } }
      },
      {
        Sid      = "BoundForEver"
        Effect   = "Deny"
        Action   = "iam:DeleteRolePermissionsBoundary"
        Resource = "*"
      },
      {
        Sid      = "NoOtherIdentities"
        Effect   = "Deny"
        Action   = "sts:AssumeRole"
        Resource = "*"
      },
      {
        Sid    = "WhatBootstrapMadeStays"
        Effect = "Deny"
        Action = [
          "ecr:BatchDeleteImage", "ecr:DeleteRepository", "ecr:PutImageTagMutability", "ecr:SetRepositoryPolicy",
          "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:DeleteObjectVersion", "s3:PutBucketPolicy", "s3:PutBucketVersioning",
        ]
        Resource = concat(
          [for repository in aws_ecr_repository.image : repository.arn],
          ["arn:${local.partition}:s3:::${local.state_bucket}", "arn:${local.partition}:s3:::${local.state_bucket}/*"],
        )
      },
    ]
  })
}

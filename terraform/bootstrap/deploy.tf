# What terraform/app needs, statement by statement. Resources whose names we choose are named; those that AWS names are
# told apart by their tag `environment`, which a deployment can only set to its own.

locals {
  prefixes = { for environment in keys(var.environments) : environment => "${var.name}-${environment}" }

  arn = { for service in ["budgets", "cloudfront", "cloudwatch", "cognito-idp", "dynamodb", "ecr", "kms", "lambda", "logs", "scheduler", "secretsmanager", "sns", "sqs", "ssm"] :
    service => "arn:${local.partition}:${service}:${contains(["budgets", "cloudfront"], service) ? "" : var.region}:${local.account}"
  }
  rest_arn = "arn:${local.partition}:apigateway:${var.region}::"

  table_arns = { for environment, uses in var.environments : environment => flatten([
    for table in concat([local.prefixes[environment]], uses.tables) : ["${local.arn.dynamodb}:table/${table}", "${local.arn.dynamodb}:table/${table}/index/*"]
  ]) }
  secret_arns = { for environment in keys(var.environments) : environment => [
    "${local.arn.ssm}:parameter/${var.name}/${environment}/*",
    "${local.arn.secretsmanager}:secret:${var.name}/${environment}/*",
  ] }

  # A new thing gets this environment's tag; no thing of another environment ever does.
  creating = { for environment in keys(var.environments) : environment => {
    StringEquals         = { "aws:RequestTag/app" = var.name, "aws:RequestTag/environment" = environment }
    StringEqualsIfExists = { "aws:ResourceTag/app" = var.name, "aws:ResourceTag/environment" = environment }
  } }
  owning = { for environment in keys(var.environments) : environment => {
    StringEquals = { "aws:ResourceTag/app" = var.name, "aws:ResourceTag/environment" = environment }
  } }

  pool_actions = [
    "cognito-idp:CreateGroup", "cognito-idp:CreateIdentityProvider", "cognito-idp:CreateUserPoolClient", "cognito-idp:CreateUserPoolDomain",
    "cognito-idp:DeleteGroup", "cognito-idp:DeleteIdentityProvider", "cognito-idp:DeleteUserPool", "cognito-idp:DeleteUserPoolClient",
    "cognito-idp:DeleteUserPoolDomain", "cognito-idp:DescribeIdentityProvider", "cognito-idp:DescribeUserPool",
    "cognito-idp:DescribeUserPoolClient", "cognito-idp:GetGroup", "cognito-idp:GetUserPoolMfaConfig",
    "cognito-idp:SetUserPoolMfaConfig", "cognito-idp:UntagResource", "cognito-idp:UpdateGroup", "cognito-idp:UpdateIdentityProvider",
    "cognito-idp:UpdateUserPool", "cognito-idp:UpdateUserPoolClient", "cognito-idp:UpdateUserPoolDomain",
  ]

  deploy = { for environment, uses in var.environments : environment => {
    code = [
      {
        Sid      = "State"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = ["${aws_s3_bucket.state.arn}/${environment}/*", "${aws_s3_bucket.state.arn}/releases/${environment}/*"]
      },
      {
        Sid      = "StateLock"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource = "${aws_s3_bucket.state.arn}/${environment}/app.tfstate.tflock"
      },
      {
        # Without it, S3 answers "forbidden" where the state does not exist yet.
        Sid      = "StateNames"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = aws_s3_bucket.state.arn
      },
      {
        Sid    = "Images"
        Effect = "Allow"
        Action = ["ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer", "ecr:GetRepositoryPolicy"]
        Resource = concat(
          [for repository in aws_ecr_repository.image : repository.arn],
          [for account in var.registry_account[*] : "arn:${local.partition}:ecr:${var.region}:${account}:repository/${var.name}/*"],
        )
      },
      {
        Sid    = "Functions"
        Effect = "Allow"
        Action = [
          "lambda:AddPermission", "lambda:CreateAlias", "lambda:CreateFunction", "lambda:DeleteAlias", "lambda:DeleteFunction",
          "lambda:DeleteFunctionEventInvokeConfig", "lambda:DeleteProvisionedConcurrencyConfig", "lambda:GetAlias", "lambda:GetFunction",
          "lambda:GetFunctionCodeSigningConfig", "lambda:GetFunctionConfiguration",
          "lambda:GetFunctionEventInvokeConfig", "lambda:GetPolicy", "lambda:GetProvisionedConcurrencyConfig", "lambda:ListTags",
          "lambda:ListVersionsByFunction", "lambda:PublishVersion", "lambda:PutFunctionEventInvokeConfig",
          "lambda:PutProvisionedConcurrencyConfig", "lambda:RemovePermission", "lambda:TagResource", "lambda:UntagResource",
          "lambda:UpdateAlias", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
          "lambda:UpdateFunctionEventInvokeConfig",
        ]
        Resource = "${local.arn.lambda}:function:${local.prefixes[environment]}-*"
      },
      {
        Sid    = "Roles"
        Effect = "Allow"
        Action = [
          "iam:DeleteRole", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole",
          "iam:ListRolePolicies", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
        ]
        Resource = "${local.role_path}/${local.prefixes[environment]}-*"
      },
      {
        Sid       = "RolesWithinTheBoundary"
        Effect    = "Allow"
        Action    = ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"]
        Resource  = "${local.role_path}/${local.prefixes[environment]}-*"
        Condition = { StringEquals = { "iam:PermissionsBoundary" = "${local.policy_path}/${var.name}-boundary-${environment}" } }
      },
      {
        Sid       = "RolesForServices"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = "${local.role_path}/${local.prefixes[environment]}-*"
        Condition = { StringEquals = { "iam:PassedToService" = ["lambda.amazonaws.com", "scheduler.amazonaws.com"] } }
      },
      {
        Sid      = "Schedules"
        Effect   = "Allow"
        Action   = ["scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:GetSchedule", "scheduler:UpdateSchedule"]
        Resource = "${local.arn.scheduler}:schedule/default/${local.prefixes[environment]}-*"
      },
      {
        Sid    = "Queues"
        Effect = "Allow"
        Action = [
          "sqs:CreateQueue", "sqs:DeleteQueue", "sqs:GetQueueAttributes", "sqs:ListQueueTags",
          "sqs:SetQueueAttributes", "sqs:TagQueue", "sqs:UntagQueue",
        ]
        Resource = "${local.arn.sqs}:${local.prefixes[environment]}-*"
      },
    ]

    data = concat(
      [
        {
          Sid    = "Table"
          Effect = "Allow"
          Action = [
            "dynamodb:CreateTable", "dynamodb:DeleteTable", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable",
            "dynamodb:DescribeTimeToLive", "dynamodb:ListTagsOfResource", "dynamodb:TagResource", "dynamodb:UntagResource",
            "dynamodb:UpdateContinuousBackups", "dynamodb:UpdateTable", "dynamodb:UpdateTimeToLive",
          ]
          Resource = local.table_arns[environment]
        },
        {
          Sid    = "UploadsBucket"
          Effect = "Allow"
          Action = [
            "s3:CreateBucket", "s3:DeleteBucket", "s3:DeleteBucketPolicy", "s3:GetAccelerateConfiguration", "s3:GetBucket*",
            "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:GetReplicationConfiguration", "s3:ListBucket",
            "s3:ListBucketVersions", "s3:PutBucketCORS", "s3:PutBucketOwnershipControls", "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock", "s3:PutBucketTagging", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration",
          ]
          Resource = "arn:${local.partition}:s3:::${local.prefixes[environment]}-uploads-${local.account}"
        },
        {
          # Where `protected` is off, the bucket is emptied before it is deleted.
          Sid      = "EmptyUploadsBucket"
          Effect   = "Allow"
          Action   = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
          Resource = "arn:${local.partition}:s3:::${local.prefixes[environment]}-uploads-${local.account}/*"
        },
        {
          # Terraform reads what it made; it keeps no value.
          Sid    = "Secrets"
          Effect = "Allow"
          Action = [
            "secretsmanager:CreateSecret", "secretsmanager:DeleteSecret", "secretsmanager:DescribeSecret",
            "secretsmanager:GetResourcePolicy", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue",
            "secretsmanager:TagResource", "secretsmanager:UntagResource", "secretsmanager:UpdateSecret",
            "secretsmanager:UpdateSecretVersionStage", "ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:GetParameter",
            "ssm:ListTagsForResource", "ssm:PutParameter", "ssm:RemoveTagsFromResource",
          ]
          Resource = local.secret_arns[environment]
        },
        {
          Sid       = "NewUserPool"
          Effect    = "Allow"
          Action    = ["cognito-idp:CreateUserPool", "cognito-idp:TagResource"]
          Resource  = "*"
          Condition = local.creating[environment]
        },
        {
          Sid       = "UserPool"
          Effect    = "Allow"
          Action    = local.pool_actions
          Resource  = "${local.arn["cognito-idp"]}:userpool/*"
          Condition = local.owning[environment]
        },
        {
          Sid       = "NewKey"
          Effect    = "Allow"
          Action    = ["kms:CreateKey", "kms:TagResource"]
          Resource  = "*"
          Condition = local.creating[environment]
        },
        {
          # A new key's tags may take minutes to count ("Controlling access to KMS keys using tags"), and nothing here harms.
          Sid      = "LookAtKeys"
          Effect   = "Allow"
          Action   = ["kms:DescribeKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags"]
          Resource = "${local.arn.kms}:key/*"
        },
        {
          Sid       = "Key"
          Effect    = "Allow"
          Action    = ["kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:UntagResource", "kms:UpdateKeyDescription"]
          Resource  = "${local.arn.kms}:key/*"
          Condition = local.owning[environment]
        },
      ],
      [for pools in length(uses.user_pools) > 0 ? [uses.user_pools] : [] : {
        Sid      = "AdoptedUserPools"
        Effect   = "Allow"
        Action   = concat(local.pool_actions, ["cognito-idp:TagResource"])
        Resource = [for pool in pools : "${local.arn["cognito-idp"]}:userpool/${pool}"]
      }],
      [for keys in length(uses.kms_keys) > 0 ? [uses.kms_keys] : [] : {
        Sid      = "OwnKeys"
        Effect   = "Allow"
        Action   = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"]
        Resource = keys
      }],
    )

    edge = concat(
      [
        {
          # API Gateway names its APIs itself; see README.md, "Several environments in one account".
          Sid    = "Api"
          Effect = "Allow"
          Action = ["apigateway:DELETE", "apigateway:GET", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT"]
          Resource = [for path in ["/apis", "/apis/*", "/domainnames", "/domainnames/*", "/tags/*"] :
            "${local.rest_arn}${path}"
          ]
        },
        {
          # The first domain name of an API makes API Gateway's own role, the first mail through SES Cognito's.
          Sid    = "RolesOfServices"
          Effect = "Allow"
          Action = "iam:CreateServiceLinkedRole"
          Resource = [for service in ["ops.apigateway.amazonaws.com", "email.cognito-idp.amazonaws.com"] :
            "${local.role_path}/aws-service-role/${service}/*"
          ]
          Condition = { StringEquals = {
            "iam:AWSServiceName" = ["ops.apigateway.amazonaws.com", "email.cognito-idp.amazonaws.com"]
          } }
        },
        {
          Sid       = "NewSite"
          Effect    = "Allow"
          Action    = ["cloudfront:CreateDistribution", "cloudfront:TagResource"]
          Resource  = "${local.arn.cloudfront}:distribution/*"
          Condition = local.creating[environment]
        },
        {
          Sid    = "Site"
          Effect = "Allow"
          Action = [
            "cloudfront:DeleteDistribution", "cloudfront:GetDistribution", "cloudfront:ListTagsForResource",
            "cloudfront:UntagResource", "cloudfront:UpdateDistribution",
          ]
          Resource  = "${local.arn.cloudfront}:distribution/*"
          Condition = local.owning[environment]
        },
        {
          Sid    = "Logs"
          Effect = "Allow"
          Action = [
            "logs:CreateLogGroup", "logs:DeleteLogGroup", "logs:DeleteRetentionPolicy", "logs:ListTagsForResource",
            "logs:PutRetentionPolicy", "logs:TagResource", "logs:UntagResource",
          ]
          Resource = [for group in ["/aws/lambda/${local.prefixes[environment]}-*", "/aws/apigateway/${local.prefixes[environment]}*"] :
            "${local.arn.logs}:log-group:${group}"
          ]
        },
        {
          # These know no resources. API Gateway has its access logs delivered in the caller's name.
          Sid    = "WithoutResources"
          Effect = "Allow"
          Action = [
            "cognito-idp:DescribeUserPoolDomain", "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies", "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery", "sns:GetSubscriptionAttributes", "sns:Unsubscribe", "ssm:DescribeParameters",
          ]
          Resource = "*"
        },
        {
          Sid    = "Alarms"
          Effect = "Allow"
          Action = [
            "cloudwatch:DeleteAlarms", "cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource", "cloudwatch:PutMetricAlarm",
            "cloudwatch:TagResource", "cloudwatch:UntagResource",
          ]
          Resource = "${local.arn.cloudwatch}:alarm:${local.prefixes[environment]}-*"
        },
        {
          Sid      = "Dashboard"
          Effect   = "Allow"
          Action   = ["cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard"]
          Resource = "arn:${local.partition}:cloudwatch::${local.account}:dashboard/${local.prefixes[environment]}"
        },
        {
          Sid    = "Topic"
          Effect = "Allow"
          Action = [
            "sns:CreateTopic", "sns:DeleteTopic", "sns:GetTopicAttributes", "sns:ListTagsForResource", "sns:SetTopicAttributes",
            "sns:Subscribe", "sns:TagResource", "sns:UntagResource",
          ]
          Resource = "${local.arn.sns}:${local.prefixes[environment]}-*"
        },
        {
          Sid    = "Budget"
          Effect = "Allow"
          Action = [
            "budgets:ListTagsForResource", "budgets:ModifyBudget", "budgets:TagResource", "budgets:UntagResource", "budgets:ViewBudget",
          ]
          Resource = "${local.arn.budgets}:budget/${local.prefixes[environment]}-*"
        },
      ],
      [for zones in length(uses.zones) > 0 ? [uses.zones] : [] : {
        Sid      = "Names"
        Effect   = "Allow"
        Action   = ["route53:ChangeResourceRecordSets", "route53:GetHostedZone", "route53:ListResourceRecordSets"]
        Resource = [for zone in zones : "arn:${local.partition}:route53:::hostedzone/${zone}"]
      }],
      [for acls in length(uses.web_acls) > 0 ? [uses.web_acls] : [] : {
        Sid      = "WebAcls"
        Effect   = "Allow"
        Action   = "wafv2:GetWebACL"
        Resource = acls
      }],
      [for _ in length(uses.zones) > 0 ? [true] : [] : {
        Sid      = "NameChanges"
        Effect   = "Allow"
        Action   = "route53:GetChange"
        Resource = "arn:${local.partition}:route53:::change/*"
      }],
    )
  } }
}

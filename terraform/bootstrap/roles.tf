# Who GitHub's workflows are at AWS: no keys are stored, each job trades its token for a role's credentials.

locals {
  issuer       = "token.actions.githubusercontent.com"
  provider_arn = var.github_oidc_provider_arn != null ? var.github_oidc_provider_arn : aws_iam_openid_connect_provider.github[0].arn

  # Tokens of newer repositories carry ids that outlive a name ("Immutable subject claims"). Where the ids are not
  # given, the claim `repository` sees to it that a * stands for nothing but ids.
  repository = replace(var.repository, "/@[0-9]+/", "")
  identities = distinct([var.repository, replace(var.repository, "/^([^@]+)/([^@]+)$/", "$1@*/$2@*")])

  jobs = merge(
    { push = "environment:release", plan = "pull_request" },
    { for environment in keys(var.environments) : environment => "environment:${environment}" },
  )

  # A pull request has no branch; all else runs on the one that is protected.
  trust = { for key, job in local.jobs : key => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = local.provider_arn }
      Condition = {
        StringLike = { "${local.issuer}:sub" = [for identity in local.identities : "repo:${identity}:${job}"] }
        StringEquals = merge(
          { "${local.issuer}:aud" = "sts.amazonaws.com", "${local.issuer}:repository" = local.repository },
          { for ref in key == "plan" ? [] : ["refs/heads/${var.branch}"] : "${local.issuer}:ref" => ref },
        )
      }
    }]
  }) }
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.github_oidc_provider_arn == null ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "push" {
  name                 = "${var.name}-push"
  description          = "The release job of ${var.repository}: pushes images"
  assume_role_policy   = local.trust.push
  permissions_boundary = aws_iam_policy.delivery_boundary.arn
}

resource "aws_iam_role_policy" "push" {
  name = "push"
  role = aws_iam_role.push.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "LogIn" # knows no resources
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid    = "PushImages"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
          "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
        ]
        Resource = [for repository in aws_ecr_repository.image : repository.arn]
      },
    ]
  })
}

resource "aws_iam_role" "deploy" {
  for_each = var.environments

  name                 = "${var.name}-deploy-${each.key}"
  description          = "Jobs of ${var.repository} in the environment ${each.key}: apply terraform/app"
  assume_role_policy   = local.trust[each.key]
  permissions_boundary = aws_iam_policy.delivery_boundary.arn
}

resource "aws_iam_policy" "deploy" {
  for_each = merge([for environment, parts in local.deploy : {
    for part, statements in parts : "${environment}-${part}" => statements
  }]...)

  name        = "${var.name}-deploy-${each.key}"
  description = "What terraform/app needs"
  policy      = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

resource "aws_iam_role_policy_attachment" "deploy" {
  for_each = merge([for environment, parts in local.deploy : {
    for part in keys(parts) : "${environment}-${part}" => environment
  }]...)

  role       = aws_iam_role.deploy[each.value].name
  policy_arn = aws_iam_policy.deploy[each.key].arn
}

resource "aws_iam_role" "plan" {
  count = length(var.plan_environments) > 0 ? 1 : 0

  name                 = "${var.name}-plan"
  description          = "Pull requests of ${var.repository}: plan ${join(", ", var.plan_environments)}"
  assume_role_policy   = local.trust.plan
  permissions_boundary = aws_iam_policy.delivery_boundary.arn
}

resource "aws_iam_policy" "plan" {
  for_each = merge([for environment in var.plan_environments : {
    for part, statements in local.plan[environment] : "${environment}-${part}" => statements
  }]...)

  name        = "${var.name}-plan-${each.key}"
  description = "What planning terraform/app reads"
  policy      = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

resource "aws_iam_role_policy_attachment" "plan" {
  for_each = aws_iam_policy.plan

  role       = aws_iam_role.plan[0].name
  policy_arn = each.value.arn
}

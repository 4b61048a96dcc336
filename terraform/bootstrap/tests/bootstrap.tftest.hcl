# Ids and ARNs that AWS would make are known to the plan, which is twice as fast as an apply.
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012", arn = "arn:aws:sts::123456789012:assumed-role/Ops/ada" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_iam_session_context" {
    defaults = { issuer_arn = "arn:aws:iam::123456789012:role/Ops" }
  }

  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/mocked" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mocked" }
  }

  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
  }

  mock_resource "aws_s3_bucket" {
    defaults = { id = "groundwork-tfstate-123456789012-us-east-1", arn = "arn:aws:s3:::groundwork-tfstate-123456789012-us-east-1" }
  }

  mock_resource "aws_ecr_repository" {
    defaults = { arn = "arn:aws:ecr:us-east-1:123456789012:repository/groundwork/mocked" }
  }
}

variables {
  repository = "ada@12/shop@345"
}

# One run for all that holds by default: every run starts the provider anew.
run "by_default" {
  command = plan

  # ---- state

  assert {
    condition     = aws_s3_bucket.state.bucket == "groundwork-tfstate-123456789012-us-east-1" && !aws_s3_bucket.state.force_destroy
    error_message = "The commands expect this name, and the bucket is not deleted with what is in it."
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.state.versioning_configuration).status == "Enabled"
    error_message = "Every version of the state is kept."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "The state is encrypted."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.state.block_public_acls, aws_s3_bucket_public_access_block.state.block_public_policy,
      aws_s3_bucket_public_access_block.state.ignore_public_acls, aws_s3_bucket_public_access_block.state.restrict_public_buckets,
    ])
    error_message = "Every way to make the state public is blocked."
  }

  assert {
    condition     = [for statement in jsondecode(aws_s3_bucket_policy.state.policy).Statement : "${statement.Effect} ${statement.Sid}"] == ["Deny RefuseWithoutTls"]
    error_message = "The bucket's policy refuses requests without TLS, and nobody else unless administrators are named."
  }

  # ---- images

  assert {
    condition     = { for image, repository in aws_ecr_repository.image : image => repository.name } == { ai = "groundwork/ai", billing = "groundwork/billing", users = "groundwork/users" }
    error_message = "Every image of images/functions.json has its repository."
  }

  assert {
    condition     = alltrue([for repository in aws_ecr_repository.image : repository.image_tag_mutability == "IMMUTABLE" && one(repository.image_scanning_configuration).scan_on_push && !repository.force_delete])
    error_message = "Tags cannot be moved, images are scanned, and repositories are not deleted with images in them."
  }

  assert {
    condition     = alltrue([for lifecycle in aws_ecr_lifecycle_policy.image : [for rule in jsondecode(lifecycle.policy).rules : rule.selection.tagStatus] == ["untagged"]])
    error_message = "Only untagged images expire: a deployed one has a tag."
  }

  # ---- who may become what

  assert {
    condition = { for key, trust in local.trust : key => jsondecode(trust).Statement[0].Condition } == {
      push = {
        StringLike = { "token.actions.githubusercontent.com:sub" = ["repo:ada@12/shop@345:environment:release"] }
        StringEquals = {
          "token.actions.githubusercontent.com:aud"        = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:ref"        = "refs/heads/main"
          "token.actions.githubusercontent.com:repository" = "ada/shop"
        }
      }
      dev = {
        StringLike = { "token.actions.githubusercontent.com:sub" = ["repo:ada@12/shop@345:environment:dev"] }
        StringEquals = {
          "token.actions.githubusercontent.com:aud"        = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:ref"        = "refs/heads/main"
          "token.actions.githubusercontent.com:repository" = "ada/shop"
        }
      }
      staging = {
        StringLike = { "token.actions.githubusercontent.com:sub" = ["repo:ada@12/shop@345:environment:staging"] }
        StringEquals = {
          "token.actions.githubusercontent.com:aud"        = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:ref"        = "refs/heads/main"
          "token.actions.githubusercontent.com:repository" = "ada/shop"
        }
      }
      prod = {
        StringLike = { "token.actions.githubusercontent.com:sub" = ["repo:ada@12/shop@345:environment:prod"] }
        StringEquals = {
          "token.actions.githubusercontent.com:aud"        = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:ref"        = "refs/heads/main"
          "token.actions.githubusercontent.com:repository" = "ada/shop"
        }
      }
      plan = {
        StringLike = { "token.actions.githubusercontent.com:sub" = ["repo:ada@12/shop@345:pull_request"] }
        StringEquals = {
          "token.actions.githubusercontent.com:aud"        = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:repository" = "ada/shop"
        }
      }
    }
    error_message = "Each role trusts one subject of this repository, and all but plans the main branch alone."
  }

  assert {
    condition     = [aws_iam_role.push.assume_role_policy, aws_iam_role.plan[0].assume_role_policy, aws_iam_role.deploy["prod"].assume_role_policy] == [local.trust.push, local.trust.plan, local.trust.prod]
    error_message = "Each role has its own trust."
  }

  assert {
    condition     = alltrue([for role in concat([aws_iam_role.push], aws_iam_role.plan, values(aws_iam_role.deploy)) : role.permissions_boundary == aws_iam_policy.delivery_boundary.arn])
    error_message = "Every role of a job is bounded."
  }

  # ---- no way up

  assert {
    condition = alltrue([for environment, parts in local.deploy : alltrue([for statement in flatten(values(parts)) :
      try(statement.Condition.StringEquals["iam:PermissionsBoundary"], "") == "arn:aws:iam::123456789012:policy/groundwork-boundary-${environment}"
      if length(setintersection(flatten([statement.Action]), ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy", "iam:PutRolePermissionsBoundary"])) > 0
    ])])
    error_message = "A deploy role makes and changes roles within its environment's boundary alone."
  }

  assert {
    condition = alltrue([for environment, parts in local.deploy : alltrue([for statement in flatten(values(parts)) :
      alltrue([for resource in flatten([statement.Resource]) : startswith(resource, "arn:aws:iam::123456789012:role/groundwork-${environment}-") || strcontains(resource, "role/aws-service-role/")])
      if anytrue([for action in flatten([statement.Action]) : startswith(action, "iam:")])
    ])])
    error_message = "A deploy role touches the roles of its own environment alone, never its own or another's."
  }

  assert {
    condition     = length([for action in flatten([for parts in values(local.deploy) : flatten([for statement in flatten(values(parts)) : statement.Action])]) : action if contains(["iam:*", "*", "iam:AttachRolePolicy", "iam:DeleteRolePermissionsBoundary", "iam:CreatePolicyVersion"], action)]) == 0
    error_message = "Nothing lets a deploy role change what bounds it."
  }

  assert {
    condition     = contains([for statement in jsondecode(aws_iam_policy.delivery_boundary.policy).Statement : "${statement.Effect} ${statement.Sid}"], "Deny NeverUnbound")
    error_message = "The boundary of delivery refuses roles without one."
  }

  assert {
    condition = alltrue([for policy in concat(values(aws_iam_policy.deploy), values(aws_iam_policy.plan), values(aws_iam_policy.app_boundary), [aws_iam_policy.delivery_boundary]) :
      length(distinct(jsondecode(policy.policy).Statement[*].Sid)) == length(jsondecode(policy.policy).Statement)
    ])
    error_message = "A Sid stands once in a policy: AWS refuses it twice."
  }

  # ---- environments are apart

  assert {
    condition = alltrue([for environment, parts in local.deploy : alltrue([for statement in flatten(values(parts)) :
      length([for other in ["dev", "staging", "prod"] : other if other != environment && anytrue([for resource in flatten([statement.Resource]) : can(regex("[-/]${other}(-|/|$)", resource))])]) == 0
    ])])
    error_message = "No statement of one environment names another."
  }

  assert {
    condition = alltrue([for environment, parts in local.deploy : alltrue([for statement in flatten(values(parts)) :
      can(statement.Condition)
      || alltrue([for resource in flatten([statement.Resource]) : strcontains(resource, environment)])
      || contains(["Api", "Images", "LookAtKeys", "StateNames", "WithoutResources"], statement.Sid)
    ])])
    error_message = "What a statement reaches is named after the environment, tagged with it, or explained."
  }

  # ---- a plan changes nothing

  assert {
    condition = alltrue([for statement in flatten([for parts in values(local.plan) : values(parts)]) :
      alltrue([for action in flatten([statement.Action]) : can(regex(":(BatchGet|Describe|Get|List|View|GET)", action))]) || statement.Sid == "StateLock"
    ])
    error_message = "A plan reads, and locks the state."
  }

  assert {
    condition     = length(keys(aws_iam_policy.plan)) > 0 && alltrue([for key in keys(aws_iam_policy.plan) : startswith(key, "dev-")])
    error_message = "Pull requests plan dev alone unless told otherwise."
  }

  # ---- policies fit

  assert {
    condition     = alltrue([for policy in concat(values(aws_iam_policy.deploy), values(aws_iam_policy.plan), values(aws_iam_policy.app_boundary), [aws_iam_policy.delivery_boundary]) : length(policy.policy) <= 6144])
    error_message = "AWS takes policies of up to 6144 characters: ${jsonencode({ for key, policy in aws_iam_policy.deploy : key => length(policy.policy) })}"
  }
}

run "state_for_named_people" {
  command = plan

  variables {
    administrators = ["arn:aws:iam::123456789012:role/Ops"]
  }

  assert {
    condition     = contains(jsondecode(aws_s3_bucket_policy.state.policy).Statement[1].Condition.ArnNotLike["aws:PrincipalArn"], "arn:aws:iam::123456789012:root")
    error_message = "The root user can always repair the policy."
  }

  assert {
    condition     = contains(jsondecode(aws_s3_bucket_policy.state.policy).Statement[1].Condition.ArnNotLike["aws:PrincipalArn"], "arn:aws:iam::123456789012:role/Ops")
    error_message = "Named administrators read the state."
  }
}

run "nobody_locks_himself_out" {
  command = plan

  variables {
    administrators = ["arn:aws:iam::123456789012:role/Somebody"]
  }

  expect_failures = [aws_s3_bucket_policy.state]
}

run "all_environments_planned" {
  command = plan

  variables {
    plan_environments = ["dev", "staging", "prod"]
  }

  assert {
    condition     = length(aws_iam_role_policy_attachment.plan) <= 10
    error_message = "AWS attaches up to ten policies to a role."
  }
}

run "an_adopted_deployment" {
  command = plan

  variables {
    environments = { prod = { tables = ["SaasTable"], user_pools = ["us-east-1_a1"], zones = ["Z1"], kms_keys = ["arn:aws:kms:us-east-1:123456789012:key/1"] } }

    plan_environments = []
  }

  assert {
    condition     = strcontains(aws_iam_policy.deploy["prod-data"].policy, ":table/SaasTable\"") && strcontains(aws_iam_policy.deploy["prod-data"].policy, ":userpool/us-east-1_a1\"")
    error_message = "Table and user pool that are adopted are in reach."
  }

  assert {
    condition     = strcontains(aws_iam_policy.app_boundary["prod"].policy, ":table/SaasTable\"")
    error_message = "Functions reach the adopted table."
  }

  assert {
    condition     = strcontains(aws_iam_policy.deploy["prod-edge"].policy, "hostedzone/Z1") && alltrue([for policy in aws_iam_policy.deploy : length(policy.policy) <= 6144])
    error_message = "Records are made in the named zone, and policies still fit."
  }

  assert {
    condition     = output.plan_role_arn == null
    error_message = "Without environments to plan there is no role for it."
  }
}

run "prod_in_an_account_of_its_own" {
  command = plan

  variables {
    environments      = { prod = {} }
    plan_environments = []
    registry_account  = "999999999999"
  }

  assert {
    condition     = strcontains(aws_iam_policy.deploy["prod-code"].policy, "arn:aws:ecr:us-east-1:999999999999:repository/groundwork/*")
    error_message = "Its deployments read the images of the account that holds them."
  }
}

run "images_for_another_account" {
  command = plan

  variables {
    image_accounts = ["888888888888"]
  }

  assert {
    condition = alltrue([for policy in aws_ecr_repository_policy.image :
      strcontains(policy.policy, "arn:aws:lambda:us-east-1:888888888888:function:groundwork-*") && strcontains(policy.policy, "arn:aws:iam::888888888888:root")
    ])
    error_message = "The other account's functions load the images, and its deployments may read them."
  }
}

run "a_provider_that_is_there" {
  command = plan

  variables {
    github_oidc_provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "An account has one provider for GitHub."
  }
}

run "a_repository_without_ids" {
  command = plan

  variables {
    repository = "ada/shop"
  }

  assert {
    condition     = jsondecode(local.trust.dev).Statement[0].Condition.StringLike["token.actions.githubusercontent.com:sub"] == ["repo:ada/shop:environment:dev", "repo:ada@*/shop@*:environment:dev"]
    error_message = "Tokens with and without ids are trusted."
  }

  assert {
    condition     = jsondecode(local.trust.dev).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:repository"] == "ada/shop"
    error_message = "A * could stand for another repository of the same owner, were it not for this claim."
  }
}

run "refused" {
  command = plan

  variables {
    repository        = "ada@12/shop"
    environments      = { test = {} }
    plan_environments = []
    administrators    = ["ada"]
  }

  expect_failures = [var.repository, var.environments, var.administrators]
}

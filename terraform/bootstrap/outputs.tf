output "state_bucket" {
  description = "Bucket of the state and of released images.json files."
  value       = aws_s3_bucket.state.id
}

output "registry" {
  description = "ECR_REGISTRY: what `make push REGISTRY=…` and terraform/app take."
  value       = "${local.account}.dkr.ecr.${var.region}.amazonaws.com/${var.name}"
}

output "repository_urls" {
  description = "Where each image is pushed to."
  value       = { for image, repository in aws_ecr_repository.image : image => repository.repository_url }
}

output "region" {
  description = "AWS_REGION of GitHub's jobs."
  value       = var.region
}

output "push_role_arn" {
  description = "RELEASE_ROLE_ARN of GitHub's environment `release`."
  value       = aws_iam_role.push.arn
}

output "deploy_role_arns" {
  description = "DEPLOY_ROLE_ARN of each of GitHub's environments."
  value       = { for environment, role in aws_iam_role.deploy : environment => role.arn }
}

output "plan_role_arn" {
  description = "PLAN_ROLE_ARN of GitHub's repository; null if pull requests plan nothing."
  value       = one(aws_iam_role.plan[*].arn)
}

output "boundary_arns" {
  description = "permissions_boundary_arn of terraform/app, by environment: a deploy role makes no role without it."
  value       = { for environment, policy in aws_iam_policy.app_boundary : environment => policy.arn }
}

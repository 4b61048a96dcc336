locals {
  manifest     = jsondecode(file("${path.module}/../../images/functions.json"))
  repositories = toset([for function in local.manifest : function.image])
}

# A deployed image keeps its tag, the hash of its inputs: tags cannot be moved, and nobody here may delete one.
resource "aws_ecr_repository" "image" {
  #checkov:skip=CKV_AWS_136: encrypted by ECR; the images hold no secret
  for_each = local.repositories

  name                 = "${var.name}/${each.key}"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = !var.protected

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "image" {
  for_each = aws_ecr_repository.image

  repository = each.value.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Leftovers of pushes that did not end; what has a tag may be deployed and stays"
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
      action       = { type = "expire" }
    }]
  })
}

resource "aws_ecr_repository_policy" "image" {
  for_each = aws_ecr_repository.image

  repository = each.value.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "FunctionsLoadImages"
        Effect    = "Allow"
        Principal = { Service = "lambda.amazonaws.com" }
        Action    = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Condition = { ArnLike = { "aws:SourceArn" = [for account in concat([local.account], tolist(var.image_accounts)) :
          "arn:${local.partition}:lambda:${var.region}:${account}:function:${var.name}-*"
        ] } }
      }],
      # Who makes a function must be able to read its image as well.
      [for accounts in length(var.image_accounts) > 0 ? [var.image_accounts] : [] : {
        Sid       = "OtherAccountsDeployThem"
        Effect    = "Allow"
        Principal = { AWS = [for account in accounts : "arn:${local.partition}:iam::${account}:root"] }
        Action    = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      }],
    )
  })
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

# Whose role it is, without the name of the session.
data "aws_iam_session_context" "current" {
  arn = data.aws_caller_identity.current.arn
}

locals {
  account      = data.aws_caller_identity.current.account_id
  partition    = data.aws_partition.current.partition
  state_bucket = "${var.name}-tfstate-${local.account}-${var.region}"
  root_user    = "arn:${local.partition}:iam::${local.account}:root"

  state_readers = concat(
    [local.root_user],
    [for role in concat(values(aws_iam_role.deploy), aws_iam_role.plan[*]) : role.arn],
    var.administrators,
  )

  caller         = data.aws_iam_session_context.current.issuer_arn
  caller_remains = anytrue([for arn in concat([local.root_user], var.administrators) : can(regex("^${replace(arn, "*", ".*")}$", local.caller))])
}

# State of every root, and the images.json of every release. Versions are kept: they are small, and the way back.
resource "aws_s3_bucket" "state" {
  #checkov:skip=CKV_AWS_18: who reads state is in CloudTrail; access logs would need another bucket
  #checkov:skip=CKV_AWS_144: versions protect from mistakes; a lost region takes the deployments along
  #checkov:skip=CKV_AWS_145: encrypted by S3; no secret's value lies in the state, see docs/operations.md
  #checkov:skip=CKV2_AWS_61: nothing expires here
  #checkov:skip=CKV2_AWS_62: nobody waits for changes of the state
  bucket        = local.state_bucket
  force_destroy = !var.protected
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_ownership_controls" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket                  = aws_s3_bucket.state.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "RefuseWithoutTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      [for readers in length(var.administrators) == 0 ? [] : [local.state_readers] : {
        Sid       = "RefuseEverybodyElse"
        Effect    = "Deny"
        Principal = "*"
        Action    = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"]
        Resource  = "${aws_s3_bucket.state.arn}/*"
        Condition = { ArnNotLike = { "aws:PrincipalArn" = readers } }
      }],
    )
  })

  lifecycle {
    precondition {
      condition     = length(var.administrators) == 0 || local.caller_remains
      error_message = "You are ${local.caller}, which administrators does not name: you would lock yourself out of the state. Add it."
    }
  }

  depends_on = [aws_s3_bucket_public_access_block.state]
}

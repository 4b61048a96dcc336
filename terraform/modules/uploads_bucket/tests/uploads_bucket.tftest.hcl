# What AWS would make up is known to the plan: a run needs no apply, and takes half the time.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_s3_bucket" {
    defaults = { id = "groundwork-test-uploads-123456789012", arn = "arn:aws:s3:::groundwork-test-uploads-123456789012" }
  }
}

variables {
  bucket_name     = "groundwork-test-uploads-123456789012"
  allowed_origins = ["https://app.example.com"]
}

run "by_default" {
  command = plan

  # ---- private

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "Every way to make documents public is blocked."
  }

  assert {
    condition     = one(aws_s3_bucket_ownership_controls.this.rule).object_ownership == "BucketOwnerEnforced"
    error_message = "Access control lists are off."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "Documents are encrypted."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "A bucket with documents is not deleted unless told so."
  }

  # ---- only with tls

  assert {
    condition = jsondecode(aws_s3_bucket_policy.this.policy).Statement == [{
      Sid       = "RefuseWithoutTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [output.arn, "${output.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
    error_message = "Requests without TLS are refused, for the bucket and for what is in it."
  }

  # ---- browsers of the site may put

  assert {
    condition     = one(aws_s3_bucket_cors_configuration.this.cors_rule).allowed_origins == toset(["https://app.example.com"])
    error_message = "The site's origins, and no others, may upload."
  }

  assert {
    condition     = contains(one(aws_s3_bucket_cors_configuration.this.cors_rule).allowed_methods, "PUT")
    error_message = "Documents are uploaded by PUT."
  }
}

run "what_nobody_completes_is_deleted" {
  command = plan

  variables {
    pending_days = 3
  }

  assert {
    condition = [for rule in aws_s3_bucket_lifecycle_configuration.this.rule : [one(rule.filter).prefix, one(rule.expiration).days]
      if length(rule.expiration) > 0
    ] == [["uploads/pending/", 3]]
    error_message = "Only pending uploads expire, after pending_days."
  }

  assert {
    condition     = anytrue([for rule in aws_s3_bucket_lifecycle_configuration.this.rule : length(rule.abort_incomplete_multipart_upload) > 0])
    error_message = "Parts of uploads that were never finished are deleted."
  }
}

run "refused" {
  command = plan

  variables {
    allowed_origins = ["https://app.example.com/"]
    pending_days    = 0.5
  }

  expect_failures = [var.allowed_origins, var.pending_days]
}

run "no_origin_is_every_origin" {
  command = plan

  variables {
    allowed_origins = ["*"]
  }

  expect_failures = [var.allowed_origins]
}

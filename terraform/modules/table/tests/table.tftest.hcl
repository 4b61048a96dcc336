# What AWS would make up is known to the plan: a run needs no apply, and takes half the time.
mock_provider "aws" {
  override_during = plan

  mock_resource "aws_dynamodb_table" {
    defaults = { arn = "arn:aws:dynamodb:us-east-1:123456789012:table/groundwork-test" }
  }
}

variables {
  name = "groundwork-test"
}

run "by_default" {
  command = plan

  # ---- keys of existing deployments

  assert {
    condition     = [aws_dynamodb_table.this.hash_key, aws_dynamodb_table.this.range_key] == ["pk", "sk"]
    error_message = "Other keys would replace the table, and with it the data."
  }

  assert {
    condition = [for index in aws_dynamodb_table.this.global_secondary_index :
      [index.name, index.hash_key, index.range_key, index.projection_type]
    ] == [["GSI1", "gsi1pk", "gsi1sk", "ALL"]]
    error_message = "The index GSI1 is queried by gsi1pk and gsi1sk, and answers with whole items."
  }

  assert {
    condition     = { for attribute in aws_dynamodb_table.this.attribute : attribute.name => attribute.type } == { pk = "S", sk = "S", gsi1pk = "S", gsi1sk = "S" }
    error_message = "All keys are strings, and no other attribute is declared."
  }

  assert {
    condition     = aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST"
    error_message = "The table is paid by request."
  }

  assert {
    condition     = one(aws_dynamodb_table.this.ttl).enabled && one(aws_dynamodb_table.this.ttl).attribute_name == "ttl"
    error_message = "Items expire by their attribute ttl."
  }

  # ---- protected unless told otherwise

  assert {
    condition     = aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "A table is protected from deletion by default."
  }

  assert {
    condition     = one(aws_dynamodb_table.this.point_in_time_recovery).enabled
    error_message = "A table keeps backups by default."
  }
}

run "protection_can_be_switched_off" {
  command = plan

  variables {
    deletion_protection    = false
    point_in_time_recovery = false
  }

  assert {
    condition     = !aws_dynamodb_table.this.deletion_protection_enabled && !one(aws_dynamodb_table.this.point_in_time_recovery).enabled
    error_message = "Both switches reach the table."
  }
}

run "own_key" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/1234"
  }

  assert {
    condition     = one(aws_dynamodb_table.this.server_side_encryption).enabled && one(aws_dynamodb_table.this.server_side_encryption).kms_key_arn == var.kms_key_arn
    error_message = "A key of one's own encrypts the table."
  }

  assert {
    condition     = output.index_arns == ["arn:aws:dynamodb:us-east-1:123456789012:table/groundwork-test/index/GSI1"]
    error_message = "Policies need the ARN of the index."
  }
}

run "an_unfit_name_is_refused" {
  command = plan

  variables {
    name = "a b"
  }

  expect_failures = [var.name]
}

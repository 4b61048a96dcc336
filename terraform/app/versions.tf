terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Bucket, key and locking belong to the account: `make plan` and `make deploy` give them with -backend-config.
  backend "s3" {}
}

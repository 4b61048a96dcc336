terraform {
  required_version = ">= 1.11"

  # The state lies in the bucket that is made here; README.md says how the first run gets there.
  backend "s3" {
    key          = "bootstrap.tfstate"
    use_lockfile = true
  }

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      app        = var.name
      managed-by = "terraform"
    }
  }
}

variable "path" {
  description = "What the secrets' names begin with, such as /groundwork/dev."
  type        = string

  validation {
    condition     = can(regex("^(/[a-zA-Z0-9_.-]+)+$", var.path))
    error_message = "path must begin with / and not end with it, such as /groundwork/dev."
  }
}

variable "store" {
  description = "Where the secrets lie: ssm (Parameter Store, free of charge) or secretsmanager (replication and rotation, charged)."
  type        = string
  default     = "ssm"

  validation {
    condition     = contains(["ssm", "secretsmanager"], var.store)
    error_message = "store must be ssm or secretsmanager."
  }
}

variable "kms_key_arn" {
  description = "Customer key that encrypts the secrets; null for the key that AWS manages."
  type        = string
  default     = null
}

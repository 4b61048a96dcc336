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

variable "recovery_days" {
  description = "Days in which a deleted secret of Secrets Manager can be brought back, 7 to 30; until then its name is taken. 0 deletes at once."
  type        = number
  default     = 30

  validation {
    condition     = var.recovery_days == 0 || (var.recovery_days >= 7 && var.recovery_days <= 30)
    error_message = "recovery_days must be 0 or lie between 7 and 30."
  }
}

variable "kms_key_arn" {
  description = "Customer key that encrypts the secrets; null for the key that AWS manages."
  type        = string
  default     = null
}

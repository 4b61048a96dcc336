variable "name" {
  description = "Name of the table. An existing deployment's table is adopted under its own name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]{3,255}$", var.name))
    error_message = "A table's name has 3 to 255 letters, digits, dots, hyphens or underscores."
  }
}

variable "deletion_protection" {
  description = "Refuse to delete the table, also to `make destroy`, until this is switched off."
  type        = bool
  default     = true
}

variable "point_in_time_recovery" {
  description = "Keep continuous backups of the last 35 days."
  type        = bool
  default     = true
}

variable "kms_key_arn" {
  description = "Key of your own that encrypts the table; null leaves it to a key that AWS owns."
  type        = string
  default     = null

  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn is the ARN of a KMS key (arn:aws:kms:…), or null."
  }
}

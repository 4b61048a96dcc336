variable "bucket_name" {
  description = "Name of the bucket, unique in all of AWS."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "A bucket's name has 3 to 63 lower-case letters, digits or hyphens, and neither begins nor ends with a hyphen."
  }
}

variable "allowed_origins" {
  description = "Origins of the site, from which browsers may put and get documents."
  type        = list(string)

  validation {
    condition     = length(var.allowed_origins) > 0 && alltrue([for origin in var.allowed_origins : can(regex("^https?://[A-Za-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "allowed_origins lists the site's origins, as https://app.example.com: scheme and host, without a path, a slash at the end or a *."
  }
}

variable "pending_days" {
  description = "Days after which an upload that nobody completed is deleted."
  type        = number
  default     = 1

  validation {
    condition     = var.pending_days >= 1 && floor(var.pending_days) == var.pending_days
    error_message = "pending_days is a whole number of days, at least 1."
  }
}

variable "force_destroy" {
  description = "Let `make destroy` delete the bucket together with the documents in it."
  type        = bool
  default     = false
}

# ---- what is sold, who signs in

variable "price_keys" {
  description = "Price keys of lib/saas/plans.toml that are sold here; null for all."
  type        = set(string)
  default     = null

  validation {
    condition     = length(setsubtract(coalesce(var.price_keys, []), local.plans.price_keys)) == 0
    error_message = "price_keys: ${join(", ", setsubtract(coalesce(var.price_keys, []), local.plans.price_keys))} is not in lib/saas/plans.toml; known are ${join(", ", local.plans.price_keys)}. After a change there run `make fix`."
  }

  validation {
    condition     = var.price_keys == null || try(length(var.price_keys) > 0, false)
    error_message = "price_keys must not be empty: name what is sold, or leave it out to sell everything."
  }
}

variable "stripe_api_base" {
  description = "Where Stripe's API is; anything else than Stripe's own address is for tests."
  type        = string
  default     = "https://api.stripe.com"

  validation {
    condition     = can(regex("^(https://[a-z0-9.-]+|http://(localhost|127\\.0\\.0\\.1))(:[0-9]{1,5})?$", var.stripe_api_base))
    error_message = "stripe_api_base must be https and a host (http for this machine only): it receives the secret key."
  }
}

variable "session_cookie_name" {
  description = "NextAuth's session cookie: __Secure-next-auth.session-token (v4), __Secure-authjs.session-token (v5), or the site's own name; one with __Host- no sibling subdomain can set (docs/deployment.md)."
  type        = string
  default     = "__Secure-next-auth.session-token"

  validation {
    condition     = can(regex("^__(Secure|Host)-[A-Za-z0-9._-]+$", var.session_cookie_name))
    error_message = "session_cookie_name must be one name that begins with __Host- or __Secure-: a cookie of another name could be set over plain http."
  }
}

variable "user_pool_name" {
  description = "Name of the user pool; null for <name>-<environment>. Adopting an existing pool takes its name."
  type        = string
  default     = null
}

variable "cognito_domain_prefix" {
  description = "First part of the sign-in page's host, unique in the region; null for <name>-<environment>-<account>."
  type        = string
  default     = null
}

variable "mfa" {
  description = "Second factor by authenticator app: OFF, OPTIONAL or ON."
  type        = string
  default     = "OPTIONAL"
}

variable "mail" {
  description = "Verified SES identity that sends sign-up codes, and the address they come from; null: Cognito's own mail, 50 a day."
  type = object({
    from             = string
    ses_identity_arn = string
  })
  default = null

  validation {
    condition     = var.mail == null || (can(regex("@[^@ >]+>?$", var.mail.from)) && can(regex("^arn:aws[a-z-]*:ses:[a-z0-9-]+:[0-9]{12}:identity/", var.mail.ses_identity_arn)))
    error_message = "mail names an address, such as \"Example <no-reply@example.com>\", and the ARN of its verified SES identity, arn:aws:ses:<region>:<account>:identity/example.com."
  }
}

variable "google" {
  description = "Google's OAuth client for signing in by Cognito; null for none. Its secret lies in the state."
  type = object({
    client_id     = string
    client_secret = string
  })
  default   = null
  sensitive = true
}

# ---- data

variable "protected" {
  description = "Whether table and user pool refuse to be deleted, and the uploads bucket unless it is empty."
  type        = bool
  default     = true
}

variable "point_in_time_recovery" {
  description = "Whether the table can be put back to any second of the last 35 days."
  type        = bool
  default     = true
}

variable "table_name" {
  description = "Name of the table; null for <name>-<environment>. Adopting an existing table takes its name."
  type        = string
  default     = null
}

variable "secret_store" {
  description = "Where secrets lie: ssm or secretsmanager."
  type        = string
  default     = "ssm"
}

variable "kms_key_arn" {
  description = "Customer key for table and secrets; null for the keys that AWS manages."
  type        = string
  default     = null
}

# ---- operation

variable "tracing" {
  description = "Send traces to X-Ray."
  type        = bool
  default     = false
}

variable "provisioned_concurrency" {
  description = "Sandboxes kept warm by function name of images/functions.json, billed by the hour."
  type        = map(number)
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.provisioned_concurrency), keys(local.manifest))) == 0
    error_message = "provisioned_concurrency: there is no function ${join(", ", setsubtract(keys(var.provisioned_concurrency), keys(local.manifest)))}; known are ${join(", ", keys(local.manifest))}."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept."
  type        = number
  default     = 30
}

variable "alarm_emails" {
  description = "Addresses that alarms are sent to; each has to confirm the subscription once."
  type        = set(string)
  default     = []
}

variable "monthly_budget_usd" {
  description = "Budget of a month in USD; alarm addresses hear when it is nearly used up."
  type        = number
  default     = 50
}

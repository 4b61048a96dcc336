variable "name" {
  description = "Name of the pool; its app client is called <name>-web."
  type        = string
}

variable "domain_prefix" {
  description = "First part of the sign-in page's address, unique in the region: https://<prefix>.auth.<region>.amazoncognito.com."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.domain_prefix)) && !can(regex("aws|amazon|cognito", var.domain_prefix))
    error_message = "domain_prefix has up to 63 lower-case letters, digits or hyphens, and AWS reserves aws, amazon and cognito."
  }
}

variable "callback_urls" {
  description = "Addresses that the sign-in page may return to, such as https://app.example.com/api/auth/callback/cognito."
  type        = list(string)

  validation {
    condition     = length(var.callback_urls) > 0 && alltrue([for url in var.callback_urls : can(regex("^(https://[^/*]+|http://localhost(:[0-9]+)?)/", url))])
    error_message = "callback_urls lists full addresses with https (http for localhost alone), such as https://app.example.com/api/auth/callback/cognito."
  }
}

variable "logout_urls" {
  description = "Addresses that signing out may lead to."
  type        = list(string)

  validation {
    condition     = alltrue([for url in var.logout_urls : can(regex("^(https://[^/*]+|http://localhost(:[0-9]+)?)(/|$)", url))])
    error_message = "logout_urls lists full addresses with https (http for localhost alone), such as https://app.example.com/."
  }
}

variable "groups" {
  description = "Groups of the pool: name to description."
  type        = map(string)
  default     = { admin = "May call /admin/*" }
}

variable "mfa" {
  description = "Second factor by authenticator app: OFF, OPTIONAL (each user decides) or ON (everybody has to)."
  type        = string
  default     = "OPTIONAL"

  validation {
    condition     = contains(["OFF", "OPTIONAL", "ON"], var.mfa)
    error_message = "mfa is OFF, OPTIONAL or ON."
  }
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
  description = "Client of Google's OAuth for signing in with Google; null leaves it out. The secret stays in the state, the provider has no other way."
  type = object({
    client_id     = string
    client_secret = string
  })
  default   = null
  sensitive = true
}

variable "post_confirmation_arn" {
  description = "Alias of the function that Cognito calls when an account is confirmed; null for none. The permission for it belongs to the caller."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Refuse to delete the pool and with it all accounts, also to `make destroy`, until this is switched off."
  type        = bool
  default     = true
}

variable "password_policy" {
  description = "What a password needs; passwords that an administrator sets last temporary_days."
  type = object({
    minimum_length    = optional(number, 8)
    require_lowercase = optional(bool, true)
    require_uppercase = optional(bool, true)
    require_numbers   = optional(bool, true)
    require_symbols   = optional(bool, false)
    temporary_days    = optional(number, 7)
  })
  default = {}

  validation {
    condition     = var.password_policy.minimum_length >= 8 && var.password_policy.minimum_length <= 99
    error_message = "password_policy.minimum_length is between 8 and 99."
  }
}

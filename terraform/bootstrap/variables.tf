variable "name" {
  description = "First part of every name, as in terraform/app."
  type        = string
  default     = "groundwork"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "name takes 2 to 20 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "AWS region of the deployments; the images and the state lie there."
  type        = string
  default     = "us-east-1"
}

variable "repository" {
  description = "GitHub repository whose jobs may take the roles: OWNER/REPO, or OWNER@OWNER_ID/REPO@REPO_ID, which no later owner of the name can take over."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+(@[0-9]+)?/[A-Za-z0-9._-]+(@[0-9]+)?$", var.repository)) && can(regex("^[^@]+(@[^@]+@[^@]+)?$", var.repository))
    error_message = "repository is OWNER/REPO, or with the ids that GitHub gives both, OWNER@OWNER_ID/REPO@REPO_ID; README.md has the command that prints them."
  }
}

variable "branch" {
  description = "Branch that is released and deployed."
  type        = string
  default     = "main"
}

variable "environments" {
  description = "Environments that are deployed to this account, and what they use beyond what they make: tables and user pools (ids) that they adopt, Route 53 zones (ids), KMS keys and web ACLs of your own (ARNs)."
  type = map(object({
    tables     = optional(list(string), [])
    user_pools = optional(list(string), [])
    zones      = optional(list(string), [])
    kms_keys   = optional(list(string), [])
    web_acls   = optional(list(string), [])
  }))
  default = { dev = {}, staging = {}, prod = {} }

  validation {
    condition     = length(var.environments) > 0 && length(setsubtract(keys(var.environments), ["dev", "staging", "prod"])) == 0
    error_message = "environments are any of dev, staging and prod: terraform/app knows no others."
  }
}

variable "plan_environments" {
  description = "Environments that pull requests of the repository may plan, and whose state and secrets their code could therefore read; never those of forks."
  type        = set(string)
  default     = ["dev"]

  validation {
    condition     = length(setsubtract(var.plan_environments, keys(var.environments))) == 0
    error_message = "plan_environments names environments of this account: ${join(", ", keys(var.environments))}."
  }
}

variable "image_accounts" {
  description = "Other accounts whose functions load the images of this one; terraform/app names this registry there."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for account in var.image_accounts : can(regex("^[0-9]{12}$", account))])
    error_message = "image_accounts lists account ids of twelve digits."
  }
}

variable "registry_account" {
  description = "Account that holds the images, if that is another one; its image_accounts names this one."
  type        = string
  default     = null

  validation {
    condition     = var.registry_account == null || can(regex("^[0-9]{12}$", var.registry_account))
    error_message = "registry_account is an account id of twelve digits."
  }
}

variable "administrators" {
  description = "ARNs, * allowed, of the people's roles that may read the state beside the deploy roles; the root user always may. Empty: whoever IAM lets."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.administrators : can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|\\*):(role|user)/", arn))])
    error_message = "administrators lists ARNs of IAM roles or users, such as arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/*AdministratorAccess*."
  }
}

variable "github_oidc_provider_arn" {
  description = "GitHub's OIDC provider if the account has one already, since it can have only one; null makes it."
  type        = string
  default     = null
}

variable "protected" {
  description = "Refuse to delete the state bucket and the repositories while anything is in them."
  type        = bool
  default     = true
}

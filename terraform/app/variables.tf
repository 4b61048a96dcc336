# ---- where and what

variable "environment" {
  description = "Which environment this is: dev, staging or prod."
  type        = string

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "There is no environment '${var.environment}'. Choose dev, staging or prod; each has its file in terraform/app/envs."
  }
}

variable "name" {
  description = "First part of every name, so that several products share an account."
  type        = string
  default     = "groundwork"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "name takes 2 to 20 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "region" {
  description = "AWS region of everything but CloudFront."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = alltrue([for model in local.models : model.group == null || contains(try(local.profile_regions[model.group], []), var.region)])
    error_message = "Bedrock does not serve ${join(", ", [for model in local.models : model.id if model.group != null && !contains(try(local.profile_regions[model.group], []), var.region)])} from ${var.region}. Choose a region of that group, or name this region's inference profiles in lib/saas/plans.toml and run `make fix`."
  }
}

variable "images_file" {
  description = "What is deployed: images.json as `make push` writes it, by image {platform, digest, revision, inputs}."
  type        = string
  default     = "../../images.json"

  validation {
    condition     = can(jsondecode(file(var.images_file)))
    error_message = "images_file: there is no readable JSON at ${var.images_file}. `make push REGISTRY=…` builds the images, pushes them and writes that file; or name the one of an earlier release."
  }

  validation {
    condition     = !can(jsondecode(file(var.images_file))) || alltrue([for image in local.needed_images : can(jsondecode(file(var.images_file))[image])])
    error_message = "images_file: ${var.images_file} lacks ${join(", ", [for image in local.needed_images : image if !can(jsondecode(file(var.images_file))[image])])}, which images/functions.json needs. Run `make push REGISTRY=…` again."
  }

  validation {
    condition     = alltrue([for image, entry in try(jsondecode(file(var.images_file)), {}) : can(regex(local.digest_pattern, entry.digest))])
    error_message = "images_file: ${join(", ", [for image, entry in try(jsondecode(file(var.images_file)), {}) : image if !can(regex(local.digest_pattern, entry.digest))])} must be named by digest, sha256: and 64 hexadecimal digits. A tag such as latest can be moved to another image, so it is refused. `make push` writes digests."
  }

  validation {
    condition     = alltrue([for image, entry in try(jsondecode(file(var.images_file)), {}) : can(local.architectures[entry.platform])])
    error_message = "images_file: ${join(", ", [for image, entry in try(jsondecode(file(var.images_file)), {}) : image if !can(local.architectures[entry.platform])])} was built for a platform that Lambda does not run. Build for linux/amd64 or linux/arm64: `make push REGISTRY=… PLATFORM=linux/arm64`."
  }
}

variable "registry" {
  description = "Registry with the repositories of the images; null for this account's, <account>.dkr.ecr.<region>.amazonaws.com/<name>."
  type        = string
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds every role made here, as terraform/bootstrap prints it; null for none."
  type        = string
  default     = null
}

# ---- the site

variable "site_enabled" {
  description = "Serve the site by CloudFront: /backend/* to the API, everything else to frontend_origin. false: the site proxies /backend itself."
  type        = bool
  default     = true

  validation {
    condition     = var.site_enabled || var.site_url != null
    error_message = "Without CloudFront (site_enabled = false) nobody knows where the site is: set site_url, such as https://app.example.com."
  }
}

variable "frontend_origin" {
  description = "Host that serves the Next.js site to CloudFront, such as my-app.vercel.app."
  type        = string
  default     = null

  validation {
    condition     = !var.site_enabled || var.frontend_origin != null
    error_message = "CloudFront needs to know where the frontend is hosted: set frontend_origin, such as my-app.vercel.app, or site_enabled = false."
  }
}

variable "site_url" {
  description = "Address that people type, such as https://app.example.com; null for CloudFront's own."
  type        = string
  default     = null

  validation {
    condition     = var.site_url == null || can(regex(var.environment == "dev" ? local.dev_origin_pattern : local.origin_pattern, var.site_url))
    error_message = "site_url is an origin: https:// and a host, without a path and without a slash at its end, such as https://app.example.com. Only dev may be http://localhost:3000 or http://127.0.0.1:3000."
  }
}

variable "site_certificate_arn" {
  description = "ACM certificate for the host of site_url, in us-east-1; null while CloudFront's own address is used."
  type        = string
  default     = null

  validation {
    condition     = !var.site_enabled || (var.site_certificate_arn == null) == (var.site_url == null)
    error_message = "site_url and site_certificate_arn belong together when CloudFront serves the site: set both, or neither to use CloudFront's own address."
  }
}

variable "site_zone_id" {
  description = "Route 53 zone in which the site's records are made; null leaves DNS to you."
  type        = string
  default     = null
}

variable "site_price_class" {
  description = "Where CloudFront answers: PriceClass_100 (North America, Europe), PriceClass_200 or PriceClass_All."
  type        = string
  default     = "PriceClass_100"
}

variable "site_web_acl_arn" {
  description = "WAFv2 web ACL that guards the site; null for none. The API's own address, which anybody may learn, is not behind it."
  type        = string
  default     = null
}

variable "extra_origins" {
  description = "Further sites from which browsers may call the API and upload, such as a preview or a developer's own machine (dev only)."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.extra_origins : can(regex(var.environment == "dev" ? local.dev_origin_pattern : local.origin_pattern, origin))])
    error_message = "extra_origins: ${join(", ", [for origin in var.extra_origins : origin if !can(regex(var.environment == "dev" ? local.dev_origin_pattern : local.origin_pattern, origin))])} cannot be allowed. An origin is https:// and a host, without a path and without a slash at its end. Only dev may name http://localhost:3000 or http://127.0.0.1:3000."
  }
}

# ---- the API

variable "api_domain" {
  description = "An address of the API's own: name, certificate_arn (in this region), zone_id (null: DNS lies elsewhere)."
  type = object({
    name            = string
    certificate_arn = string
    zone_id         = optional(string)
  })
  default = null
}

variable "throttling_rate" {
  description = "Calls a second that the API takes, of all users together."
  type        = number
  default     = 100
}

variable "throttling_burst" {
  description = "Calls that the API takes at once."
  type        = number
  default     = 200
}

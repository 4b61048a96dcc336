variable "name" {
  description = "Name of the distribution, shown as its comment."
  type        = string
}

variable "aliases" {
  description = "The site's own host names; empty serves it under CloudFront's name."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for host in var.aliases : can(regex("^(\\*\\.)?([a-z0-9-]+\\.)+[a-z]{2,}$", host))])
    error_message = "aliases lists host names such as app.example.com, without https:// and without a path."
  }
}

variable "certificate_arn" {
  description = "ACM certificate for the aliases, in us-east-1 whatever the region of everything else; null without aliases."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:aws[a-z-]*:acm:us-east-1:", var.certificate_arn))
    error_message = "CloudFront takes certificates from us-east-1 only: request or import one there, and set certificate_arn to its ARN (arn:aws:acm:us-east-1:…)."
  }

  validation {
    condition     = (var.certificate_arn == null) == (length(var.aliases) == 0)
    error_message = "aliases and certificate_arn belong together: set both, or neither."
  }
}

variable "zone_id" {
  description = "Route 53 zone that gets records for the aliases; null leaves DNS to you."
  type        = string
  default     = null

  validation {
    condition     = var.zone_id == null || length(var.aliases) > 0
    error_message = "zone_id needs aliases: the records to make in that zone."
  }
}

variable "api_host" {
  description = "Host of the HTTP API, such as abc123.execute-api.us-east-1.amazonaws.com."
  type        = string

  validation {
    condition     = !can(regex("[/:]", var.api_host))
    error_message = "api_host is a host name alone, without https:// and without a path."
  }
}

variable "api_stage" {
  description = "Stage of the HTTP API; requests to /<stage>/* go there as they are."
  type        = string
  default     = "backend"
}

variable "frontend_origin" {
  description = "Host that serves the frontend, such as my-app.vercel.app: everything outside /<stage>/* goes there."
  type        = string

  validation {
    condition     = can(regex("^([A-Za-z0-9-]+\\.)+[A-Za-z]{2,}$", var.frontend_origin)) && !contains(var.aliases, var.frontend_origin)
    error_message = "frontend_origin is the host name where the frontend is hosted (my-app.vercel.app), without https:// and a path, and not one of the aliases, which would send requests in a circle."
  }
}

variable "price_class" {
  description = "Where CloudFront answers: PriceClass_100 (North America, Europe), _200 (and Asia), _All."
  type        = string
  default     = "PriceClass_100"

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "price_class is PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

variable "web_acl_arn" {
  description = "WAFv2 web ACL of scope CLOUDFRONT that guards the site; null for none."
  type        = string
  default     = null
}

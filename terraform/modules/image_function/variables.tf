variable "function_name" {
  description = "Name of the function; its role, log group, queue and alarms are named after it."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9-_]{1,56}$", var.function_name))
    error_message = "function_name takes 1 to 56 letters, digits, - and _: suffixes of its alarms and of its queue have to fit, too."
  }
}

variable "image_uri" {
  description = "The container image by digest: <registry>/<repository>@sha256:<64 hexadecimal digits>."
  type        = string

  validation {
    condition     = can(regex("^[^@:]+(:[0-9]+)?/[^@:]+@sha256:[0-9a-f]{64}$", var.image_uri))
    error_message = "image_uri must name an image by digest, such as <registry>/users@sha256:…; a tag can be moved, so it is refused. Take the digest from images.json."
  }
}

variable "command" {
  description = "What the image runs, a handler such as users.handler.api."
  type        = string

  validation {
    condition     = can(regex("^[a-z_]+(\\.[a-z_]+)+$", var.command))
    error_message = "command must be a Python handler such as users.handler.api."
  }
}

variable "timeout" {
  description = "Seconds after which Lambda ends a call."
  type        = number

  validation {
    condition     = var.timeout >= 1 && var.timeout <= 900
    error_message = "timeout must lie between 1 and 900 seconds."
  }
}

variable "memory" {
  description = "Memory in MB; the share of a CPU grows with it."
  type        = number

  validation {
    condition     = var.memory >= 128 && var.memory <= 10240
    error_message = "memory must lie between 128 and 10240 MB."
  }
}

variable "architecture" {
  description = "x86_64 or arm64, as the image was built."
  type        = string

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be x86_64 or arm64."
  }
}

variable "environment" {
  description = "Environment variables. Names of secrets only: whoever may look at the function sees them."
  type        = map(string)
  default     = {}
}

variable "policy_statements" {
  description = "What the function may do besides writing its own log. Conditions are {test, variable, values}."
  type = list(object({
    sid       = string
    actions   = list(string)
    resources = list(string)
    conditions = optional(list(object({
      test     = string
      variable = string
      values   = list(string)
    })), [])
  }))
  default = []

  validation {
    condition     = alltrue([for statement in var.policy_statements : !anytrue([for action in statement.actions : endswith(action, ":*") || action == "*"])])
    error_message = "policy_statements must list actions one by one; a * would grant what nobody has thought of."
  }

  validation {
    condition     = alltrue([for statement in var.policy_statements : !contains(statement.resources, "*")])
    error_message = "policy_statements must name resources; * would reach those of others."
  }
}

variable "asynchronous" {
  description = "Whether callers do not wait for the answer (schedules): then failed calls are kept in a queue."
  type        = bool
  default     = false
}

variable "tracing" {
  description = "Send traces to X-Ray."
  type        = bool
  default     = false
}

variable "provisioned_concurrency" {
  description = "Sandboxes kept warm, billed by the hour; 0 for none."
  type        = number
  default     = 0

  validation {
    condition     = var.provisioned_concurrency >= 0 && floor(var.provisioned_concurrency) == var.provisioned_concurrency
    error_message = "provisioned_concurrency must be a whole number, 0 or more."
  }
}

variable "log_retention_days" {
  description = "Days that log lines are kept."
  type        = number
  default     = 30
}

variable "alarm_topic_arn" {
  description = "SNS topic that alarms are sent to."
  type        = string
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds the function's role; null for none."
  type        = string
  default     = null
}

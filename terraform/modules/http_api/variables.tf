variable "name" {
  description = "Name of the API and of its log group."
  type        = string
}

variable "openapi" {
  description = "The decoded docs/openapi.json; each operation names its function in x-function."
  type        = any

  validation {
    condition = alltrue(flatten([for path, operations in var.openapi.paths : [
      for method, operation in operations : can(operation["x-function"])
    ]]))
    error_message = "Every operation of the OpenAPI document needs x-function, the name of the function that answers it. Run `make fix`."
  }
}

variable "functions" {
  description = "The functions by the names that x-function uses; those without a route are left out. timeout in seconds."
  type = map(object({
    function_name    = string
    alias_name       = string
    alias_invoke_arn = string
    timeout          = number
  }))
}

variable "default_function" {
  description = "The function that answers every other path with the API's own 404."
  type        = string
}

variable "stage_name" {
  description = "Name of the stage: the first part of every path, as in /backend/plans."
  type        = string
  default     = "backend"
}

variable "allowed_origins" {
  description = "Sites on other hosts that browsers may call this API from, with credentials. Same-origin calls need none."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains(var.allowed_origins, "*")
    error_message = "allowed_origins must name the sites: with credentials, browsers refuse *."
  }
}

variable "throttling_rate" {
  description = "Calls a second, of all callers together."
  type        = number
  default     = 100
}

variable "throttling_burst" {
  description = "Calls that may come at once."
  type        = number
  default     = 200
}

variable "log_retention_days" {
  description = "Days that access logs are kept."
  type        = number
  default     = 30
}

variable "domain" {
  description = "An address of the API's own: host name, its certificate in this region, and the Route 53 zone (null: DNS lies elsewhere)."
  type = object({
    name            = string
    certificate_arn = string
    zone_id         = optional(string)
  })
  default = null
}

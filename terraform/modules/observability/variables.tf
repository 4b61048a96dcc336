variable "prefix" {
  description = "Begins every name here: <name>-<environment>."
  type        = string
}

variable "environment" {
  description = "APP_ENV of the functions, the dimension of their metrics."
  type        = string
}

variable "functions" {
  description = "Functions on the dashboard, by their key in images/functions.json. Timeouts in seconds."
  type = map(object({
    function_name  = string
    timeout        = number
    log_group_name = string
  }))
}

variable "api_id" {
  description = "Id of the HTTP API."
  type        = string
}

variable "api_stage" {
  description = "Stage of the HTTP API."
  type        = string
  default     = "backend"
}

variable "failure_queues" {
  description = "Names of the queues of calls that failed for good, by function; shown on the dashboard, their alarms stand with the functions."
  type        = map(string)
  default     = {}
}

variable "alarm_emails" {
  description = "Addresses that alarms and the budget write to; each confirms once, by the link in AWS's mail."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", address))])
    error_message = "alarm_emails lists e-mail addresses, such as ops@example.com."
  }
}

variable "monthly_budget_usd" {
  description = "What the AWS account may cost a month; null makes no budget. It covers the whole account, not this environment alone."
  type        = number
  default     = null

  validation {
    condition     = try(var.monthly_budget_usd > 0, var.monthly_budget_usd == null)
    error_message = "monthly_budget_usd is an amount in US dollars above 0, or null for no budget."
  }
}

variable "thresholds" {
  description = "When alarms go off."
  type = object({
    api_5xx_percent       = optional(number, 1)     # of all requests, in 5 minutes
    api_5xx_least         = optional(number, 3)     # fewer failed requests raise no alarm
    api_p99_ms            = optional(number, 15000) # for 15 minutes; answers of models included
    webhook_failures      = optional(number, 3)     # in 15 minutes
    reconcile_failures    = optional(number, 2)     # in an hour, of four runs
    reconcile_age_seconds = optional(number, 3600)
    ai_throttled          = optional(number, 5) # refused calls, in 5 minutes
    ai_usd_an_hour        = optional(number, 10)
    budget_percent        = optional(list(number), [80, 100])
  })
  default = {}

  validation {
    condition     = alltrue([for name, value in var.thresholds : try(value > 0, alltrue([for percent in value : percent > 0]))])
    error_message = "thresholds are numbers above 0: at 0 an alarm would never end."
  }
}

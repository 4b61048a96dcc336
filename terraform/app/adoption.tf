# An earlier stack's table and user pool, taken over instead of made. A plan shows them as imports; once they are in the
# state these blocks do nothing. See docs/adoption.md.

variable "adopt" {
  description = "What an earlier stack left: table_name, user_pool_id (as in us-east-1_AbCdEf123) and, where the pool has them already, user_pool_domain (the prefix of its sign-in page) and user_pool_groups (those of ours, such as admin). Leave the settings in place afterwards."
  type = object({
    table_name       = optional(string)
    user_pool_id     = optional(string)
    user_pool_domain = optional(string)
    user_pool_groups = optional(set(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.adopt.user_pool_id == null || can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]_[0-9A-Za-z]+$", var.adopt.user_pool_id))
    error_message = "adopt.user_pool_id is the pool's id, such as us-east-1_AbCdEf123, not its name. `aws cognito-idp list-user-pools --max-results 60` shows both."
  }

  validation {
    condition     = var.adopt.user_pool_id != null || (var.adopt.user_pool_domain == null && length(var.adopt.user_pool_groups) == 0)
    error_message = "adopt.user_pool_domain and adopt.user_pool_groups belong to a pool: set adopt.user_pool_id as well."
  }
}

import {
  for_each = toset(compact([var.adopt.table_name]))
  to       = module.table.aws_dynamodb_table.this
  id       = each.value
}

import {
  for_each = toset(compact([var.adopt.user_pool_id]))
  to       = module.user_pool.aws_cognito_user_pool.this
  id       = each.value
}

import {
  for_each = toset(compact([var.adopt.user_pool_domain]))
  to       = module.user_pool.aws_cognito_user_pool_domain.this
  id       = each.value
}

import {
  for_each = var.adopt.user_pool_groups
  to       = module.user_pool.aws_cognito_user_group.this[each.value]
  id       = "${var.adopt.user_pool_id}/${each.value}"
}

# A plan reads what a deployment may read, and holds the state's lock meanwhile.

locals {
  reading = "^[a-z0-9-]+:(BatchGet|Describe|Get|List|View|GET)"

  plan = { for environment, parts in local.deploy : environment => { for part, statements in parts : part => concat(
    [for statement in statements :
      merge(statement, { Action = [for action in flatten([statement.Action]) : action if can(regex(local.reading, action))] })
      if statement.Sid != "StateLock" && anytrue([for action in flatten([statement.Action]) : can(regex(local.reading, action))])
    ],
    [for statement in statements : statement if statement.Sid == "StateLock"],
  ) } }
}

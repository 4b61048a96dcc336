# Bedrock models of lib/saas/plans.toml. An inference profile such as us.amazon.nova-lite-v1:0 hands calls on to the
# regions of its group, so the profile and the model in each of these regions have to be allowed.
# Source: Amazon Bedrock user guide, "Supported Regions and models for inference profiles".

locals {
  profile_regions = {
    us   = ["us-east-1", "us-east-2", "us-west-1", "us-west-2"]
    eu   = ["eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"]
    apac = ["ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-4"]
  }

  # Groups that Bedrock has beside these: served from no region until they are written down above. Taken for direct
  # models, their calls would all be denied.
  unserved_groups = ["au", "ca", "global", "jp", "us-gov"]

  models = { for alias, id in local.plans.models : alias => {
    id    = id
    group = one([for group in concat(keys(local.profile_regions), local.unserved_groups) : group if startswith(id, "${group}.")])
  } }

  profiles = { for model in local.models : model.id => model if model.group != null }

  profile_arns = [for id in keys(local.profiles) : "arn:${local.partition}:bedrock:${var.region}:${local.account}:inference-profile/${id}"]

  routed_model_arns = flatten([for id, model in local.profiles : [
    for region in lookup(local.profile_regions, model.group, []) :
    "arn:${local.partition}:bedrock:${region}::foundation-model/${trimprefix(id, "${model.group}.")}"
  ]])

  direct_model_arns = [for model in local.models : "arn:${local.partition}:bedrock:${var.region}::foundation-model/${model.id}" if model.group == null]

  model_statements = [for statement in [
    {
      sid        = "AskModels"
      actions    = ["bedrock:InvokeModel"]
      resources  = concat(local.profile_arns, local.direct_model_arns)
      conditions = []
    },
    {
      sid        = "AskModelsThroughProfiles"
      actions    = ["bedrock:InvokeModel"]
      resources  = local.routed_model_arns
      conditions = [{ test = "StringLike", variable = "bedrock:InferenceProfileArn", values = local.profile_arns }]
    },
  ] : statement if length(statement.resources) > 0]
}

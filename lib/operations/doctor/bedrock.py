"""Bedrock: may this account use the models of the plan file, and how much?"""

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

from operations.doctor.subject import Subject, looked
from operations.findings import Finding, ok, problem, warning
from saas.plans import Model, catalogue

_GROUPS = ("us.", "us-gov.", "eu.", "apac.", "jp.", "au.", "ca.", "global.")
_ROOM = 5
"""Calls of the largest allowed size that should fit into a minute."""


def check(subject: Subject) -> Iterator[Finding]:
    """Access and quota of each model of `plans.toml`."""
    quotas = cache(partial(_quotas, subject))
    for model in catalogue().models.values():
        yield looked(f"model {model.alias}", partial(access, subject, model))
        yield looked(f"quota of {model.alias}", partial(quota, subject, model, quotas))


def foundation(model_id: str) -> str:
    """The model behind an inference profile's id: `us.amazon.nova…` → `amazon.nova…`."""
    group = next((group for group in _GROUPS if model_id.startswith(group)), "")
    return model_id.removeprefix(group)


def access(subject: Subject, model: Model) -> Finding:
    """Whether the account may call the model; "GetFoundationModelAvailability" knows."""
    from botocore.exceptions import ClientError

    name = f"model {model.alias}"
    client = subject.account.client("bedrock")
    if foundation(model.id) != model.id:
        try:
            client.get_inference_profile(inferenceProfileIdentifier=model.id)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return problem(
                name,
                f"{model.id} is no inference profile of {subject.account.region}",
                "choose one of that region in lib/saas/plans.toml, then make fix",
            )
    found = client.get_foundation_model_availability(modelId=foundation(model.id))
    if missing := lacking(found):
        return problem(
            name,
            f"{model.id} cannot be called: {', '.join(missing)}",
            "Bedrock console, Model catalog: open the model and request access",
        )
    return ok(name, f"{model.id} may be called")


def lacking(availability: dict[str, Any]) -> list[str]:
    """What stands in the way, by an answer of GetFoundationModelAvailability."""
    reasons = []
    if availability.get("regionAvailability") == "NOT_AVAILABLE":
        reasons.append("it is not served in this region")
    if availability.get("authorizationStatus") == "NOT_AUTHORIZED":
        reasons.append("the account is not authorised")
    agreement = availability.get("agreementAvailability", {}).get("status", "AVAILABLE")
    if agreement != "AVAILABLE":
        reasons.append(f"the provider's terms are not accepted yet ({agreement.lower()})")
    if not reasons and availability.get("entitlementAvailability") == "NOT_AVAILABLE":
        reasons.append("access was not requested")
    return reasons


def quota(subject: Subject, model: Model, quotas: Callable[[], list[dict[str, Any]]]) -> Finding:
    """Tokens per minute, since that is what Bedrock throttles by ("Quotas for Amazon Bedrock")."""
    client = subject.account.client("bedrock")
    details = client.get_foundation_model(modelIdentifier=foundation(model.id))["modelDetails"]
    profile = foundation(model.id) != model.id
    return judged_quota(model, tokens_per_minute(quotas(), details["modelName"], profile))


def _quotas(subject: Subject) -> list[dict[str, Any]]:
    client = subject.account.client("service-quotas")
    pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="bedrock")
    return [each for page in pages for each in page["Quotas"]]


def tokens_per_minute(
    quotas: list[dict[str, Any]], model_name: str, cross_region: bool
) -> float | None:
    """The quota of a model; quotas are known by their names alone, which are not documented."""
    wanted = model_name.lower()
    for each in quotas:
        name = each["QuotaName"].lower()
        if "tokens per minute" not in name or "1m context" in name or "global" in name:
            continue
        if name.startswith("cross-region") == cross_region and _names(name, wanted):
            return float(each["Value"])
    return None


def _names(quota_name: str, model: str) -> bool:
    """Whether it is this model's: `Nova Pro` is not `Nova Pro Max`, but `Nova Pro V1`."""
    _, found, rest = quota_name.partition(model)
    return bool(found) and (not rest.strip() or rest.strip().startswith(("v", "(")))


def judged_quota(model: Model, value: float | None) -> Finding:
    """Whether the largest call that a plan allows fits, and how often."""
    name = f"quota of {model.alias}"
    if value is None:
        return warning(
            name, "there is no quota of that name", "look at Service Quotas, Amazon Bedrock"
        )
    largest = max(
        # About four characters make a token; Bedrock reserves the input and all of maxTokens.
        plan.max_prompt_characters // 4 + catalogue().max_output_tokens(plan, model)
        for plan in catalogue().plans
        if model.alias in plan.models
    )
    text = f"{value:,.0f} tokens a minute; the largest allowed call takes {largest:,}"
    remedy = "Service Quotas, Amazon Bedrock, tokens per minute of this model: request more"
    if value < largest:
        return problem(name, text, remedy)
    return warning(name, text, remedy) if value < _ROOM * largest else ok(name, text)

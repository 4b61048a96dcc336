"""What a stranger could have changed in a stack, as the parts tell their own clients."""

from typing import Any

import requests
from stripe import StripeClient

from localcloud.config import StackConfig
from saas.stripe_contract import API_VERSION


def stripe_of(config: StackConfig) -> StripeClient:
    return StripeClient(
        config.stripe_secret_key,
        stripe_version=API_VERSION,
        base_addresses={"api": config.stripe_url},
    )


def state(config: StackConfig) -> dict[str, Any]:
    """Compared before and after."""

    def get(url: str) -> Any:
        return requests.get(url, timeout=30).json()

    stripe = stripe_of(config)
    logged = requests.get(f"{config.site_url}/_local/logs", timeout=30).text
    return {
        "resources": get(f"{config.aws_url}/_local/resources"),
        "mail": get(f"{config.aws_url}/_local/mail"),
        "aws faults": get(f"{config.aws_url}/_local/faults"),
        "stripe faults": get(f"{config.stripe_url}/_local/faults"),
        "bedrock faults": get(f"{config.bedrock_url}/_local/faults"),
        "bedrock calls": get(f"{config.bedrock_url}/_local/calls"),
        "clock": get(f"{config.stripe_url}/_local/clock")["offset"],
        "endpoints": [each.url for each in stripe.v1.webhook_endpoints.list().data],
        "customers": [each.id for each in stripe.v1.customers.list().data],
        "function calls": logged.count('href="/_local/logs/'),
    }

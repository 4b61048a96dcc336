"""What a client of a stack needs to know: addresses, names and the keys of its stand-ins."""

from collections.abc import Mapping
from typing import Any

from localcloud.config import StackConfig


def endpoints_of(config: StackConfig, provisioned: Mapping[str, str]) -> dict[str, Any]:
    """The answer to `GET /_local/endpoints`; ids are empty until they are provisioned."""
    return {
        "site": config.site_url,
        "api": f"{config.site_url}/backend",
        "aws": config.aws_public_url,
        "stripe": config.stripe_public_url,
        "bedrock": config.bedrock_public_url,
        "lambda": config.control_public_url,
        "region": config.region,
        "accountId": config.account_id,
        "accessKeyId": config.access_key_id,
        "secretAccessKey": config.secret_access_key,
        "tableName": config.table_name,
        "uploadsBucket": config.uploads_bucket,
        "userPoolId": provisioned.get("user_pool_id", ""),
        "userPoolClientId": provisioned.get("user_pool_client_id", ""),
        "issuer": provisioned.get("issuer", ""),
        "nextauthSecret": config.nextauth_secret,
        "stripeSecretKey": config.stripe_secret_key,
        "webhookSecret": config.webhook_secret,
        "webhookUrl": config.webhook_url,
        "stateDir": str(config.state_dir),
        "frontend": config.frontend_url,
    }

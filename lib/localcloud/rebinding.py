"""Joins local Stripe, which survives a restart, to local AWS, which starts empty.

Whoever paid before a restart has a customer and perhaps a live subscription at local Stripe, while
the fresh table knows nobody. Each such user's record and binding are written again, with a note
that a checkout is fresh, so that the next status request asks Stripe and opens the gate.
"""

import json
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError

from localcloud.clock import Clock
from localcloud.config import OWN_AGENT, StackConfig
from saas import clock

FRESH = timedelta(days=1)
PAGE = 100
PATIENCE_SECONDS = 10.0


def rebind(config: StackConfig) -> int:
    """Tell an empty table of local Stripe's customers; returns how many there are.

    A local Stripe that does not answer leaves nothing to rebind.
    """
    # The newest customer of a user is the one that counts: the list begins with it.
    newest: dict[str, dict[str, Any]] = {}
    for customer in _customers(config):
        metadata = customer.get("metadata") or {}
        if metadata.get("app") == "groundwork" and metadata.get("userId"):
            newest.setdefault(metadata["userId"], customer)
    if newest:
        _write(config, newest)
    return len(newest)


def _customers(config: StackConfig) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    headers = {"Authorization": f"Bearer {config.stripe_secret_key}"}
    more = True
    while more:
        after = f"&starting_after={found[-1]['id']}" if found else ""
        url = f"{config.stripe_url}/v1/customers?limit={PAGE}{after}"
        page = _get(urllib.request.Request(url, headers=headers))  # noqa: S310
        if page is None:
            return found
        found += page["data"]
        more = page["has_more"]
    return found


def _get(request: urllib.request.Request) -> dict[str, Any] | None:
    """The answer's JSON. Local Stripe may still be starting, so it is asked for a while."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                page: dict[str, Any] = json.load(answer)
                return page
        except HTTPError:
            return None
        except OSError:
            if time.monotonic() > deadline:
                return None
        time.sleep(0.1)


def _write(config: StackConfig, customers: dict[str, dict[str, Any]]) -> None:
    import boto3
    from botocore.config import Config

    table = boto3.resource(
        "dynamodb",
        endpoint_url=config.aws_url,
        region_name=config.region,
        aws_access_key_id=config.access_key_id,
        aws_secret_access_key=config.secret_access_key,
        config=Config(user_agent_extra=OWN_AGENT),
    ).Table(config.table_name)
    if table.scan(Limit=1)["Items"]:
        # Local AWS has lived on: what it knows is newer than anything made up here.
        return
    # The functions' time, which may have been moved before the restart: this process has the real.
    now = datetime.fromtimestamp(Clock(config.clock_file).now(), UTC)
    moment, fresh = (clock.iso(when) for when in (now, now + FRESH))
    with table.batch_writer() as batch:
        for user_id, customer in customers.items():
            batch.put_item(_user(user_id, customer, moment, fresh))
            key = f"CUSTOMER#{customer['id']}"
            batch.put_item(
                {"pk": key, "sk": key, "userId": user_id, "syncSeq": 0, "createdAt": moment}
            )


def _user(user_id: str, customer: dict[str, Any], moment: str, fresh: str) -> dict[str, Any]:
    key, email = f"USER#{user_id}", customer.get("email") or ""
    return {
        "pk": key,
        "sk": key,
        "id": user_id,
        "email": email,
        "name": customer.get("name") or "",
        "cognitoId": user_id,
        "subscriptionStatus": "inactive",
        "createdAt": moment,
        "updatedAt": moment,
        "stripeCustomerId": customer["id"],
        "checkoutFreshUntil": fresh,
        **({"gsi1pk": f"EMAIL#{email}", "gsi1sk": key} if email else {}),
    }

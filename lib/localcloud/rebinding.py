"""Joins local Stripe, which survives a restart, to local AWS, which starts empty.

Whoever paid before a restart has a customer and perhaps a live subscription at local Stripe, while
the fresh table knows nobody. Each such user's record and binding are written again, with a note
that a checkout is fresh, so that the next status request asks Stripe and opens the gate.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientError, ClientSession

from localcloud.config import StackConfig

FRESH = timedelta(days=1)
PAGE = 100


async def rebind(config: StackConfig) -> int:
    """Tell an empty table of local Stripe's customers; returns how many there are.

    A local Stripe that does not answer leaves nothing to rebind.
    """
    try:
        customers = await _customers(config)
    except (ClientError, TimeoutError):
        return 0
    # The newest customer of a user is the one that counts: the list begins with it.
    newest: dict[str, dict[str, Any]] = {}
    for customer in customers:
        metadata = customer.get("metadata") or {}
        if metadata.get("app") == "groundwork" and metadata.get("userId"):
            newest.setdefault(metadata["userId"], customer)
    if newest:
        await asyncio.to_thread(_write, config, newest)
    return len(newest)


async def _customers(config: StackConfig) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    headers = {"Authorization": f"Bearer {config.stripe_secret_key}"}
    async with ClientSession(headers=headers) as session:
        more, after = True, ""
        while more:
            query = {"limit": str(PAGE), **({"starting_after": after} if after else {})}
            async with session.get(f"{config.stripe_url}/v1/customers", params=query) as answer:
                if answer.status != 200:
                    return found
                page = await answer.json()
            found += page["data"]
            more, after = page["has_more"], page["data"][-1]["id"] if page["data"] else ""
    return found


def _write(config: StackConfig, customers: dict[str, dict[str, Any]]) -> None:
    import boto3

    table = boto3.resource(
        "dynamodb",
        endpoint_url=config.aws_url,
        region_name=config.region,
        aws_access_key_id=config.access_key_id,
        aws_secret_access_key=config.secret_access_key,
    ).Table(config.table_name)
    if table.scan(Limit=1)["Items"]:
        # Local AWS has lived on: what it knows is newer than anything made up here.
        return
    now = datetime.now(UTC)
    moment, fresh = (_iso(when) for when in (now, now + FRESH))
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


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

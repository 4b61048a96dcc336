"""What somebody wants to buy, and the Checkout Session that sells exactly that."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from billing import customers, offers
from saas.accounts import User
from saas.errors import BadRequest
from saas.plans import Plan
from saas.settings import settings


@dataclass(frozen=True)
class Order:
    """A plan for a signed-in user."""

    user: User
    plan: Plan

    @property
    def user_id(self) -> str:
        return self.user.id

    @property
    def fingerprint(self) -> str:
        """Equal for orders that may share a session: all it depends on, as far as we know it."""
        generation = self.user.customer_generation
        parts = [self.plan.price_key, self.plan.lookup_key, _return_url(), generation]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def idempotency_key(self, generation: int) -> str:
        """The key of one attempt to make a session."""
        return f"checkout:{settings().app_env}:{customers.reference(self.user_id)}:{generation}"

    def session_params(self, customer_id: str, price_id: str) -> dict[str, Any]:
        """Byte-identical from one attempt to the next, as the idempotency key demands."""
        stamp = customers.stamp(self.user_id)
        return {
            "mode": "subscription",
            "ui_mode": "embedded",
            "customer": customer_id,
            "client_reference_id": customers.reference(self.user_id),
            "line_items": [{"price": price_id, "quantity": 1}],
            "metadata": stamp,
            "subscription_data": {"metadata": stamp},
            "return_url": _return_url(),
        }


def sellable(price_key: str) -> Plan:
    """The plan behind a price key.

    Raises:
        BadRequest: none is sold here by that key (`unknown_price`), or it has no public price
            (`price_not_available`).
    """
    plan = next((plan for plan in offers.sold() if plan.price_key == price_key), None)
    if plan is None:
        raise BadRequest("There is no such price", code="unknown_price")
    if not plan.lookup_key:
        raise BadRequest(
            f"The {plan.name} plan is sold by agreement, please contact sales",
            code="price_not_available",
        )
    return plan


def _return_url() -> str:
    config = settings()
    return config.require("site_url").rstrip("/") + config.checkout_return_path

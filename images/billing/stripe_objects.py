"""What we read of Stripe's objects, from plain dicts of any API version since basil (2025-03-31).

Our own names in their metadata are those of `saas.stripe_contract`. Sources: Stripe API reference,
"The Subscription object" (periods lie on the items), "The Session object", "The Event object".
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from saas import clock
from saas.plans import Plan, catalogue
from saas.stripe_contract import is_for

# "Object IDs" may grow to 255 characters (Stripe API reference).
MAX_ID_CHARACTERS = 255
Raw = dict[str, Any]


@dataclass(frozen=True)
class Subscription:
    """A subscription; `plan_id` is empty when no item has one of our prices.

    `environment` and `app` are what its creator stamped on it, empty when nothing.
    """

    id: str
    customer_id: str
    status: str
    plan_id: str
    created: int
    current_period_start: datetime
    current_period_end: datetime
    cancel_at_period_end: bool
    environment: str = ""
    app: str = ""

    def is_ours(self, environment: str) -> bool:
        """Whether it sells one of our plans, and nobody stamped it for another deployment."""
        stamps = {"env": self.environment, "app": self.app}
        return bool(self.plan_id) and is_for(stamps, environment)


@dataclass(frozen=True)
class CheckoutSession:
    """A Checkout Session: `status` is open, complete or expired; `expires_at` in epoch seconds.

    `replayed` tells that Stripe repeated an earlier answer of the same idempotency key, which may
    no longer be true.
    """

    id: str
    status: str
    client_secret: str
    expires_at: int
    replayed: bool = False


@dataclass(frozen=True)
class Event:
    """A notification: it only names a customer; the state in it is never used."""

    id: str
    type: str
    customer_id: str
    created: int
    livemode: bool
    environment: str = ""
    app: str = ""
    account: str = ""


def subscription(raw: Raw) -> Subscription:
    """Reads a subscription object; its period is that of the item that sells our plan.

    Of several plans the one with the most calls counts; other prices and quantities change nothing.
    """
    items = raw["items"]["data"]
    sold = [(item, plan) for item in items if (plan := _plan(item.get("price") or {}))]
    if sold:
        item, plan = max(sold, key=lambda each: each[1].calls_per_month)
        plan_id = plan.id
    else:
        item, plan_id = items[0] if items else {}, ""
    metadata = raw.get("metadata") or {}
    start = item.get("current_period_start") or raw["created"]
    end = item.get("current_period_end") or raw["created"]
    return Subscription(
        id=raw["id"],
        customer_id=_id(raw.get("customer")),
        status=raw["status"],
        plan_id=plan_id,
        created=int(raw["created"]),
        current_period_start=clock.from_epoch(int(start)),
        current_period_end=clock.from_epoch(int(end)),
        cancel_at_period_end=_ends_with_period(raw, int(end)),
        environment=metadata.get("env") or "",
        app=metadata.get("app") or "",
    )


def checkout_session(raw: Raw, *, replayed: bool = False) -> CheckoutSession:
    """Reads a Checkout Session; Stripe leaves the client secret out once it is not open."""
    return CheckoutSession(
        id=raw["id"],
        status=raw["status"],
        client_secret=raw.get("client_secret") or "",
        expires_at=int(raw["expires_at"]),
        replayed=replayed,
    )


def event(raw: Raw) -> Event:
    """Reads a snapshot event of any kind.

    Raises:
        ValueError: it is not shaped like an event.
    """
    try:
        found = _event(raw)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError("not shaped like an event") from error
    if max(len(found.id), len(found.type), len(found.customer_id)) > MAX_ID_CHARACTERS:
        raise ValueError("ids are too long")
    return found


def _event(raw: Raw) -> Event:
    subject = raw["data"]["object"]
    metadata = subject.get("metadata") or {}
    own = subject.get("object") == "customer"
    return Event(
        id=str(raw["id"]),
        type=str(raw["type"]),
        customer_id=str(subject["id"]) if own else _id(subject.get("customer")),
        created=int(raw["created"]),
        livemode=bool(raw.get("livemode")),
        environment=metadata.get("env") or "",
        app=metadata.get("app") or "",
        account=str(raw.get("account") or ""),
    )


def _plan(price: Raw) -> Plan | None:
    return catalogue().plan_of_price(price.get("metadata") or {}, price.get("lookup_key") or "")


def _ends_with_period(raw: Raw, period_end: int) -> bool:
    """Flexible billing sets `cancel_at` to the period's end where classic billing sets a flag."""
    cancel_at = raw.get("cancel_at")
    by_date = cancel_at is not None and int(cancel_at) <= period_end
    return bool(raw.get("cancel_at_period_end")) or by_date


def _id(reference: Any) -> str:
    """The id of a reference that may be expanded."""
    return str(reference["id"] if isinstance(reference, dict) else reference or "")

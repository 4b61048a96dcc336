"""Who pays at Stripe: customers with live subscriptions to our plans, and whom they name."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from operations.stripe import prices
from operations.stripe.account import Raw, StripeAccount
from saas.stripe_contract import LIVE_STATUSES, is_for

# What the earlier backend called everybody.
NOBODY = "anonymous"


@dataclass
class Payer:
    """A customer; `claims` are user ids that somebody wrote on what they bought, unchecked."""

    customer_id: str
    email: str
    subscriptions: list[str] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)

    def add_claim(self, user_id: str | None) -> None:
        if user_id and user_id != NOBODY and user_id not in self.claims:
            self.claims.append(user_id)


@dataclass(frozen=True)
class Found:
    """`strangers`: live subscriptions by price (in words), which no plan stands behind."""

    payers: list[Payer]
    strangers: Counter[str]


def find(stripe: StripeAccount, environment: str) -> Found:
    """Everybody with a live subscription to one of our plans, in this environment or in none."""
    payers: dict[str, Payer] = {}
    strangers: Counter[str] = Counter()
    for subscription in stripe.all("/v1/subscriptions", expand=["data.customer"]):
        customer = subscription["customer"]
        stamps = (subscription["metadata"], customer.get("metadata") or {})
        if subscription["status"] not in LIVE_STATUSES:
            continue
        if not all(is_for(stamp, environment) for stamp in stamps):
            continue
        sold = [item["price"] for item in subscription["items"]["data"]]
        plans = [plan.id for price in sold if (plan := prices.plan_of(price))]
        if not plans:
            strangers.update(f"{price['id']} ({prices.cost(price)})" for price in sold)
            continue
        payer = payers.setdefault(
            customer["id"], Payer(customer["id"], customer.get("email") or "")
        )
        payer.subscriptions.append(f"{subscription['id']} {plans[0]} {subscription['status']}")
        for user_id in _claimed(stripe, subscription, customer):
            payer.add_claim(user_id)
    return Found(list(payers.values()), strangers)


def _claimed(stripe: StripeAccount, subscription: Raw, customer: Raw) -> Iterator[str | None]:
    """The earlier backend stamped the Checkout Session, if anything."""
    yield subscription["metadata"].get("userId")
    yield (customer.get("metadata") or {}).get("userId")
    for session in stripe.all("/v1/checkout/sessions", subscription=subscription["id"]):
        yield (session.get("metadata") or {}).get("userId")
        yield session.get("client_reference_id")

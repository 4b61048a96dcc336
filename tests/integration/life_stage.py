"""A subscription as its life goes on: Stripe's clock and ours together, every event told."""

import json
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ai.quota import Quota
from billing import stripe_api
from billing.sync import sync
from saas import clock
from saas.entitlements import Entitlement
from tests.integration.billing_stage import STARTER, Stage, stage
from tests.integration.stripe_fixtures import DAY, HOUR

__all__ = ["DAY", "HOUR", "Life", "life", "stage"]
GOOD, REFUSED = "pm_card_visa", "pm_card_chargeCustomerFail"


class Life:
    """A user, and levers on time and on what Stripe has of them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.stripe = stage.stripe
        self.id = ""
        self._told: set[str] = set()

    def local(self, path: str, body: Any) -> Any:
        """One of local Stripe's levers."""
        url = self.stage.aws.config.stripe_url + path
        with urllib.request.urlopen(url, json.dumps(body).encode(), timeout=60) as answer:
            return json.load(answer)

    def buy(self, price: str = STARTER) -> "Life":
        self.id = self.stage.buy(price)
        return self.told()

    def sold(self, **params: Any) -> "Life":
        """A subscription made by hand for our customer, with a good card unless told otherwise."""
        if not self.stage.user_item.get("stripeCustomerId"):
            self.stage.session_id()
        params.setdefault("items", [{"price": self.price()}])
        if "default_payment_method" not in params:
            params["default_payment_method"] = self.card(GOOD)
        elif params["default_payment_method"] is None:
            del params["default_payment_method"]
        made = self.stripe.subscriptions.create({"customer": self.stage.customer_id, **params})
        self.id = made.id
        return self.told()

    def card(self, name: str) -> str:
        customer = {"customer": self.stage.customer_id}
        return str(self.stripe.payment_methods.attach(name, customer).id)

    def renewed_with(self, card: str) -> None:
        """Renewals are charged to this card from now on."""
        self.change(default_payment_method=self.card(card))

    def change(self, **params: Any) -> "Life":
        self.stripe.subscriptions.update(self.id, params)
        return self.told()

    def to(self, price: str, **params: Any) -> "Life":
        """Another price for the only item, as the portal changes it."""
        return self.change(items=[{"id": self.item.id, "price": price}], **params)

    def price(self, plan: str = "starter", **params: Any) -> str:
        """The id of a plan's price, or of another one made for the plan with `params`."""
        keys = {"lookup_keys": [f"groundwork_{plan}_monthly"]}
        found = self.stripe.prices.list(keys).data[0]
        if not params:
            return str(found.id)
        metadata = found.to_dict()["metadata"]
        made = {"product": found.product, "currency": "usd", "metadata": metadata, **params}
        return str(self.stripe.prices.create(made).id)

    @property
    def subscription(self) -> Any:
        return self.stripe.subscriptions.retrieve(self.id)

    @property
    def item(self) -> Any:
        return self.subscription["items"].data[0]

    @property
    def invoice(self) -> Any:
        return self.stripe.invoices.retrieve(self.subscription.latest_invoice)

    def pass_time(self, seconds: float) -> "Life":
        moved = self.local("/_local/clock", {"by": int(seconds)})
        self.stage.move_clock(moved["offset"])
        return self.told()

    def to_renewal(self, *, more: float = 0) -> "Life":
        """The moment at which the present period is over, and `more` seconds."""
        now = int(clock.now().timestamp())
        return self.pass_time(self.item.current_period_end - now + 1 + more)

    def told(self) -> "Life":
        """Deliver what happened since; afterwards the table says what Stripe says."""
        for event in self.stage.events():
            if event["id"] not in self._told:
                assert self.stage.deliver(event) == 200, event["type"]
                self._told.add(event["id"])
        self.converged()
        return self

    def converged(self) -> None:
        """Asking Stripe once more changes nothing."""
        before = self.stage.entitlement
        sync(self.stage.customer_id)
        assert stripped(before) == stripped(self.stage.entitlement)

    @property
    def stored(self) -> Entitlement:
        found = self.stage.entitlement
        assert found is not None
        return found

    @property
    def shown(self) -> tuple[bool, str, str, str]:
        """What the gate is told: open, the user's status, the subscription's, its plan."""
        answer = self.stage.status()
        subscription = answer["subscription"]
        gate = answer["hasActiveSubscription"], answer["subscriptionStatus"]
        assert self.stage.user_item["subscriptionStatus"] == gate[1]
        return *gate, subscription["status"], subscription["planId"]

    @property
    def quota(self) -> tuple[str, int, int] | None:
        """Plan and window (epoch seconds) that the next AI call counts in."""
        quota = Quota.of(self.stored, clock.now())
        if quota is None:
            return None
        return quota.plan.id, int(quota.begin.timestamp()), int(quota.end.timestamp())

    def period(self, plan: str) -> tuple[str, int, int]:
        """A quota of that plan for the period that Stripe shows."""
        item = self.item
        return plan, item.current_period_start, item.current_period_end


def stripped(entitlement: Entitlement | None) -> Entitlement | None:
    """What is stored, without which sync stored it when."""
    return entitlement and replace(entitlement, applied_seq=1, updated_at="")


@pytest.fixture
def life(stage: Stage) -> Iterator[Life]:
    """Time passes at a Stripe that has nothing else in it."""
    stage.reset_stripe()
    yield Life(stage)
    stage.reset_stripe()
    stripe_api._for_key.cache_clear()

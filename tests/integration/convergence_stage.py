"""Users who live at random between a Stripe, a table and webhooks that all fail now and then."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

from billing import checkout, reconcile
from saas import accounts, entitlements
from saas.aws_http import is_outage
from saas.entitlements import Entitlement
from saas.errors import AppError
from saas.stripe_contract import LIVE_STATUSES
from saas.table import table
from tests.factories import LambdaContext
from tests.integration.billing_stage import PROFESSIONAL, STARTER, Stage
from tests.integration.stripe_fixtures import DAY
from tests.integration.webhook_wire import local

PRICES = (STARTER, PROFESSIONAL)
CARDS = ("pm_card_visa", "pm_card_chargeCustomerFail")
# What may be told to a browser when anything behind us fails; 500 would be a bug of ours.
ANSWERS = {200, 409, 429, 502, 503}
# From the best to the worst; written down anew, so that the code is not held against itself.
BEST = [
    *("active", "trialing", "past_due", "unpaid", "paused"),
    *("incomplete", "canceled", "incomplete_expired"),
]


class Person:
    """A user: what they do, and what Stripe, asked past billing, says of them."""

    def __init__(self, stage: Stage, user_id: str, random: Random) -> None:
        self.stage = stage
        self.user_id = user_id
        self.random = random
        self.stripe = stage.stripe
        self.sessions: set[str] = set()

    def live(self) -> str:
        """One step, chosen at random; its name. Never does it leave two subscriptions running."""
        steps = (
            *(self.wants, self.pays, self.pays, self.looks) * 4,
            *(self.crowds, self.manages, self.quits, self.quits_later, self.switches),
            *(self.changes_card, self.pauses, self.gets_money_back, self.is_deleted),
        )
        step = self.random.choice(steps)
        step()
        assert len(self.alive()) <= 1, step.__name__
        return step.__name__

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        status, answer = self.stage.call(method, path, body, user_id=self.user_id)
        assert status in ANSWERS, (path, status, answer)
        return answer

    def wants(self) -> None:
        answer = self.call("POST", "/stripe/checkout", {"priceId": self.random.choice(PRICES)})
        if answer["success"]:
            self.sessions.add(answer["data"]["sessionId"])

    def crowds(self) -> None:
        """The page's component asks several times at once."""
        caller, price = self.stage.caller(self.user_id), self.random.choice(PRICES)

        def ask(_: int) -> str | None:
            try:
                return checkout.open_session(caller, price).id
            except AppError:
                return None
            except Exception as error:
                if not is_outage(error):
                    raise
                return None

        with ThreadPoolExecutor(3) as pool:
            self.sessions |= {each for each in pool.map(ask, range(3)) if each}

    def pays(self) -> None:
        """One of the sessions that were ever shown, whether it is still open or not."""
        if self.sessions:
            session = self.random.choice(sorted(self.sessions))
            card = self.random.choice(["4242424242424242"] * 3 + ["4000000000000002"])
            with contextlib.suppress(OSError):
                self.stage.pay(session, card)

    def looks(self) -> None:
        self.call("GET", "/subscription/status")

    def manages(self) -> None:
        self.call("POST", "/stripe/portal")

    def quits(self) -> None:
        for each in self.alive():
            self.stripe.subscriptions.cancel(each.id)

    def quits_later(self) -> None:
        for each in self.alive():
            self.stripe.subscriptions.update(each.id, {"cancel_at_period_end": True})

    def switches(self) -> None:
        names = [f"groundwork_{plan}_monthly" for plan in ("starter", "professional")]
        price = self.random.choice(self.stripe.prices.list({"lookup_keys": names}).data)
        for each in self.alive("active"):
            items = [{"id": each["items"].data[0].id, "price": price.id}]
            self.stripe.subscriptions.update(each.id, {"items": items})

    def changes_card(self) -> None:
        for each in self.alive():
            method = self.stripe.payment_methods.attach(
                self.random.choice(CARDS), {"customer": each.customer}
            )
            self.stripe.subscriptions.update(each.id, {"default_payment_method": method.id})

    def pauses(self) -> None:
        behavior = self.random.choice(["void", "keep_as_draft", "mark_uncollectible"])
        for each in self.alive():
            self.stripe.subscriptions.update(each.id, {"pause_collection": {"behavior": behavior}})

    def gets_money_back(self) -> None:
        for customer in self.customers():
            for charge in self.stripe.charges.list({"customer": customer.id}).data[:1]:
                if charge.status == "succeeded" and not charge.refunded:
                    self.stripe.refunds.create({"charge": charge.id})

    def is_deleted(self) -> None:
        if self.random.random() < 0.4:
            for customer in self.customers():
                self.stripe.customers.delete(customer.id)

    def customers(self) -> list[Any]:
        everyone = self.stripe.customers.list({"limit": 100}).data
        return [each for each in everyone if each.metadata.to_dict().get("userId") == self.user_id]

    def subscriptions(self) -> list[Any]:
        """Those of all their customers, ended ones included; a deleted customer has none."""
        found = []
        for customer in self.customers():
            params = {"customer": customer.id, "status": "all", "limit": 100}
            found += self.stripe.subscriptions.list(params).data
        return found

    def alive(self, *statuses: str) -> list[Any]:
        """Asked where no fault strikes."""
        expand = {"expand": ["subscriptions"]}
        customers = [self.stripe.customers.retrieve(each.id, expand) for each in self.customers()]
        live = [each for customer in customers for each in customer.subscriptions.data]
        return [each for each in live if each.status in (statuses or LIVE_STATUSES)]

    def used_customers(self) -> set[str]:
        """Of all their customers those that have, or could still buy, a subscription.

        One that Stripe made before it answered 500 is nobody's, and has nothing.
        """
        opened = {"status": "open"}
        found = {str(each.customer) for each in self.subscriptions()}
        for each in self.customers():
            if self.stripe.checkout.sessions.list({"customer": each.id, **opened}).data:
                found.add(each.id)
        return found

    @property
    def customer_id(self) -> str:
        return str((table().get(accounts.key(self.user_id)) or {}).get("stripeCustomerId"))

    @property
    def stored(self) -> Entitlement | None:
        return Entitlement.from_item(self.user_id, table().get(entitlements.key(self.user_id)))


def truth(person: Person) -> tuple[Any, ...] | None:
    """What Stripe says: subscription, status, amount, begin and end of the period."""
    found = person.subscriptions()
    if not found:
        return None
    best = min(found, key=lambda each: (BEST.index(each.status), -each.created))
    (item,) = best["items"].data
    plan = {2900: "starter", 9900: "professional"}[item.price.unit_amount]
    return best.status, plan, item.current_period_start, item.current_period_end


def told(person: Person) -> tuple[Any, ...] | None:
    """The same, as our table has it."""
    stored = person.stored
    if stored is None:
        return None
    period = (stored.current_period_start, stored.current_period_end)
    begin, end = (int(each.timestamp()) for each in period)
    return stored.stripe_status, stored.plan_id, begin, end


def pass_time(stage: Stage, days: float) -> None:
    moved = local(stage, "/_local/clock", {"by": int(days * DAY)})
    stage.move_clock(moved["offset"])


def reconciled() -> None:
    """A run of the schedule, which may fail while faults are armed."""
    try:
        reconcile.reconcile({}, LambdaContext(remaining_ms=300_000))
    except (RuntimeError, AppError):
        pass
    except Exception as error:
        if not is_outage(error):
            raise

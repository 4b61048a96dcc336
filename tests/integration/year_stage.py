"""A year of one user's subscription, step by step, on a whole stack whose clock is moved."""

from datetime import UTC, datetime
from typing import Any

import requests

from tests.e2e.customer import CARD_ACCEPTED, eventually
from tests.e2e.journey import Journey

VISA, REFUSED = "pm_card_visa", "pm_card_chargeCustomerFail"


def at(moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())


class Year:
    """One user, and the steps of their year; each moves the clock and asks the gate."""

    def __init__(self, endpoints: dict[str, Any]) -> None:
        self.journey = Journey(endpoints)
        self.stripe = self.journey.stripe.v1
        self.id = ""

    def go_to(self, moment: str) -> None:
        """Move the clock; the session of before may have run out, so sign in again."""
        site = self.journey.endpoints["site"]
        moved = requests.post(f"{site}/_local/clock", json={"to": f"{moment}Z"}, timeout=60)
        assert moved.status_code == 200, moved.text
        if self.journey.user_id:
            user = {"sub": self.journey.user_id, "email": self.journey.email, "name": "Ada"}
            self.journey.site.post(f"{site}/_local/session", json=user, timeout=30)

    def gate(self, plan: str | None, status: str) -> None:
        """The gate is open for this plan (None: closed), and the frontend is shown this status."""
        expected = (plan is not None, plan, status)
        seen: list[Any] = [None]

        def agrees() -> bool:
            answer = self.journey.status()
            shown = answer.get("subscription", {})
            active = answer["hasActiveSubscription"]
            seen[0] = (active, shown.get("planId") if active else None, shown.get("status"))
            return bool(seen[0] == expected)

        try:
            eventually(agrees, "the gate does not agree")
        except AssertionError:
            assert seen[0] == expected
        refused = 200 if plan else 403
        self.journey.post("/ai/generate", {"prompt": "Hello"}, expect=refused)

    def subscription(self) -> Any:
        return self.stripe.subscriptions.retrieve(self.id)

    def item(self) -> str:
        return str(self.subscription()["items"].data[0].id)

    def latest(self) -> Any:
        return self.stripe.invoices.retrieve(self.subscription().latest_invoice)

    def card(self, name: str) -> None:
        """The customer's card is another one from now on."""
        customer = self.subscription().customer
        method = self.stripe.payment_methods.attach(name, {"customer": customer})
        self.stripe.subscriptions.update(self.id, {"default_payment_method": method.id})

    # the steps

    def subscribe(self) -> None:
        """Billing's own Checkout Session, but with a trial."""
        self.go_to("2035-01-01T00:00")
        self.journey.sign_up()
        self.journey.sign_in()
        ours = self.stripe.checkout.sessions.retrieve(self.journey.open_checkout()["sessionId"])
        self.stripe.checkout.sessions.expire(ours.id)
        stamp = ours.to_dict()["metadata"]
        prices = self.stripe.prices.list({"lookup_keys": ["groundwork_starter_monthly"]})
        session = self.stripe.checkout.sessions.create(
            {
                "mode": "subscription",
                "ui_mode": "embedded",
                "return_url": str(ours.return_url),
                "customer": str(ours.customer),
                "line_items": [{"price": prices.data[0].id, "quantity": 1}],
                "metadata": stamp,
                "subscription_data": {"metadata": stamp, "trial_end": at("2035-01-15")},
            }
        )
        self.journey.session_id = session.id
        paid = self.journey.card(CARD_ACCEPTED)
        assert paid["status"] == "complete", paid
        self.id = paid["session"]["subscription"]
        self.gate("starter", "active")

    def trial_ends(self) -> None:
        self.go_to("2035-01-12T00:00:01")
        warned = self.stripe.events.list({"type": "customer.subscription.trial_will_end"}).data
        assert [event.data.object["id"] for event in warned] == [self.id]
        assert self.subscription().status == "trialing"
        self.go_to("2035-01-15T02:00")
        assert self.subscription().status == "active"
        self.gate("starter", "active")

    def renewed(self) -> None:
        self.go_to("2035-02-15T00:30")
        assert self.latest().status == "draft"  # for an hour
        self.go_to("2035-02-15T02:00")
        assert self.latest().status == "paid"
        self.gate("starter", "active")

    def upgrades(self) -> None:
        self.go_to("2035-03-01T07:12")
        prices = self.stripe.prices.list({"lookup_keys": ["groundwork_professional_monthly"]})
        self.stripe.subscriptions.update(
            self.id,
            {
                "items": [{"id": self.item(), "price": prices.data[0].id}],
                "proration_behavior": "always_invoice",
                "proration_date": at("2035-03-01T07:12"),
            },
        )
        self.gate("professional", "active")

    def card_refused(self) -> None:
        self.go_to("2035-04-01T00:00")
        self.card(REFUSED)
        self.go_to("2035-04-15T02:00")
        assert self.subscription().status == "past_due"
        open_invoice = self.latest()
        assert (open_invoice.status, open_invoice.attempt_count) == ("open", 1)
        assert open_invoice.next_payment_attempt == at("2035-04-18T01:00")
        self.gate("professional", "past_due")  # Stripe still tries, and the contract lets them in
        self.go_to("2035-04-18T02:00")
        again = self.latest()
        assert (again.id, again.status, again.attempt_count) == (open_invoice.id, "open", 2)
        assert again.next_payment_attempt == at("2035-04-23T01:00")

    def recovers(self) -> None:
        self.go_to("2035-04-20T00:00")
        self.card(VISA)
        self.gate("professional", "past_due")
        self.go_to("2035-04-23T02:00")
        paid = self.latest()
        assert (paid.status, paid.attempt_count) == ("paid", 3)
        assert paid.status_transitions.paid_at == at("2035-04-23T01:00")
        assert self.subscription().status == "active"
        self.gate("professional", "active")

    def turns_yearly(self) -> None:
        self.go_to("2035-06-01T00:00")
        monthly = self.stripe.prices.list({"lookup_keys": ["groundwork_professional_monthly"]})
        yearly = self.stripe.prices.create(
            {
                "product": str(monthly.data[0].product),
                "currency": "usd",
                "unit_amount": 99000,
                "recurring": {"interval": "year"},
                "metadata": monthly.data[0].to_dict()["metadata"],
            }
        )
        items: Any = [{"id": self.item(), "price": yearly.id}]
        self.stripe.subscriptions.update(
            self.id, {"items": items, "proration_date": at("2035-06-01")}
        )
        assert self.latest().status == "paid"
        self.gate("professional", "active")

    def leaves(self) -> None:
        self.go_to("2035-11-01T00:00")
        self.stripe.subscriptions.update(self.id, {"cancel_at_period_end": True})
        self.go_to("2036-05-31T00:00")
        self.gate("professional", "active")
        self.go_to("2036-06-01T00:10")
        assert self.subscription().status == "canceled"
        self.gate(None, "cancelled")

"""What may happen to a subscription."""

from typing import Any

from tests.integration.lives_choices import MONTHLY, OTHER, Choices
from tests.integration.stripe_fixtures import DAY


class PlanSteps(Choices):
    """Subscribing, changing, pausing, cancelling; each step is one that its caller may refuse."""

    def step_subscribe(self) -> None:
        names = self.random.sample(MONTHLY, self.random.randint(1, 3))
        if self.chance(0.25):
            names = [self.random.choice(OTHER)]
        params: dict[str, Any] = {
            "customer": self.customer(),
            "items": [self.item(name) for name in names],
        }
        if self.chance(0.5):
            params["billing_mode"] = {"type": self.random.choice(("classic", "flexible"))}
        if not self.exact and self.chance(0.25):
            params["trial_period_days"] = self.random.choice((1, 5, 40))
            ending = self.random.choice(("cancel", "create_invoice", "pause"))
            params["trial_settings"] = {"end_behavior": {"missing_payment_method": ending}}
        if self.chance(0.3):
            params["discounts"] = self.discounts()
        if self.chance(0.3):
            params["payment_behavior"] = self.random.choice(
                ("default_incomplete", "error_if_incomplete")
            )
        self.subscriptions.append(self.one.subscriptions.create(params).id)  # type: ignore[arg-type]

    def step_checkout(self) -> None:
        params: Any = {
            "mode": "subscription",
            "success_url": "https://example.com",
            "customer": self.customer(),
            "line_items": [self.item(self.random.choice((*MONTHLY, *OTHER)))],
        }
        session = self.one.checkout.sessions.create(params)
        body = {"sessionId": session.id, "authentication": "complete"}
        paid = self.pay(body)
        if made := paid["session"]["subscription"]:
            self.subscriptions.append(made)

    def step_plan(self) -> None:
        subscription = self.subscription()
        item = self.random.choice(subscription["items"].data)
        few = self.chance(0.7) or len(subscription["items"].data) > 1
        wanted = self.item(self.random.choice(MONTHLY if few else OTHER))
        self.update(subscription, items=[{"id": item.id, **wanted}], **self.how())

    def step_quantity(self) -> None:
        subscription = self.subscription()
        item = self.random.choice(subscription["items"].data)
        quantity = self.random.choice((0, 1, 2, 5, 13))
        self.one.subscription_items.update(item.id, {"quantity": quantity, **self.how()})  # type: ignore[typeddict-item]

    def step_items(self) -> None:
        subscription = self.subscription()
        if self.chance(0.5):
            added = self.item(self.random.choice(MONTHLY))
            self.update(subscription, items=[added], **self.how())
        else:
            gone = self.random.choice(subscription["items"].data)
            self.update(subscription, items=[{"id": gone.id, "deleted": True}], **self.how())

    def step_anchor(self) -> None:
        self.update(self.subscription(), billing_cycle_anchor="now", **self.how())

    def step_trial(self) -> None:
        later = self.account.clock.moment + self.random.choice((DAY, 20 * DAY))
        self.update(self.subscription(), trial_end=self.random.choice(("now", later)), **self.how())

    def step_discount(self) -> None:
        found = self.discounts() if self.chance(0.7) else ""
        self.update(self.subscription(), discounts=found)

    def step_pause(self) -> None:
        behavior = self.random.choice(("keep_as_draft", "mark_uncollectible", "void"))
        pause: Any = {"behavior": behavior}
        if self.chance(0.5):
            pause["resumes_at"] = self.account.clock.moment + 20 * DAY
        self.update(self.subscription(), pause_collection="" if self.chance(0.4) else pause)

    def step_resume(self) -> None:
        paused = self.one.subscriptions.list({"status": "paused"}).data
        self.one.subscriptions.resume(self.random.choice(paused).id)

    def step_cancel_later(self) -> None:
        self.update(self.subscription(), cancel_at_period_end=self.chance(0.5))

    def step_cancel(self) -> None:
        params: Any = {"prorate": self.chance(0.5), "invoice_now": self.chance(0.5)}
        found = self.subscription().id
        self.one.subscriptions.cancel(found, params)
        if params["prorate"]:
            self.credited.add(found)

    def step_use(self) -> None:
        payload = {"stripe_customer_id": self.customer(), "value": str(self.random.randint(1, 900))}
        name = f"use-{self.done}-{self.account.clock.moment}"
        self.one.billing.meter_events.create(
            {"event_name": "uses", "payload": payload, "identifier": name}
        )

    def step_backdate(self) -> None:
        subscription = self.subscription()
        item = subscription["items"].data[0]
        moment = self.random.randint(item.current_period_start, self.account.clock.moment)
        change: Any = {"items": [{"id": item.id, "quantity": 4}], "proration_date": moment}
        self.update(subscription, **change)

    def step_item_discount(self) -> None:
        item = self.subscription()["items"].data[0]
        found: Any = {"discounts": self.discounts()}
        self.one.subscription_items.update(item.id, found)

    def step_preview(self) -> None:
        """What the preview of a change says is what the change costs; before, nothing happens."""
        subscription = self.subscription()
        item = self.random.choice(subscription["items"].data)
        changed = {"id": item.id, **self.item(self.random.choice(MONTHLY))}
        change: Any = {"items": [changed], "proration_behavior": "always_invoice"}
        asked: Any = {"subscription": subscription.id, "subscription_details": change}
        before = self.account.dump()
        shown = self.one.invoices.create_preview(asked)
        assert self.account.dump() == before, "a preview has changed something"
        done = self.one.subscriptions.update(subscription.id, change)
        if done.latest_invoice != subscription.latest_invoice:
            made = self.one.invoices.retrieve(str(done.latest_invoice))
            assert [line.amount for line in shown.lines.data] == [
                line.amount for line in made.lines.data
            ], f"{made.id} is not what its preview has shown"
            assert shown.total == made.total, f"the preview of {made.id} has another total"

    def step_metadata(self) -> None:
        keys = {self.random.choice("abc"): self.random.choice(("1", "2", ""))}
        self.update(self.subscription(), metadata=keys if self.chance(0.9) else "")

"""What may happen to invoices and to the money that was paid."""

from typing import Any

from localcloud.stripe import retry_control
from tests.integration.lives_choices import Choices


class MoneySteps(Choices):
    """Invoices and their items by hand, paying, giving up and refunding."""

    def step_item_by_hand(self) -> None:
        params: Any = {"customer": self.customer(), "currency": "usd"}
        params["amount"] = self.random.choice((-900, 1, 250, 4000))
        if self.chance(0.4):
            params["invoice"] = self.invoice("draft").id
        elif self.chance(0.5):
            params["subscription"] = self.subscription().id
        self.one.invoice_items.create(params)

    def step_invoice_by_hand(self) -> None:
        behavior = self.random.choice(("include", "exclude"))
        params: Any = {"customer": self.customer(), "pending_invoice_items_behavior": behavior}
        if self.chance(0.3):
            params.update(collection_method="send_invoice", days_until_due=5)
        else:
            params["auto_advance"] = self.chance(0.7)
        self.one.invoices.create(params)

    def step_finalize(self) -> None:
        self.one.invoices.finalize_invoice(self.invoice("draft").id)

    def step_pay(self) -> None:
        found = self.invoice("open", "uncollectible", "draft")
        params: Any = {"paid_out_of_band": True} if self.chance(0.2) else {}
        self.one.invoices.pay(found.id, params)

    def step_pay_oneself(self) -> None:
        found = self.invoice("open")
        cards = ("4242424242424242", "4000000000009995", "4000002760003184")
        body = {"invoice": found.id, "card": self.random.choice(cards)}
        if self.chance(0.8):
            body["authentication"] = self.random.choice(("complete", "fail"))
        self.pay(body)

    def step_void(self) -> None:
        self.one.invoices.void_invoice(self.invoice("open", "uncollectible").id)

    def step_give_up(self) -> None:
        self.one.invoices.mark_uncollectible(self.invoice("open").id)

    def step_refund(self) -> None:
        found = self.random.choice(self.one.charges.list({"limit": 20}).data)
        part = self.random.choice((None, 1, found.amount // 3))
        self.one.refunds.create({"charge": found.id, **({"amount": part} if part else {})})  # type: ignore[typeddict-item]

    def step_item_changed(self) -> None:
        """Another amount for an item made by hand, or none of it any more."""
        found = self.one.invoice_items.list({"limit": 50}).data
        item = self.random.choice([each for each in found if not each.proration])
        if self.chance(0.5):
            self.one.invoice_items.update(item.id, {"amount": self.random.choice((-300, 77))})
        else:
            self.one.invoice_items.delete(item.id)

    def step_invoice_changed(self) -> None:
        found = self.invoice("draft", "open")
        self.one.invoices.update(found.id, {"auto_advance": self.chance(0.6)})

    def step_invoice_deleted(self) -> None:
        self.one.invoices.delete(self.invoice("draft").id)

    def step_send(self) -> None:
        self.one.invoices.send_invoice(self.invoice("draft", "open").id)

    def step_confirm(self) -> None:
        intents = self.one.payment_intents.list({"limit": 20}).data
        waiting = [each for each in intents if each.status.startswith("requires")]
        more: Any = {"payment_method": self.card()}
        self.one.payment_intents.confirm(self.random.choice(waiting).id, more)

    def step_retries(self) -> None:
        then = self.random.choice(("cancel", "unpaid", "past_due"))
        self.account.http.log.append(f"after all retries: {then}")
        retry_control.change(self.account.server, {"days": [1, 4], "then": then})

    def step_repeated(self) -> None:
        """A request with the key of one before is not done again."""
        params: Any = {"customer": self.customer(), "amount": 9, "currency": "usd"}
        key: Any = {"idempotency_key": f"key-{self.random.random()}"}
        one, other = (self.one.invoice_items.create(params, key) for _ in range(2))
        assert one.id == other.id, "a request was done twice"

    def step_dispute(self) -> None:
        dispute = self.random.choice(self.one.disputes.list({"limit": 20}).data)
        text = self.random.choice(("winning_evidence", "losing_evidence"))
        self.one.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}})

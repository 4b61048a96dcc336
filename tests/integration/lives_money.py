"""What may happen to invoices and to the money that was paid."""

from typing import Any

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

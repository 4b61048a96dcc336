"""What may happen to customers and their cards, and time that passes."""

from typing import Any

from tests.integration.lives_choices import Choices
from tests.integration.stripe_fixtures import DAY, HOUR

MOVES = (60, HOUR, HOUR, 5 * HOUR, DAY, 3 * DAY, 9 * DAY, 17 * DAY, 33 * DAY, 70 * DAY)


class PeopleSteps(Choices):
    """Customers come and go, get cards and credit; the clock moves by minutes or months."""

    def step_time(self) -> None:
        self.account.clock.moment += self.random.choice(MOVES) + self.random.randrange(60)
        self.account.http.log.append(f"the clock moves to {self.account.clock.moment}")
        self.one.customers.list({"limit": 1})

    def step_customer(self) -> None:
        params: Any = {"email": f"{len(self.customers)}@example.com"}
        if self.chance(0.2):
            params["balance"] = self.random.choice((-5000, -20, 30, 1234))
        made = self.one.customers.create(params)
        self.customers.append(made.id)
        if self.chance(0.9):
            self._give_card(made.id)

    def _give_card(self, customer: str) -> None:
        method = self.one.payment_methods.attach(self.card(), {"customer": customer})
        settings: Any = {"default_payment_method": method.id}
        self.one.customers.update(customer, {"invoice_settings": settings})

    def step_card(self) -> None:
        self._give_card(self.customer())

    def step_card_of_subscription(self) -> None:
        subscription = self.subscription()
        found = self.one.payment_methods.attach(self.card(), {"customer": subscription.customer})
        self.update(subscription, default_payment_method=found.id)

    def step_card_gone(self) -> None:
        found = self.one.payment_methods.list({"customer": self.customer()}).data
        self.one.payment_methods.detach(self.random.choice(found).id)

    def step_balance(self) -> None:
        amount = self.random.choice((-4000, -1, 60, 700))
        if self.chance(0.5):
            more: Any = {"amount": amount, "currency": "usd"}
            self.one.customers.balance_transactions.create(self.customer(), more)
        else:
            self.one.customers.update(self.customer(), {"balance": amount})

    def step_customer_gone(self) -> None:
        gone = self.customer()
        self.one.customers.delete(gone)
        self.gone.add(gone)

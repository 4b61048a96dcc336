"""What the random lives choose from: customers, cards, prices, and how a change is billed."""

import random
from typing import Any

from localcloud.stripe import control
from tests.integration.lives_account import METERED, LivesAccount

CARDS = {
    "pm_card_visa": 12,
    "pm_card_chargeCustomerFail": 3,
    "pm_card_authenticationRequired": 2,
    "pm_card_authenticationRequiredOnSetup": 2,
    "pm_card_createDispute": 1,
    "pm_card_createDisputeInquiry": 1,
}
MONTHLY = ("starter", "team", "free", "fractions", "tiers", "packages", "used")
OTHER = ("yearly", "weekly", "quarterly")
BEHAVIORS = ("create_prorations", "always_invoice", "none")


class Choices:
    """Who and what there is to choose from.

    With `exact` nothing is free or unprorated, and what is reduced is always at half its price.
    """

    def __init__(self, account: LivesAccount, seed: int, *, exact: bool = False) -> None:
        self.account, self.one = account, account.client.v1
        self.random, self.exact = random.Random(seed), exact
        self.customers: list[str] = []
        self.gone: set[str] = set()
        self.credited: set[str] = set()
        self.subscriptions: list[str] = []
        self.refused = self.done = 0
        half: Any = {"percent_off": 50, "duration": "repeating", "duration_in_months": 2}
        five: Any = {"amount_off": 500, "currency": "usd", "duration": "once"}
        self.coupons = [self.one.coupons.create(each).id for each in (half, five)]
        code: Any = {"coupon": self.one.coupons.create({"percent_off": 33.3}).id}
        always: Any = {"percent_off": 50, "duration": "forever"}
        self.lasting = self.one.coupons.create(always).id
        self.code = self.one.promotion_codes.create(code).id

    def chance(self, of: float) -> bool:
        return self.random.random() < of

    def customer(self) -> str:
        """One that lives, but sometimes anyone."""
        alive = [each for each in self.customers if each not in self.gone]
        return self.random.choice(self.customers if self.chance(0.03) else alive)

    def subscription(self) -> Any:
        """One that runs, but sometimes any."""
        if self.chance(0.03):
            return self.one.subscriptions.retrieve(self.random.choice(self.subscriptions))
        return self.random.choice(self.one.subscriptions.list({"limit": 100}).data)

    def invoice(self, *statuses: str) -> Any:
        found = []
        for status in statuses:
            found += self.one.invoices.list({"status": status, "limit": 20}).data  # type: ignore[typeddict-item]
        return self.random.choice(found)

    def card(self) -> str:
        (name,) = self.random.choices(list(CARDS), list(CARDS.values()))
        return name

    def item(self, price: str) -> dict[str, Any]:
        made: dict[str, Any] = {"price": self.account.prices[price]}
        if price not in METERED:
            made["quantity"] = self.random.choice((1, 1, 1, 2, 3, 7))
        return made

    def discounts(self) -> list[dict[str, str]]:
        if self.exact:
            return [{"coupon": self.lasting}]
        coupon = {"coupon": self.random.choice(self.coupons)}
        return [self.random.choice((coupon, {"promotion_code": self.code}))]

    def how(self) -> dict[str, Any]:
        """How a change is billed and paid."""
        known = BEHAVIORS[:2] if self.exact else BEHAVIORS
        found: dict[str, Any] = {"proration_behavior": self.random.choice(known)}
        if self.chance(0.3):
            kinds = ["allow_incomplete", "default_incomplete", "error_if_incomplete"]
            kinds += [] if self.exact else ["pending_if_incomplete"]
            found["payment_behavior"] = self.random.choice(kinds)
        return found

    def pay(self, body: dict[str, str]) -> Any:
        """Pay as on a page."""
        http = self.account.http
        http.log.append(f"pay {body}")
        return http.account_answers(lambda: control.pay(self.account.server, body))

    def update(self, subscription: Any, **params: Any) -> None:
        self.one.subscriptions.update(subscription.id, params)  # type: ignore[arg-type]

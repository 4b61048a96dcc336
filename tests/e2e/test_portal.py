"""The customer portal in headless Chromium: what a subscriber does there, at two widths."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browsing import DESKTOP, PHONE, Watch
from tests.e2e.customer import CARD_DECLINED
from tests.integration.portal_visitor import switching
from tests.integration.stripe_fixtures import LocalStripe, local

__all__ = ["local"]
AUTHENTICATES = "4000 0025 0000 3155"
EVERYTHING: dict[str, Any] = {
    "customer_update": {"enabled": True, "allowed_updates": ["name", "email", "address"]},
    "invoice_history": {"enabled": True},
    "subscription_cancel": {
        "enabled": True,
        "cancellation_reason": {"enabled": True, "options": ["too_expensive", "other"]},
    },
}


class Subscriber:
    """Somebody in front of the portal, who looks at every page."""

    def __init__(self, page: Page, local: LocalStripe) -> None:
        self.page = page
        self.local = local
        client = local.client()
        customer, subscription = local.subscriber()
        self.customer, self.subscription = str(customer.id), str(subscription.id)
        features: Any = {**switching(local), **EVERYTHING}
        made = client.v1.billing_portal.configurations.create({"features": features})
        session = client.v1.billing_portal.sessions.create(
            {
                "customer": customer.id,
                "configuration": made.id,
                "return_url": f"{local.url}/_health",
            }
        )
        page.goto(session.url)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()
        self._looks_right()

    def follow(self, name: str) -> None:
        self.page.get_by_role("link", name=name).first.click()
        self._looks_right()

    def sees(self, text: str) -> None:
        expect(self.page.locator("main")).to_contain_text(text)

    def _looks_right(self) -> None:
        size = self.page.viewport_size
        assert size is not None
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{self.page.url} scrolls sideways"

    def type_card(self, number: str) -> None:
        self.page.get_by_label("Card number").press_sequentially(number.replace(" ", ""))
        expect(self.page.get_by_label("Card number")).to_have_value(number)
        self.page.get_by_label("Expiry").press_sequentially("1240")
        expect(self.page.get_by_label("Expiry")).to_have_value("12 / 40")
        self.page.get_by_label("CVC").fill("123")
        self.page.get_by_label("Name on card").fill("Ada Lovelace")
        self.press("Save card")

    def adds_cards(self) -> None:
        self.follow("Add card")
        self.type_card(CARD_DECLINED)
        expect(self.page.get_by_role("alert")).to_have_text("Your card was declined.")
        self.type_card(AUTHENTICATES)
        self.press("Complete authentication")
        expect(self.page.get_by_role("status")).to_contain_text("has been added")
        self.follow("Change card")
        self.press("Use this card")
        self.sees("Visa ending in 3155 · Change card")
        self.press("Remove")
        expect(self.page.get_by_role("status")).to_contain_text("has been removed")

    def changes_the_plan(self) -> None:
        self.press("Change plan")
        plan = self.page.get_by_role("form").filter(has_text="Professional")
        plan.get_by_role("button", name="Select").click()
        self._looks_right()
        expect(self.page.get_by_test_id("due")).to_have_text("$70.00")
        self.press("Confirm")
        self.press("Complete authentication")
        expect(self.page.get_by_role("status")).to_contain_text("has been updated")
        self.sees("$99.00 per month")

    def updates_the_address(self) -> None:
        self.follow("Update")
        self.page.get_by_label("City").fill("Bern")
        self.press("Save")
        self.sees("Bern")

    def reads_an_invoice(self) -> None:
        self.page.get_by_role("table").get_by_role("link").first.click()
        self._looks_right()
        self.sees("Amount paid")
        self.follow("Back to billing")

    def cancels_and_stays(self) -> None:
        self.press("Cancel plan")
        self.page.get_by_label("It is too expensive").check()
        self.press("Confirm cancellation")
        self.sees("Cancels on")
        self.press("Don't cancel plan")
        expect(self.page.get_by_role("status")).to_contain_text("will not be canceled")

    def returns(self) -> None:
        self.page.get_by_role("link", name="Return to site").click()
        self.page.wait_for_url("**/_health")


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    opened = browser.new_page(viewport=request.param)
    yield opened
    opened.close()


@pytest.mark.parametrize("page", [DESKTOP, PHONE], ids=["desktop", "phone"], indirect=True)
def test_a_subscriber_does_everything_alone(local: LocalStripe, page: Page) -> None:
    watch = Watch(page)
    person = Subscriber(page, local)
    person.adds_cards()
    person.changes_the_plan()
    person.updates_the_address()
    person.reads_an_invoice()
    person.cancels_and_stays()
    person.returns()
    watch.assert_clean()
    client = local.client()
    after = client.v1.subscriptions.retrieve(person.subscription)
    assert (after.status, after.cancel_at) == ("active", None)
    [card] = client.v1.customers.payment_methods.list(person.customer).data
    assert after.default_payment_method == card.id
    assert client.v1.customers.retrieve(person.customer).address is not None

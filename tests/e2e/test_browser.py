"""The journey in headless Chromium through the built-in page, as a person would go."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from localcloud.session import V4_COOKIE
from tests.e2e.browsing import DESKTOP, PATIENCE, PHONE, Visitor, Watch
from tests.e2e.customer import CARD_ACCEPTED, PASSWORD


class Person(Visitor):
    """Somebody in front of the built-in page."""

    def sign_up_and_in(self) -> None:
        page = self.page
        page.goto(self.endpoints["site"])
        page.get_by_label("E-mail").first.fill(self.email)
        page.get_by_label("Password").first.fill(PASSWORD)
        page.get_by_role("button", name="Sign up").click()
        page.get_by_label("Code").fill(self.mailed_code())
        page.get_by_role("button", name="Confirm").click()
        # The page may sign in by itself after the confirmation, or ask for it.
        status = page.get_by_test_id("subscription-status")
        sign_in = page.get_by_role("button", name="Sign in", exact=True)
        expect(status.or_(sign_in).first).to_be_visible()
        if not status.is_visible():
            page.get_by_label("E-mail").first.fill(self.email)
            page.get_by_label("Password").first.fill(PASSWORD)
            page.get_by_label("Password").first.press("Enter")
        expect(status).to_have_text("inactive", ignore_case=True)

    def subscribe(self) -> None:
        """A declined card first, then one that pays."""
        page = self.page
        page.get_by_role("button", name="Subscribe to Starter").click()
        self.use_a_card_that_is_declined()
        self.use_card(CARD_ACCEPTED)
        page.wait_for_url("**/dashboard?session_id=cs_*")
        expect(page.get_by_test_id("subscription-status")).to_have_text("active", ignore_case=True)

    def chat(self) -> None:
        page = self.page
        page.get_by_role("textbox", name="prompt").fill("Why is the sky blue?")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_test_id("answer").last).not_to_be_empty()
        expect(page.get_by_test_id("usage-calls")).to_contain_text("1")

    def cancel(self) -> None:
        self.cancel_in_the_portal()
        self.see_the_cancellation(self.page.get_by_test_id("subscription-status"))
        expect(self.page.get_by_role("button", name="Subscribe to Starter")).to_be_visible()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_journey_in_a_browser(
    browser: Browser, endpoints: dict[str, Any], viewport: dict[str, int], tmp_path: Path
) -> None:
    page = browser.new_page(viewport=viewport)  # type: ignore[arg-type]
    page.set_default_timeout(PATIENCE)
    watch = Watch(page)
    person = Person(page, endpoints)
    try:
        for step in (person.sign_up_and_in, person.subscribe, person.chat, person.cancel):
            step()
    except Exception:
        page.screenshot(path=str(tmp_path / "failed.png"), full_page=True)
        raise
    watch.assert_clean()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= viewport["width"], "the page scrolls sideways"
    page.close()


def test_a_session_that_has_ended_says_so(browser: Browser, endpoints: dict[str, Any]) -> None:
    context = browser.new_context()
    site = endpoints["site"]
    context.add_cookies([{"name": V4_COOKIE, "value": "old", "url": site}])
    page = context.new_page()
    page.goto(site)
    expect(page.get_by_text("Your session has ended: sign in again.")).to_be_visible()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    expect(page.get_by_text("Confirmed.")).to_be_hidden()
    for action in ("Sign in", "Sign up"):
        expect(page.get_by_role("button", name=action)).to_be_visible()
    context.clear_cookies()
    page.goto(site)
    expect(page.get_by_role("button", name="Sign up")).to_be_visible()
    expect(page.get_by_text("Your session has ended")).to_be_hidden()
    context.close()


def test_a_backend_that_fails_is_asked_again_by_a_button(
    browser: Browser, endpoints: dict[str, Any]
) -> None:
    site = endpoints["site"]
    page = browser.new_page()
    person = {"sub": "user-who-waits", "email": "wait@example.com", "name": "Wait"}
    assert page.request.post(f"{site}/_local/session", data=person).ok
    page.route("**/backend/plans", lambda route: route.fulfill(status=503, json={"message": "No"}))
    page.goto(site)
    expect(page.get_by_role("alert")).to_have_text("No")
    expect(page.get_by_text("The backend did not say.")).to_be_visible()
    page.unroute("**/backend/plans")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("button", name="Subscribe to Starter")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
    page.close()

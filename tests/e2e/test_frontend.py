"""The paid journey in headless Chromium through a Next.js app behind the gateway.

The app (`tests/e2e/frontend`) is written as a customer's would be: NextAuth v4, unmodified
@stripe/stripe-js and @stripe/react-stripe-js, types generated from `docs/openapi.json`.
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from localcloud.process import free_ports
from localcloud.stack import Stack
from tests.e2e import frontend_app
from tests.e2e.test_browser import DESKTOP, FLAGS, PASSWORD, PHONE, Watch

# Installing and building the app, when it changed, is part of the first test.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def built() -> dict[str, float]:
    """The app, built; without Node the tests are skipped, which CI does not accept."""
    if reason := frontend_app.missing():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return frontend_app.build()


@pytest.fixture(scope="module")
def endpoints(
    built: dict[str, float], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """A stack of its own with the app as its frontend."""
    (port,) = free_ports(1)
    folder = tmp_path_factory.mktemp("frontend")
    with Stack(port=0, state_dir=folder, frontend_url=f"http://127.0.0.1:{port}") as stack:
        found = stack.endpoints()
        environment = {
            "NEXTAUTH_URL": found["site"],
            "NEXTAUTH_SECRET": found["nextauthSecret"],
            "COGNITO_URL": found["aws"],
            "COGNITO_CLIENT_ID": found["userPoolClientId"],
        }
        with frontend_app.serving(port, environment):
            yield found


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        yield launched
        launched.close()


class Calls:
    """What the page asked the API for."""

    def __init__(self, page: Page) -> None:
        self.seen: list[Request] = []
        page.on("request", self._request)

    def of(self, method: str, path: str) -> list[Request]:
        return [
            call
            for call in self.seen
            if call.method == method and urlsplit(call.url).path == f"/backend{path}"
        ]

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).path.startswith("/backend/"):
            self.seen.append(request)


class Person:
    """Somebody in front of the app."""

    def __init__(self, page: Page, endpoints: dict[str, Any]) -> None:
        self.page = page
        self.endpoints = endpoints
        self.calls = Calls(page)
        self.email = f"hedy-{uuid.uuid4().hex[:8]}@example.com"

    def sign_up_and_in(self) -> None:
        page = self.page
        page.goto(self.endpoints["site"])
        page.get_by_label("E-mail").fill(self.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign up").click()
        page.get_by_label("Code").fill(self._mailed_code())
        page.get_by_role("button", name="Confirm").click()
        page.get_by_label("Password").fill("Wrong-horse-7")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert").first).to_contain_text("Wrong e-mail address or password")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/dashboard")
        expect(page.get_by_test_id("who")).to_have_text(self.email)

    def find_the_gate_closed(self) -> None:
        expect(self.page.get_by_test_id("status")).to_have_text("inactive")
        expect(self._checkout().get_by_label("Card number")).to_be_visible()
        expect(self.page.get_by_label("Prompt")).to_have_count(0)
        opened = self.calls.of("POST", "/stripe/checkout")
        assert len(opened) >= 5, "the checkout was not mounted anew while it loaded"
        answers = [call.response().json()["data"] for call in opened]  # type: ignore[union-attr]
        assert len({answer["sessionId"] for answer in answers}) == 1
        assert len(self.calls.of("GET", "/subscription/status")) == 1

    def hide_and_show_the_checkout(self) -> None:
        """Destroys the one embedded Checkout and makes another."""
        self.page.get_by_role("button", name="Hide checkout").click()
        expect(self.page.locator("iframe")).to_have_count(0)
        self.page.get_by_role("button", name="Show checkout").click()
        expect(self._checkout().get_by_label("Card number")).to_be_visible()
        expect(self.page.locator("iframe")).to_have_count(1)

    def pay(self) -> None:
        checkout = self._checkout()
        self._card("4000 0000 0000 0002")
        expect(checkout.get_by_role("alert")).to_contain_text("declined")
        inner = checkout.locator("html").evaluate("html => html.offsetHeight")
        outer = self.page.locator("iframe").evaluate("frame => frame.clientHeight")
        assert abs(outer - inner) <= 2, "the frame does not follow the height of its page"
        before = len(self.calls.of("GET", "/subscription/status"))
        self._card("4242 4242 4242 4242")
        self.page.wait_for_url("**/dashboard?session_id=cs_*")
        expect(self.page.get_by_test_id("status")).to_have_text("active")
        assert len(self.calls.of("GET", "/subscription/status")) == before + 1

    def chat(self) -> None:
        self.page.get_by_label("Prompt").fill("Why is the sky blue?")
        self.page.get_by_role("button", name="Send").click()
        expect(self.page.get_by_test_id("answer")).not_to_be_empty()
        expect(self.page.get_by_test_id("tokens")).to_contain_text("tokens")

    def cancel(self) -> None:
        page = self.page
        page.get_by_role("button", name="Manage subscription").click()
        page.get_by_role("button", name="Cancel plan").click()
        page.get_by_label("Immediately").check()
        page.get_by_role("button", name="Confirm cancellation").click()
        page.get_by_role("link", name="Return to site").first.click()
        page.get_by_role("link", name="Your dashboard").click()
        status = page.get_by_test_id("status")
        for _ in range(20):
            # The page asks once per load; the webhook may arrive after that.
            expect(status).not_to_be_empty()
            if status.inner_text() == "cancelled":
                break
            page.wait_for_timeout(250)
            page.reload()
        expect(status).to_have_text("cancelled")
        expect(self._checkout().get_by_label("Card number")).to_be_visible()
        expect(page.get_by_label("Prompt")).to_have_count(0)

    def _checkout(self) -> Any:
        return self.page.frame_locator("iframe")

    def _card(self, number: str) -> None:
        checkout = self._checkout()
        checkout.get_by_label("Card number").fill(number)
        checkout.get_by_label("Expiry").fill("12 / 34")
        checkout.get_by_label("CVC").fill("123")
        checkout.get_by_label("Name on card").fill("Hedy Lamarr")
        checkout.get_by_role("button", name="Subscribe").click()

    def _mailed_code(self) -> str:
        expect(self.page.get_by_label("Code")).to_be_visible()
        mails = requests.get(f"{self.endpoints['site']}/_local/mail", timeout=10).json()
        return str(next(mail["code"] for mail in mails if self.email in str(mail["to"])))


def test_the_generated_types_compile(built: dict[str, float]) -> None:
    assert frontend_app.compile_types() == ""


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_journey_through_a_frontend(
    browser: Browser, endpoints: dict[str, Any], viewport: dict[str, int], tmp_path: Path
) -> None:
    page = browser.new_page(viewport=viewport)  # type: ignore[arg-type]
    page.set_default_timeout(20_000)
    watch, warnings = Watch(page), list[str]()
    page.on("console", lambda said: said.type == "warning" and warnings.append(said.text))
    person = Person(page, endpoints)
    steps = (
        person.sign_up_and_in,
        person.find_the_gate_closed,
        person.hide_and_show_the_checkout,
        person.pay,
        person.chat,
        person.cancel,
    )
    try:
        for step in steps:
            step()
    except Exception:
        page.screenshot(path=str(tmp_path / "failed.png"), full_page=True)
        raise
    watch.assert_clean()
    assert [text for text in warnings if "Stripe" in text] == []
    for call in person.calls.seen:
        headers = call.all_headers()
        assert "authorization" not in headers
        assert headers["content-type"] == "application/json"
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= viewport["width"], "the page scrolls sideways"
    page.close()

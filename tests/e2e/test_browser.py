"""The journey in headless Chromium through the built-in page, as a person would go."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "Correct-horse-7"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
# Cold functions on a busy machine answer late; a broken page never does.
expect.set_options(timeout=20_000)
# The page asks for things that are refused on purpose; the browser then logs the status.
REFUSALS = ("status of 401", "status of 402", "status of 403", "status of 404", "status of 429")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        yield launched
        launched.close()


class Watch:
    """What a page did wrong: console errors, failed requests, requests that left the machine."""

    def __init__(self, page: Page) -> None:
        self.errors: list[str] = []
        self.failed: list[str] = []
        self.outside: list[str] = []
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("requestfailed", self._failed)
        page.on("request", self._request)

    def _console(self, kind: str, text: str) -> None:
        if kind == "error" and not any(refusal in text for refusal in REFUSALS):
            self.errors.append(text)

    def _failed(self, request: Request) -> None:
        # A navigation abandons what the old page was still loading.
        if request.failure and "ERR_ABORTED" not in request.failure:
            self.failed.append(f"{request.url}: {request.failure}")

    def _request(self, request: Request) -> None:
        host = urlsplit(request.url).hostname
        if host not in ("localhost", "127.0.0.1", None):
            self.outside.append(request.url)

    def assert_clean(self) -> None:
        assert self.errors == []
        assert self.failed == []
        assert self.outside == []


class Person:
    """Somebody in front of the page."""

    def __init__(self, page: Page, endpoints: dict[str, Any], email: str = "") -> None:
        self.page = page
        self.endpoints = endpoints
        self.email = email or f"grace-{uuid.uuid4().hex[:8]}@example.com"

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
            sign_in.click()
        expect(status).to_have_text("inactive", ignore_case=True)

    def mailed_code(self) -> str:
        expect(self.page.get_by_label("Code")).to_be_visible()
        mails = requests.get(f"{self.endpoints['site']}/_local/mail", timeout=10).json()
        return str(next(mail["code"] for mail in mails if self.email in str(mail["to"])))

    def subscribe(self) -> None:
        """A declined card first, then one that pays."""
        page = self.page
        page.get_by_role("button", name="Subscribe to Starter").click()
        checkout = page.frame_locator("iframe")
        self._card(checkout, "4000 0000 0000 0002")
        expect(checkout.get_by_role("alert")).to_contain_text("declined")
        self._card(checkout, "4242 4242 4242 4242")
        page.wait_for_url("**/dashboard?session_id=cs_*")
        expect(page.get_by_test_id("subscription-status")).to_have_text("active", ignore_case=True)

    def _card(self, checkout: Any, number: str) -> None:
        checkout.get_by_label("Card number").fill(number)
        checkout.get_by_label("Expiry").fill("12 / 34")
        checkout.get_by_label("CVC").fill("123")
        checkout.get_by_label("Name on card").fill("Grace Hopper")
        checkout.get_by_role("button", name="Subscribe").click()

    def chat(self) -> None:
        page = self.page
        page.get_by_role("textbox", name="prompt").fill("Why is the sky blue?")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_test_id("answer").last).not_to_be_empty()
        expect(page.get_by_test_id("usage-calls")).to_contain_text("1")

    def cancel(self) -> None:
        page = self.page
        page.get_by_role("button", name="Manage subscription").click()
        page.get_by_role("button", name="Cancel plan").or_(
            page.get_by_role("link", name="Cancel plan")
        ).first.click()
        page.get_by_label("Immediately").check()
        page.get_by_role("button", name="Confirm cancellation").click()
        page.get_by_role("link", name="Return to site").first.click()
        status = page.get_by_test_id("subscription-status")
        for _ in range(20):
            # The page asks once per load; the webhook may arrive after that.
            expect(status).not_to_be_empty()
            if status.inner_text() == "cancelled":
                break
            page.wait_for_timeout(250)
            page.reload()
        expect(status).to_have_text("cancelled")
        expect(page.get_by_role("button", name="Subscribe to Starter")).to_be_visible()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_journey_in_a_browser(
    browser: Browser, endpoints: dict[str, Any], viewport: dict[str, int], tmp_path: Path
) -> None:
    page = browser.new_page(viewport=viewport)  # type: ignore[arg-type]
    page.set_default_timeout(20_000)
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

"""What all browser tests share: how Chromium is started, who watches a page, who sits before it."""

import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from playwright.sync_api import (
    Browser,
    FrameLocator,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)
from stripe import StripeClient

from saas.stripe_contract import API_VERSION
from tests.e2e.customer import CARD_DECLINED

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_CHROMIUM = (
    "no Chromium found: install it (Debian: `apt-get install chromium`), "
    "or set CHROMIUM to the path of a Chromium or Chrome, to run the browser tests"
)
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
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)
# A page asks for things that are refused on purpose; the browser then logs the status.
REFUSALS = ("status of 401", "status of 402", "status of 403", "status of 404", "status of 429")


def chromium_path() -> str:
    """The Chromium to use: CHROMIUM, or one on the path; empty if there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), "")


@contextmanager
def chromium_at(path: str, flags: Sequence[str] = ()) -> Iterator[Browser]:
    """A headless Chromium that asks nobody outside for anything."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path, headless=True, args=[*FLAGS, *flags]
        )
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


class Visitor:
    """Somebody in front of a page, new unless an address is given."""

    name = "Grace Hopper"

    def __init__(self, page: Page, endpoints: dict[str, Any], email: str = "") -> None:
        self.page = page
        self.endpoints = endpoints
        first = self.name.split()[0].lower()
        self.email = email or f"{first}-{uuid.uuid4().hex[:8]}@example.com"

    @property
    def checkout(self) -> FrameLocator:
        """Stripe's form, embedded in the page."""
        return self.page.frame_locator("iframe")

    def mailed_code(self) -> str:
        expect(self.page.get_by_label("Code")).to_be_visible()
        mails = requests.get(f"{self.endpoints['site']}/_local/mail", timeout=10).json()
        return str(next(mail["code"] for mail in mails if self.email in str(mail["to"])))

    def use_card(self, number: str) -> None:
        self.checkout.get_by_label("Card number").fill(number)
        self.checkout.get_by_label("Expiry").fill("12 / 34")
        self.checkout.get_by_label("CVC").fill("123")
        self.checkout.get_by_label("Name on card").fill(self.name)
        self.checkout.get_by_role("button", name="Subscribe").click()

    def use_a_card_that_is_declined(self) -> None:
        self.use_card(CARD_DECLINED)
        expect(self.checkout.get_by_role("alert")).to_contain_text("declined")

    def cancel_in_the_portal(self) -> None:
        """From the page's button to the link that leads back to the site."""
        page = self.page
        self._let_cancellations_be_immediate()
        page.get_by_role("button", name="Manage subscription").click()
        page.get_by_role("link", name="Cancel plan").or_(
            page.get_by_role("button", name="Cancel plan")
        ).first.click()
        page.get_by_role("button", name="Confirm cancellation").click()
        page.get_by_role("link", name="Return to site").first.click()

    def _let_cancellations_be_immediate(self) -> None:
        """The portal's configuration says when a plan ends, not the customer."""
        stripe = StripeClient(
            self.endpoints["stripeSecretKey"],
            stripe_version=API_VERSION,
            base_addresses={"api": self.endpoints["stripe"]},
        )
        portals = stripe.v1.billing_portal.configurations
        [default] = portals.list({"is_default": True}).data
        now: Any = {"subscription_cancel": {"enabled": True, "mode": "immediately"}}
        portals.update(default.id, {"features": now})

    def see_the_cancellation(self, status: Locator) -> None:
        """The page asks once per load; the webhook may arrive after that."""
        for _ in range(20):
            expect(status).not_to_be_empty()
            if status.inner_text() == "cancelled":
                break
            self.page.wait_for_timeout(250)
            self.page.reload()
        expect(status).to_have_text("cancelled")

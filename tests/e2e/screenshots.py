"""Takes the pictures of the documentation: the journey and the console, in headless Chromium.

`.venv/bin/python -m tests.e2e.screenshots` starts a stack, walks through it and writes docs/images.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from localcloud.config import ROOT
from localcloud.stack import Stack
from tests.e2e.browsing import NO_CHROMIUM, PATIENCE, chromium_at, chromium_path
from tests.e2e.test_browser import Person

TARGET = ROOT / "docs" / "images"
SIZE = {"width": 1180, "height": 760}
TALL = {"width": 1180, "height": 1340}
PHONE = {"width": 390, "height": 760}
CONSOLE = ("events", "calls", "users", "logs", "switches")


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(port=0, state_dir=Path(folder)) as stack,
        chromium_at(chromium_path() or sys.exit(NO_CHROMIUM)) as browser,
    ):
        _journey(_page(browser), stack.endpoints())
        _console(browser, stack.endpoints())


def _page(browser: Browser, size: dict[str, int] = SIZE, scheme: Any = "light") -> Page:
    page = browser.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page.set_default_timeout(PATIENCE)
    return page


def _journey(page: Page, endpoints: dict[str, Any]) -> None:
    person = Person(page, endpoints, email="grace@example.com")
    page.goto(endpoints["site"])
    expect(page.get_by_role("button", name="Sign up")).to_be_visible()
    _take(page, "sign-up")
    person.sign_up_and_in()
    page.get_by_role("button", name="Subscribe to Starter").click()
    expect(page.frame_locator("iframe").get_by_label("Card number")).to_be_visible()
    _take(page, "checkout")
    page.get_by_role("button", name="Back").click()
    person.subscribe()
    person.chat()
    _take(page, "dashboard")
    page.get_by_role("button", name="Manage subscription").click()
    expect(page.get_by_role("heading", name="Invoice history")).to_be_visible()
    _take(page, "portal")


def _console(browser: Browser, endpoints: dict[str, Any]) -> None:
    """The overview, the events on a dark phone, and a page of each other kind."""
    site = endpoints["site"]
    page = _page(browser, PHONE, "dark")
    page.goto(f"{site}/_local/events")
    _take(page, "console-phone")
    page.close()
    page = _page(browser)
    page.goto(f"{site}/_local/")
    _take(page, "console")
    for name in CONSOLE:
        page.goto(f"{site}/_local/{name}")
        if name == "users":
            page.get_by_role("link").filter(has_text="grace@example.com").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("grace@example.com")
        if name == "switches":
            page.set_viewport_size(TALL)
            page.get_by_role("button", name="Arm Webhooks: Twice").click()
            expect(page.get_by_text("Armed for one event of Webhooks: twice.")).to_be_visible()
        _take(page, f"console-{name}")
    page.close()


def _take(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=str(TARGET / f"{name}.png"))


if __name__ == "__main__":
    main()

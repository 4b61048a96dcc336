"""The paid journey in headless Chromium through a Next.js app behind the gateway.

The app (`tests/e2e/frontend`) is written as a customer's would be: NextAuth v4, unmodified
@stripe/stripe-js and @stripe/react-stripe-js, types generated from `docs/openapi.json`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from localcloud.process import free_ports
from localcloud.stack import Stack
from tests.e2e import frontend_app
from tests.e2e.browsing import DESKTOP, PATIENCE, PHONE, Visitor, Watch
from tests.e2e.customer import CARD_ACCEPTED, PASSWORD

# Installing and building the app, when it changed, is part of the first test.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def built() -> dict[str, float]:
    """The app, built; without Node the tests are skipped."""
    if reason := frontend_app.missing():
        pytest.skip(reason)
    return frontend_app.build()


@contextmanager
def stack_before(
    folder: Path, served: Callable[[int, dict[str, str]], AbstractContextManager[int]]
) -> Iterator[dict[str, Any]]:
    """A stack of its own with the app as its frontend, which `served` serves on a port."""
    (port,) = free_ports(1)
    with Stack(port=0, state_dir=folder, frontend_url=f"http://127.0.0.1:{port}") as stack:
        found = stack.endpoints()
        environment = {
            "NEXTAUTH_URL": found["site"],
            "NEXTAUTH_SECRET": found["nextauthSecret"],
            "COGNITO_URL": found["aws"],
            "COGNITO_CLIENT_ID": found["userPoolClientId"],
        }
        with served(port, environment):
            yield found


@pytest.fixture(scope="module")
def endpoints(
    built: dict[str, float], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    with stack_before(tmp_path_factory.mktemp("frontend"), frontend_app.serving) as found:
        yield found


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


class Person(Visitor):
    """Somebody in front of the app."""

    name = "Hedy Lamarr"

    def __init__(self, page: Page, endpoints: dict[str, Any]) -> None:
        super().__init__(page, endpoints)
        self.calls = Calls(page)

    def sign_up_and_in(self) -> None:
        page = self.page
        page.goto(self.endpoints["site"])
        page.get_by_label("E-mail").fill(self.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign up").click()
        page.get_by_label("Code").fill(self.mailed_code())
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
        expect(self.checkout.get_by_label("Card number")).to_be_visible()
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
        expect(self.checkout.get_by_label("Card number")).to_be_visible()
        expect(self.page.locator("iframe")).to_have_count(1)

    def load_stripe_when_asked(self) -> None:
        """The loader that does nothing before it is called finds the local Stripe.js, too."""
        page = self.page
        page.goto(f"{self.endpoints['site']}/late")
        page.get_by_role("button", name="Pay").click()
        expect(self.checkout.get_by_label("Card number")).to_be_visible()
        assert page.locator("script[src*='js.stripe.com']").count() == 0
        page.goto(f"{self.endpoints['site']}/dashboard")
        expect(self.checkout.get_by_label("Card number")).to_be_visible()

    def pay(self) -> None:
        self.use_a_card_that_is_declined()
        inner = self.checkout.locator("html").evaluate("html => html.offsetHeight")
        outer = self.page.locator("iframe").evaluate("frame => frame.clientHeight")
        assert abs(outer - inner) <= 2, "the frame does not follow the height of its page"
        before = len(self.calls.of("GET", "/subscription/status"))
        self.use_card(CARD_ACCEPTED)
        self.page.wait_for_url("**/dashboard?session_id=cs_*")
        expect(self.page.get_by_test_id("status")).to_have_text("active")
        assert len(self.calls.of("GET", "/subscription/status")) == before + 1

    def chat(self) -> None:
        self.page.get_by_label("Prompt").fill("Why is the sky blue?")
        self.page.get_by_role("button", name="Send").click()
        expect(self.page.get_by_test_id("answer")).not_to_be_empty()
        expect(self.page.get_by_test_id("tokens")).to_contain_text("tokens")

    def cancel(self) -> None:
        self.cancel_in_the_portal()
        self.page.get_by_role("link", name="Your dashboard").click()
        self.see_the_cancellation(self.page.get_by_test_id("status"))
        expect(self.checkout.get_by_label("Card number")).to_be_visible()
        expect(self.page.get_by_label("Prompt")).to_have_count(0)


def test_the_generated_types_compile(built: dict[str, float]) -> None:
    assert frontend_app.compile_types() == ""


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_journey_through_a_frontend(
    browser: Browser, endpoints: dict[str, Any], viewport: dict[str, int], tmp_path: Path
) -> None:
    page = browser.new_page(viewport=viewport)  # type: ignore[arg-type]
    page.set_default_timeout(PATIENCE)
    watch, warnings = Watch(page), list[str]()
    page.on("console", lambda said: said.type == "warning" and warnings.append(said.text))
    person = Person(page, endpoints)
    steps = (
        person.sign_up_and_in,
        person.find_the_gate_closed,
        person.hide_and_show_the_checkout,
        person.load_stripe_when_asked,
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


def test_a_change_of_the_source_shows_at_once(
    built: dict[str, float], browser: Browser, tmp_path: Path
) -> None:
    """`next dev` behind the gateway: what is saved appears, and what was typed stays."""
    source = frontend_app.WORK / "app" / "page.tsx"
    before = source.read_text()
    with stack_before(tmp_path, frontend_app.developing) as endpoints:
        page = browser.new_page()
        watch, sockets = Watch(page), list[str]()
        page.on("websocket", lambda socket: sockets.append(socket.url))
        page.goto(endpoints["site"])
        expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
        page.get_by_label("E-mail").fill("hedy@example.com")
        try:
            source.write_text(before.replace("Welcome", "Welcome back"))
            expect(page.get_by_role("heading", level=1)).to_have_text("Welcome back")
        finally:
            source.write_text(before)
        expect(page.get_by_role("heading", level=1)).to_have_text("Welcome")
        assert page.get_by_label("E-mail").input_value() == "hedy@example.com"
        assert {urlsplit(url).netloc for url in sockets} == {urlsplit(endpoints["site"]).netloc}
        watch.assert_clean()
        page.close()

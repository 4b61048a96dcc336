"""A page's own Content-Security-Policy, wherever it stands, lets the local Stripe.js work."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import Watch
from tests.e2e.stripe_js.shop import META, STRICT, opened
from tests.integration.stripe_fixtures import LocalStripe


@pytest.mark.parametrize("path", [*STRICT, *META])
def test_it_works_under_the_pages_own_policy(page: Page, stripe: LocalStripe, path: str) -> None:
    watch = Watch(page)
    page.goto(f"{stripe.config.site_url}/{path}")
    opened(page, stripe.checkout().client_secret)
    page.evaluate("checkout.mount('#checkout')")
    expect(page.frame_locator("iframe").get_by_label("Card number")).to_be_visible()
    watch.assert_clean()


@pytest.mark.parametrize("path", META)
def test_a_policy_that_is_rendered_again_stays_widened(
    page: Page, stripe: LocalStripe, path: str
) -> None:
    watch = Watch(page)
    page.goto(f"{stripe.config.site_url}/{path}")
    page.evaluate(
        """(policy) => {
          const made = document.createElement("meta");
          made.setAttribute("content", policy);
          made.setAttribute("http-equiv", "Content-Security-Policy");
          document.head.append(made);
        }""",
        META[path],
    )
    opened(page, stripe.checkout().client_secret)
    page.evaluate("checkout.mount('#checkout')")
    expect(page.frame_locator("iframe").get_by_label("Card number")).to_be_visible()
    watch.assert_clean()


def test_a_policy_that_forbids_the_frame_is_named(page: Page, stripe: LocalStripe) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.evaluate(
        """() => {
          const policy = document.createElement("meta");
          policy.httpEquiv = "Content-Security-Policy";
          policy.setAttribute("content", "frame-src 'self'");
          document.head.append(policy);
        }"""
    )
    opened(page, stripe.checkout().client_secret)
    with page.expect_console_message(lambda message: "that a script added" in message.text):
        page.evaluate("checkout.mount('#checkout')")
    (sentence,) = [text for text in said if "that a script added" in text]
    assert sentence.endswith(f"allow {stripe.config.stripe_url} in its frame-src.")

"""The local Stripe.js in headless Chromium: what a page may do with it, and what it refuses."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browsing import Watch
from tests.e2e.stripe_js.shop import opened
from tests.integration.stripe_fixtures import LocalStripe

READ_HEAD = "[...document.head.children].map((child) => child.tagName)"


def refused(page: Page, code: str) -> str:
    """Name and sentence of the error that some code ends with."""
    said = "(error) => `${error.name}: ${error.message}`"
    found: str = page.evaluate(f"(async () => {{ {code} }})().then(() => '', {said})")
    return found


def pay(page: Page) -> None:
    form = page.frame_locator("iframe")
    fields = {"Card number": "4242 4242 4242 4242", "Expiry": "12 / 34", "CVC": "123"}
    if form.get_by_label("E-mail").is_editable():
        fields["E-mail"] = "ida@example.com"
    for label, value in {**fields, "Name on card": "Ida Rhodes"}.items():
        form.get_by_label(label).fill(value)
    form.get_by_role("button", name="Subscribe").click()


def test_nothing_of_it_is_left_in_the_page(page: Page) -> None:
    assert page.evaluate(READ_HEAD) == ["TITLE"]
    assert page.evaluate("Stripe.version") == "basil"


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("", "Missing value for Stripe(): apiKey should be a string."),
        ("''", "Please call Stripe() with your publishable key. You used an empty string."),
        ("7", "Invalid value for Stripe(): apiKey should be a string. You specified: 7."),
        ("'sk_test_x'", "You should not use your secret key with Stripe.js."),
        ("'rk_test_x'", "You should not use your secret key with Stripe.js."),
        ("'pk_live_x'", "The local Stripe.js takes publishable keys of test mode"),
    ],
)
def test_keys_are_checked(page: Page, key: str, sentence: str) -> None:
    assert refused(page, f"Stripe({key})").startswith(f"IntegrationError: {sentence}")
    assert refused(page, f"new Stripe({key})").startswith(f"IntegrationError: {sentence}")


def test_what_is_not_built_says_so_by_its_name(page: Page) -> None:
    for call in ("elements()", "confirmPayment({})", "redirectToCheckout({})", "initCheckout({})"):
        said = refused(page, f"await Stripe('pk_test_x').{call}")
        assert said.startswith(f"IntegrationError: stripe.{call.partition('(')[0]}() is not built")
        assert "initEmbeddedCheckout()" in said
    said = refused(
        page, "await Stripe('pk_test_x').initEmbeddedCheckout({clientSecret: 'pi_1_secret_x'})"
    )
    assert said.startswith("IntegrationError: The client secret of a Checkout Session looks like")
    said = refused(page, "await Stripe('pk_test_x').initEmbeddedCheckout({})")
    assert "`fetchClientSecret`" in said
    options = "{clientSecret: 'x', onLineItemsChange: () => {}}"
    said = refused(page, f"await Stripe('pk_test_x').initEmbeddedCheckout({options})")
    assert "has not built onLineItemsChange" in said


def test_there_is_one_checkout_at_a_time(page: Page, stripe: LocalStripe) -> None:
    secret = stripe.checkout().client_secret
    opened(page, secret)
    again = f"await stripe.initEmbeddedCheckout({{clientSecret: '{secret}'}})"
    multiple = "IntegrationError: You cannot have multiple Embedded Checkout objects."
    assert refused(page, again) == multiple
    assert refused(page, again.replace("stripe.", "Stripe('pk_test_other').")) == multiple
    page.evaluate("checkout.mount('#checkout')")
    expect(page.frame_locator("iframe").get_by_label("Card number")).to_be_visible()
    assert "already mounted" in refused(page, "checkout.mount('#checkout')")
    page.evaluate("checkout.unmount()")
    expect(page.locator("iframe")).to_have_count(0)
    page.evaluate("checkout.mount(document.querySelector('#checkout'))")
    expect(page.frame_locator("iframe").get_by_label("Card number")).to_be_visible()
    page.evaluate("checkout.destroy()")
    expect(page.locator("iframe")).to_have_count(0)
    for call in ("mount('#checkout')", "unmount()", "destroy()"):
        assert refused(page, f"checkout.{call}") == (
            "IntegrationError: This Embedded Checkout instance has been destroyed and can't be "
            "used anymore. Please create a new one."
        )
    assert refused(page, again) == ""


def test_a_failed_start_is_none(page: Page, stripe: LocalStripe) -> None:
    options = "{fetchClientSecret: async () => { throw Error('no server') }}"
    failing = f"await Stripe('pk_test_x').initEmbeddedCheckout({options})"
    assert refused(page, failing) == "Error: no server"
    opened(page, stripe.checkout().client_secret)


def test_places_to_mount_are_checked(page: Page, stripe: LocalStripe) -> None:
    opened(page, stripe.checkout().client_secret)
    assert "Missing argument." in refused(page, "checkout.mount()")
    assert "Invalid DOM element." in refused(page, "checkout.mount({})")
    assert "The selector you specified (#nowhere) applies to no DOM elements" in refused(
        page, "checkout.mount('#nowhere')"
    )


def test_without_redirect_the_page_is_told_once(page: Page, stripe: LocalStripe) -> None:
    watch = Watch(page)
    session = stripe.client().v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "ui_mode": "embedded",
            "redirect_on_completion": "never",
            "line_items": [{"price": stripe.price(), "quantity": 1}],
        }
    )
    opened(page, str(session.client_secret), "onComplete: () => { window.done += 1; }")
    page.evaluate("checkout.mount('#checkout')")
    # Neither another window nor this one can say that it was paid.
    page.evaluate("postMessage({source: 'localstripe', type: 'complete', redirect: null}, '*')")
    expect(page.frame_locator("iframe").get_by_label("Card number")).to_be_visible()
    assert page.evaluate("done") == 0
    pay(page)
    page.wait_for_function("done === 1")
    expect(page.frame_locator("iframe").get_by_text("Payment complete")).to_be_visible()
    assert stripe.client().v1.checkout.sessions.retrieve(session.id).status == "complete"
    assert page.evaluate("done") == 1
    watch.assert_clean()


def test_with_redirect_the_browser_goes_to_the_return_url(page: Page, stripe: LocalStripe) -> None:
    back = f"{stripe.config.site_url}/back?of={{CHECKOUT_SESSION_ID}}"
    session = stripe.checkout(return_url=back)
    opened(page, session.client_secret)
    page.evaluate("checkout.mount('#checkout')")
    pay(page)
    page.wait_for_url(f"**/back?of={session.id}")


def test_a_page_may_replace_it_but_stripes_own_script_does_not(page: Page) -> None:
    outside: list[str] = []
    page.on("request", lambda request: outside.append(request.url))
    script = "window.Stripe = function theirs() {};"
    page.route(
        "https://js.stripe.com/**",
        lambda route: route.fulfill(content_type="text/javascript", body=script),
    )
    page.add_script_tag(url="https://js.stripe.com/basil/stripe.js")
    assert outside == ["https://js.stripe.com/basil/stripe.js"]
    assert page.evaluate("Stripe.version") == "basil"
    page.evaluate("window.Stripe = function mock() {}")
    assert page.evaluate("Stripe.name") == "mock"

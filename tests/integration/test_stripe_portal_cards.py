"""Cards, billing information and invoices in the portal."""

from typing import Any

import pytest

from tests.integration.portal_visitor import Visitor, types_since, visit
from tests.integration.stripe_fixtures import LocalStripe, fresh, local

__all__ = ["fresh", "local"]
FEATURES: dict[str, Any] = {"payment_method_update": {"enabled": True}}
VISA, MASTERCARD = "4242424242424242", "5555555555554444"
ONCE, DECLINED, LATER = "4000002500003155", "4000000000000002", "4000000000000341"


def adding(local: LocalStripe, customer: str) -> Visitor:
    visitor = visit(local, customer, FEATURES)
    visitor.follow("Add card")
    return visitor


def default_of(local: LocalStripe, customer: str) -> Any:
    found = local.client().v1.customers.retrieve(customer)
    assert found.invoice_settings is not None
    return found.invoice_settings.default_payment_method


def test_a_card_is_added_and_made_the_default(local: LocalStripe) -> None:
    client = local.client()
    customer, subscription = local.subscriber()
    visitor = adding(local, customer.id)
    before = len(local.events(customer.id))
    page = visitor.type_card(MASTERCARD)
    assert "Your payment method has been added." in page.text
    assert "Mastercard ending in 4444 Default" in page.text
    default = default_of(local, customer.id)
    assert client.v1.payment_methods.retrieve(default).card.last4 == "4444"  # type: ignore[union-attr]
    assert types_since(local, customer.id, before) == [
        "setup_intent.created",
        "setup_intent.succeeded",
        "payment_method.attached",
        "customer.updated",
    ]
    # The plan has a card of its own, from Checkout: that goes on paying until it is changed.
    after = client.v1.subscriptions.retrieve(subscription.id)
    assert after.default_payment_method == subscription.default_payment_method
    assert "Visa ending in 4242 · Change card" in page.text
    visitor.follow("Change card")
    page = visitor.press("Use this card")
    assert "The plan will be paid by this card." in page.text
    assert client.v1.subscriptions.retrieve(subscription.id).default_payment_method == default
    assert local.events(subscription.id)[-1].type == "customer.subscription.updated"


def test_a_card_for_one_plan_only(local: LocalStripe) -> None:
    customer, subscription = local.subscriber()
    visitor = visit(local, customer.id, FEATURES)
    visitor.follow("Change card")
    visitor.type_card(MASTERCARD)
    after = local.client().v1.subscriptions.retrieve(subscription.id)
    assert after.default_payment_method != subscription.default_payment_method
    assert default_of(local, customer.id) is None


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (DECLINED, "Your card was declined."),
        ("4242424242424241", "Your card number is incorrect."),
        ("4000000000000069", "Your card has expired."),
    ],
)
def test_a_refused_card_is_not_saved(local: LocalStripe, number: str, message: str) -> None:
    customer, _ = local.subscriber()
    visitor = adding(local, customer.id)
    page = visitor.type_card(number)
    assert page.alert == message
    assert len(local.client().v1.customers.payment_methods.list(customer.id).data) == 1
    visitor.type_card(VISA)
    assert "Your payment method has been added." in visitor.page.text


@pytest.mark.parametrize("passes", [True, False])
def test_the_bank_is_asked_about_a_card(local: LocalStripe, passes: bool) -> None:
    customer, _ = local.subscriber()
    visitor = adding(local, customer.id)
    page = visitor.type_card(ONCE)
    assert "3D Secure" in page.text
    page = visitor.press("Complete authentication" if passes else "Fail authentication")
    cards = local.client().v1.customers.payment_methods.list(customer.id).data
    if passes:
        assert "Visa ending in 3155 Default" in page.text
        assert default_of(local, customer.id) == cards[0].id
    else:
        assert "We are unable to authenticate your payment method." in page.alert
        assert len(cards) == 1
        assert local.events(customer.id)[-1].type == "setup_intent.setup_failed"


def test_a_card_that_pays_stays_and_others_can_go(local: LocalStripe) -> None:
    client = local.client()
    customer, subscription = local.subscriber()
    visitor = adding(local, customer.id)
    page = visitor.type_card(MASTERCARD)
    visa = str(subscription.default_payment_method)
    assert all(form.fields.get("method") != visa for form in page.forms if "Remove" in form.buttons)
    visitor.press("Make default", {"method": visa})
    assert default_of(local, customer.id) == visa
    page = visitor.press("Remove")
    assert "The payment method has been removed." in page.text
    [kept] = client.v1.customers.payment_methods.list(customer.id).data
    assert kept.id == visa


def test_a_failed_renewal_leads_to_its_invoice(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer, subscription = fresh.subscriber()
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    late = fresh.renew(subscription)
    assert late.status == "past_due"
    visitor = visit(fresh, customer.id, {**FEATURES, "invoice_history": {"enabled": True}})
    assert "The latest payment failed." in visitor.page.text
    invoice = client.v1.invoices.retrieve(late.latest_invoice)
    assert visitor.page.links["Pay open invoice"] == invoice.hosted_invoice_url
    page = visitor.go(f"/p/session/{visitor.session.id}?invoice={invoice.id}")
    for text in ("open", "1 × Starter (at $29.00 / month)", "Amount due $29.00"):
        assert text in page.text
    assert page.links["Pay this invoice"] == invoice.hosted_invoice_url


def test_an_invoice_has_a_page(local: LocalStripe) -> None:
    client = local.client()
    coupon = client.v1.coupons.create({"amount_off": 900, "currency": "usd", "duration": "once"})
    customer, subscription = local.subscriber(discounts=[{"coupon": coupon.id}])
    visitor = visit(local, customer.id, {"invoice_history": {"enabled": True}})
    invoice = client.v1.invoices.retrieve(str(subscription.latest_invoice))
    assert str(invoice.number) in visitor.page.text
    page = visitor.go(f"/p/session/{visitor.session.id}?invoice={invoice.id}")
    for text in (
        f"Invoice {invoice.number}",
        "Subtotal $29.00",
        "Discount −$9.00",
        "Total $20.00",
        "Amount paid $20.00",
        "paid",
    ):
        assert text in page.text
    assert page.links["Back to billing"] == f"/p/session/{visitor.session.id}"


def test_billing_information_is_updated_as_far_as_allowed(local: LocalStripe) -> None:
    client = local.client()
    customer, _ = local.subscriber()
    allowed = ["email", "address", "shipping"]
    features = {"customer_update": {"enabled": True, "allowed_updates": allowed}}
    visitor = visit(local, customer.id, features)
    before = len(local.events(customer.id))
    page = visitor.follow("Update")
    assert "Name" not in page.text
    page = visitor.press("Save", email="no address", address_city="Bern")
    assert page.alert == "Invalid email address: no address"
    assert page.form("Save").fields["address_city"] == "Bern"
    page = visitor.press(
        "Save",
        email="new@example.com",
        name="Eve",
        address_line1="1 Main Street",
        address_country="CH",
        shipping_name="Ada",
        shipping_city="Basel",
    )
    assert "Your billing information has been updated." in page.text
    after = client.v1.customers.retrieve(customer.id)
    assert (after.email, after.name) == ("new@example.com", "Ada")
    assert after.address is not None
    assert (after.address.line1, after.address.city) == ("1 Main Street", "Bern")
    assert after.shipping is not None
    assert after.shipping.name == "Ada"
    assert after.shipping.address is not None
    assert after.shipping.address.city == "Basel"
    assert types_since(local, customer.id, before) == ["customer.updated"]
    visitor.follow("Update")
    visitor.press("Save", shipping_name="", address_line1="", address_country="", address_city="")
    after = client.v1.customers.retrieve(customer.id)
    assert (after.address, after.shipping) == (None, None)

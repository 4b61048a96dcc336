"""Changing plans in the portal: what is due is what `create_preview` says, and then charged."""

from typing import Any

import pytest

from tests.integration.portal_visitor import Visitor, catalogue, switching, types_since, visit
from tests.integration.stripe_fixtures import (
    ENDIVE,
    PROFESSIONAL,
    STARTER,
    LocalStripe,
    fresh,
    local,
)

__all__ = ["fresh", "local"]
AUTHENTICATES = "4000002760003184"


def half_way(fresh: LocalStripe, subscription: Any) -> None:
    item = subscription["items"].data[0]
    fresh.advance((item.current_period_end - item.current_period_start) // 2)


def choose(visitor: Visitor, price: str, **typed: str) -> Any:
    """From the first page to the confirmation of that price."""
    visitor.press("Change plan")
    return visitor.press("Select", {"price": price}, **typed)


def test_a_plan_is_changed_in_the_middle_of_its_period(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer, subscription = fresh.subscriber()
    half_way(fresh, subscription)
    visitor = visit(fresh, customer.id, switching(fresh))
    page = visitor.press("Change plan")
    assert "You have Starter at $29.00 per month." in page.text
    assert "Current plan" in page.text
    before = len(fresh.events(customer.id))
    page = visitor.press("Select", {"price": fresh.price(PROFESSIONAL)})
    due = page.text.partition("Amount due today ")[2].split()[0]
    assert "Unused time on Starter" in page.text
    assert "Paid with Visa ending in 4242." in page.text
    assert types_since(fresh, customer.id, before) == []
    page = visitor.press("Confirm")
    assert "Your plan has been updated." in page.text
    changed = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert changed["items"].data[0].price.id == fresh.price(PROFESSIONAL)
    invoice: Any = changed.latest_invoice
    assert (invoice.status, f"${invoice.amount_paid / 100:.2f}") == ("paid", due)
    assert sum(line.amount for line in invoice.lines.data) == invoice.amount_paid > 0
    types = types_since(fresh, customer.id, before)
    assert {"customer.subscription.updated", "invoice.paid", "charge.succeeded"} <= set(types)


def test_prorations_may_wait_for_the_next_invoice(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer, subscription = fresh.subscriber()
    half_way(fresh, subscription)
    features = switching(fresh, proration_behavior="create_prorations")
    visitor = visit(fresh, customer.id, features)
    page = choose(visitor, fresh.price(PROFESSIONAL))
    assert "Amount due today $0.00" in page.text
    coming = client.v1.invoices.create_preview(
        {
            "subscription": subscription.id,
            "subscription_details": {
                "items": [
                    {
                        "id": subscription["items"].data[0].id,
                        "price": fresh.price(PROFESSIONAL),
                    }
                ]
            },
        }
    )
    assert f"{coming.amount_due / 100:,.2f}" in page.text
    visitor.press("Confirm")
    assert client.v1.subscriptions.retrieve(subscription.id).latest_invoice == (
        subscription.latest_invoice
    )
    assert len(client.v1.invoice_items.list({"customer": customer.id}).data) == 2


def test_a_trial_ends_with_the_change_unless_it_may_go_on(local: LocalStripe) -> None:
    customer, subscription = local.subscriber(subscription_data={"trial_period_days": 7})
    visitor = visit(local, customer.id, switching(local))
    page = choose(visitor, local.price(PROFESSIONAL))
    assert "Amount due today $99.00" in page.text
    visitor.press("Confirm")
    retrieve = local.client(ENDIVE).v1.subscriptions.retrieve
    assert retrieve(subscription.id).status == "active"

    customer, subscription = local.subscriber(subscription_data={"trial_period_days": 7})
    params: Any = {"features": switching(local, trial_update_behavior="continue_trial")}
    made = local.client(ENDIVE).v1.billing_portal.configurations.create(params)
    session = local.client().v1.billing_portal.sessions.create(
        {"customer": customer.id, "configuration": made.id}
    )
    visitor = Visitor(local, session)
    page = choose(visitor, local.price(PROFESSIONAL))
    assert "Amount due today $0.00" in page.text
    visitor.press("Confirm")
    after = retrieve(subscription.id)
    assert (after.status, after.trial_end) == ("trialing", subscription.trial_end)
    assert after["items"].data[0].price.id == local.price(PROFESSIONAL)


def test_a_new_cycle_begins_where_the_configuration_says_so(fresh: LocalStripe) -> None:
    customer, subscription = fresh.subscriber()
    half_way(fresh, subscription)
    features: Any = switching(fresh, billing_cycle_anchor="now")
    made = fresh.client(ENDIVE).v1.billing_portal.configurations.create({"features": features})
    session = fresh.client().v1.billing_portal.sessions.create(
        {"customer": customer.id, "configuration": made.id}
    )
    visitor = Visitor(fresh, session)
    assert "Amount due today $84.50" in choose(visitor, fresh.price(PROFESSIONAL)).text
    visitor.press("Confirm")
    after = fresh.client().v1.subscriptions.retrieve(subscription.id)
    assert after.billing_cycle_anchor > subscription.billing_cycle_anchor


def test_quantities_keep_within_their_bounds(local: LocalStripe) -> None:
    [plan] = catalogue(local, STARTER)
    plan["adjustable_quantity"] = {"enabled": True, "minimum": 2, "maximum": 5}
    more: Any = {"default_allowed_updates": ["quantity"], "products": [plan]}
    params: Any = {"features": switching(local, **more)}
    made = local.client(ENDIVE).v1.billing_portal.configurations.create(params)
    customer, subscription = local.subscriber()
    session = local.client().v1.billing_portal.sessions.create(
        {"customer": customer.id, "configuration": made.id}
    )
    visitor = Visitor(local, session)
    visitor.press("Change plan")
    for typed, message in (
        ("6", "must be from 2 to 5"),
        ("many", "must be a whole number"),
        ("1", "This is your plan already."),
    ):
        assert message in visitor.press("Change quantity", quantity=typed).alert
    page = visitor.press("Change quantity", quantity="3")
    assert "$29.00 per month, each" in page.text
    visitor.press("Confirm")
    after = local.client().v1.subscriptions.retrieve(subscription.id)
    assert after["items"].data[0].quantity == 3
    assert "$87.00 per month" in visitor.page.text


def test_a_promotion_code_reduces_what_is_due(local: LocalStripe) -> None:
    client = local.client()
    coupon = client.v1.coupons.create({"percent_off": 50, "duration": "forever"})
    code: Any = {"coupon": coupon.id, "code": "HALFPORTAL"}
    client.v1.promotion_codes.create(code)
    customer, subscription = local.subscriber(subscription_data={"trial_period_days": 7})
    allowed = {"default_allowed_updates": ["price", "promotion_code"]}
    visitor = visit(local, customer.id, switching(local, **allowed))
    choose(visitor, local.price(PROFESSIONAL))
    page = visitor.press("Apply", code="NOSUCH")
    assert (page.alert, "Amount due today $99.00" in page.text) == ("This code is invalid.", True)
    page = visitor.press("Apply", code="halfportal")
    assert "Discount −$49.50" in page.text
    assert "Amount due today $49.50" in page.text
    visitor.press("Confirm")
    after = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert len(after.discounts) == 1
    assert after.latest_invoice.amount_paid == 4950  # type: ignore[union-attr]
    other, _ = local.subscriber()
    closed = visit(local, other.id, switching(local))
    page = choose(closed, local.price(PROFESSIONAL))
    assert all("Apply" not in form.buttons for form in page.forms)


@pytest.mark.parametrize("passes", [True, False])
def test_the_bank_is_asked_before_a_change_is_paid(local: LocalStripe, passes: bool) -> None:
    client = local.client()
    customer, subscription = local.subscriber()
    method = client.v1.payment_methods.attach(
        "pm_card_authenticationRequired", {"customer": customer.id}
    )
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": method.id})
    visitor = visit(local, customer.id, switching(local))
    choose(visitor, local.price(PROFESSIONAL))
    before = len(local.events(customer.id))
    page = visitor.press("Confirm")
    assert "3D Secure" in page.text
    assert types_since(local, customer.id, before) == []
    page = visitor.press("Complete authentication" if passes else "Fail authentication")
    after = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert after.status == "active"
    if passes:
        assert "Your plan has been updated." in page.text
        assert after["items"].data[0].price.id == local.price(PROFESSIONAL)
        assert after.latest_invoice.status == "paid"  # type: ignore[union-attr]
        types = types_since(local, customer.id, before)
        assert types.index("payment_intent.requires_action") < types.index("invoice.paid")
    else:
        assert "We are unable to authenticate your payment method." in page.alert
        assert "Amount due today" in page.text
        assert after["items"].data[0].price.id == local.price(STARTER)
        assert types_since(local, customer.id, before) == []


def test_a_declined_card_changes_nothing(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer, subscription = fresh.subscriber()
    method = client.v1.payment_methods.attach(
        "pm_card_chargeCustomerFail", {"customer": customer.id}
    )
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": method.id})
    half_way(fresh, subscription)
    visitor = visit(fresh, customer.id, switching(fresh))
    choose(visitor, fresh.price(PROFESSIONAL))
    page = visitor.press("Confirm")
    assert page.alert == "Your card was declined."
    assert "Amount due today" in page.text
    after = client.v1.subscriptions.retrieve(subscription.id)
    assert (after.status, after.latest_invoice) == ("active", subscription.latest_invoice)
    assert after["items"].data[0].price.id == fresh.price(STARTER)


def test_a_plan_that_is_not_on_offer_is_refused(local: LocalStripe) -> None:
    customer, subscription = local.subscriber()
    visitor = visit(local, customer.id, switching(local, products=catalogue(local, STARTER)))
    address = f"/p/session/{visitor.session.id}?change={subscription.id}"
    page = visitor.go(f"{address}&price={local.price(PROFESSIONAL)}")
    assert "This plan is not on offer." in page.alert
    page = visitor.go(f"{address}&price={local.price(STARTER)}")
    assert "This is your plan already." in page.alert


def test_what_cannot_be_changed_offers_no_change(local: LocalStripe) -> None:
    client = local.client()
    customer, subscription = local.subscriber()
    features = {**switching(local), "subscription_cancel": {"enabled": True}}
    client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    visitor = visit(local, customer.id, features)
    assert "Change plan" not in visitor.page.text
    visitor.press("Don't cancel plan")
    assert "Change plan" in visitor.page.text
    client.v1.subscription_items.create(
        {"subscription": subscription.id, "price": local.price(PROFESSIONAL)}
    )
    page = visitor.go(f"/p/session/{visitor.session.id}")
    assert "Starter + Professional" in page.text
    assert "$128.00 per month" in page.text
    assert "Change plan" not in page.text


def test_a_price_in_fractions_of_a_cent_is_offered_for_what_one_costs(local: LocalStripe) -> None:
    customer, _ = local.subscriber()
    terms: Any = {"currency": "usd", "unit_amount_decimal": "149.6"}
    terms |= {"product_data": {"name": "Small"}, "recurring": {"interval": "month"}}
    small = local.client().v1.prices.create(terms)
    more: Any = {"products": [{"product": small.product, "prices": [small.id]}]}
    visitor = visit(local, customer.id, switching(local, **more))
    assert "$1.50 per month" in visitor.press("Change plan").text

"""Deep links into the portal: one thing to do, and then where `after_completion` leads."""

from typing import Any

import pytest

from tests.integration.portal_visitor import Visitor, catalogue, posted, switching, visit
from tests.integration.stripe_fixtures import PROFESSIONAL, STARTER, LocalStripe, local

__all__ = ["local"]
CANCEL: Any = {"subscription_cancel": {"enabled": True, "mode": "immediately"}}
REDIRECT = {"type": "redirect", "redirect": {"return_url": "https://example.com/done"}}


def assert_alone(visitor: Visitor) -> None:
    """Nothing leads to the rest of the portal."""
    for way in ("Back to billing", "Go back", "Add card", "Cancel plan"):
        assert way not in visitor.page.text


def test_cancelling_returns_to_the_site(local: LocalStripe) -> None:
    customer, subscription = local.subscriber()
    asked = {"subscription": subscription.id}
    flow = {
        "type": "subscription_cancel",
        "subscription_cancel": asked,
        "after_completion": REDIRECT,
    }
    visitor = visit(local, customer.id, CANCEL, flow)
    assert "Cancel Starter?" in visitor.page.text
    assert_alone(visitor)
    visitor.press("Confirm cancellation")
    assert visitor.left == "https://example.com/done"
    assert local.client().v1.subscriptions.retrieve(subscription.id).status == "canceled"
    page = visitor.go(f"/p/session/{visitor.session.id}")
    assert "Your plan has been canceled." in page.text
    assert page.links == {"Return to site": "https://example.com/account"}


def test_nothing_else_can_be_done_within_it_or_after_it(local: LocalStripe) -> None:
    customer, subscription = local.subscriber()
    features = {"payment_method_update": {"enabled": True}, **CANCEL}
    flow = {"type": "payment_method_update", "after_completion": REDIRECT}
    visitor = visit(local, customer.id, features, flow)
    assert posted(visitor, "cancel", subscription=subscription.id) == 409
    visitor.type_card("4242424242424242")
    assert visitor.left == "https://example.com/done"
    assert posted(visitor, "cancel", subscription=subscription.id) == 409
    assert local.client().v1.subscriptions.retrieve(subscription.id).status == "active"


def test_a_card_is_added_and_confirmed_in_the_sites_words(local: LocalStripe) -> None:
    customer, _ = local.subscriber()
    flow = {
        "type": "payment_method_update",
        "after_completion": {
            "type": "hosted_confirmation",
            "hosted_confirmation": {"custom_message": "Thank you, Ada!"},
        },
    }
    visitor = visit(local, customer.id, {"payment_method_update": {"enabled": True}}, flow)
    assert "Add a card" in visitor.page.text
    assert_alone(visitor)
    assert visitor.type_card("4000000000000002").alert == "Your card was declined."
    visitor.type_card("4000002500003155")
    page = visitor.press("Complete authentication")
    assert "Your payment method has been added. Thank you, Ada!" in page.text
    after = local.client().v1.customers.retrieve(customer.id)
    assert after.invoice_settings is not None
    assert after.invoice_settings.default_payment_method is not None


def test_a_plan_is_chosen_and_the_portal_opens(local: LocalStripe) -> None:
    customer, subscription = local.subscriber()
    flow = {
        "type": "subscription_update",
        "subscription_update": {"subscription": subscription.id},
    }
    visitor = visit(local, customer.id, switching(local), flow)
    assert "You have Starter" in visitor.page.text
    assert_alone(visitor)
    page = visitor.press("Select", {"price": local.price(PROFESSIONAL)})
    assert "Confirm your change" in page.text
    assert_alone(visitor)
    page = visitor.press("Confirm")
    assert "Your plan has been updated." in page.text
    assert "Payment methods" in page.text  # the whole portal


def test_a_chosen_plan_is_only_confirmed(local: LocalStripe) -> None:
    client = local.client()
    coupon = client.v1.coupons.create({"percent_off": 50, "duration": "once"})
    customer, subscription = local.subscriber(subscription_data={"trial_period_days": 7})
    flow = {
        "type": "subscription_update_confirm",
        "subscription_update_confirm": {
            "subscription": subscription.id,
            "items": [{"id": subscription["items"].data[0].id, "price": local.price(PROFESSIONAL)}],
            "discounts": [{"coupon": coupon.id}],
        },
        "after_completion": REDIRECT,
    }
    visitor = visit(local, customer.id, switching(local), flow)
    assert "Confirm your change" in visitor.page.text
    assert "Amount due today $49.50" in visitor.page.text
    assert_alone(visitor)
    other = f"?price={local.price(STARTER)}&change=sub_x"
    assert "Professional" in visitor.go(f"/p/session/{visitor.session.id}{other}").text
    visitor.press("Confirm")
    assert visitor.left == "https://example.com/done"
    after = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert after["items"].data[0].price.id == local.price(PROFESSIONAL)
    assert after.latest_invoice.amount_paid == 4950  # type: ignore[union-attr]


def test_a_quantity_is_confirmed(local: LocalStripe) -> None:
    customer, subscription = local.subscriber()
    item = subscription["items"].data[0]
    features = switching(
        local, default_allowed_updates=["quantity"], products=catalogue(local, STARTER)
    )
    flow = {
        "type": "subscription_update_confirm",
        "subscription_update_confirm": {
            "subscription": subscription.id,
            "items": [{"id": item.id, "quantity": 4}],
        },
    }
    visitor = visit(local, customer.id, features, flow)
    assert "Starter × 4" in visitor.page.text
    visitor.press("Confirm")
    after = local.client().v1.subscriptions.retrieve(subscription.id)
    assert after["items"].data[0].quantity == 4


@pytest.mark.parametrize("status", ["canceled", "ending"])
def test_a_flow_that_came_too_late_says_so(local: LocalStripe, status: str) -> None:
    client = local.client()
    customer, subscription = local.subscriber()
    flow = {
        "type": "subscription_cancel",
        "subscription_cancel": {"subscription": subscription.id},
    }
    visitor = visit(local, customer.id, CANCEL, flow)
    if status == "canceled":
        client.v1.subscriptions.cancel(subscription.id)
    else:
        client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    page = visitor.press("Confirm cancellation")
    assert (page.status, "Nothing was changed" in page.text) == (409, True)


def test_a_change_that_is_made_already_is_not_offered_again(local: LocalStripe) -> None:
    customer, subscription = local.subscriber()
    item = subscription["items"].data[0].id
    wanted = {"id": item, "price": local.price(PROFESSIONAL)}
    flow = {
        "type": "subscription_update_confirm",
        "subscription_update_confirm": {"subscription": subscription.id, "items": [wanted]},
    }
    visitor = visit(local, customer.id, switching(local), flow)
    change: Any = {"items": [wanted]}
    local.client().v1.subscriptions.update(subscription.id, change)
    page = visitor.press("Confirm")
    assert (page.status, "This is your plan already." in page.text) == (409, True)

"""The portal's first page, cancelling, and who may do what: by HTTP, as a browser posts forms."""

from typing import Any

from operations.stripe.portal import FEATURES
from tests.integration.portal_visitor import posted, types_since, visit
from tests.integration.stripe_fixtures import (
    ENDIVE,
    LocalStripe,
    fresh,
    local,
)

__all__ = ["fresh", "local"]
CANCEL: dict[str, Any] = {"enabled": True, "mode": "immediately"}


def test_it_shows_the_plan_and_the_next_payment(local: LocalStripe) -> None:
    customer, subscription = local.subscriber()
    visitor = visit(local, customer.id)
    session = visitor.session
    assert session.url == f"{local.url}/p/session/{session.id}"
    for text in ("Starter", "$29.00", "Visa ending in 4242", "ada@example.com", "active"):
        assert text in visitor.page.text
    assert " for $29.00." in visitor.page.text
    assert visitor.page.links["Return to site"] == "https://example.com/account"
    _, headers, _ = local.http("GET", f"/p/session/{session.id}")
    assert "frame-ancestors" in headers["Content-Security-Policy"]
    local.client().v1.customers.update(customer.id, {"balance": -900})
    assert " for $20.00." in visitor.go(session.url.removeprefix(local.url)).text
    assert subscription.id


def test_a_trial_says_when_it_is_paid_for(local: LocalStripe) -> None:
    customer, _ = local.subscriber(subscription_data={"trial_period_days": 7})
    page = visit(local, customer.id).page
    assert "Free until" in page.text
    assert ", then $29.00." in page.text


def test_a_plan_is_canceled_at_the_end_of_its_period_and_kept(local: LocalStripe) -> None:
    client = local.client()
    customer, subscription = local.subscriber()
    before = len(local.events(customer.id))
    visitor = visit(local, customer.id)
    page = visitor.press("Cancel plan")
    assert "you keep access until the end of the period" in page.text
    page = visitor.press("Confirm cancellation")
    assert "Your plan has been canceled." in page.text
    assert "Cancels on" in page.text
    ending = client.v1.subscriptions.retrieve(subscription.id)
    assert (ending.status, ending.cancel_at_period_end) == ("active", True)
    assert ending.cancellation_details is not None
    assert ending.cancellation_details.reason == "cancellation_requested"
    page = visitor.press("Don't cancel plan")
    assert "Your plan will not be canceled." in page.text
    assert client.v1.subscriptions.retrieve(subscription.id).cancel_at is None
    assert types_since(local, customer.id, before) == [
        "billing_portal.session.created",
        "customer.subscription.updated",
        "customer.subscription.updated",
    ]


def test_a_plan_is_canceled_at_once_with_a_reason(local: LocalStripe) -> None:
    customer, subscription = local.subscriber()
    reasons = {"enabled": True, "options": ["too_expensive", "unused"]}
    features = {"subscription_cancel": {**CANCEL, "cancellation_reason": reasons}}
    visitor = visit(local, customer.id, features)
    page = visitor.press("Cancel plan")
    assert "I no longer need it" in page.text
    assert "more features" not in page.text
    assert "Nothing is refunded." in page.text
    page = visitor.press("Confirm cancellation", feedback="unused", comment=" We are done ")
    assert "You have no running subscription." in page.text
    ended = local.client().v1.subscriptions.retrieve(subscription.id)
    assert ended.status == "canceled"
    assert ended.cancellation_details is not None
    assert ended.cancellation_details.to_dict() == {
        "comment": "We are done",
        "feedback": "unused",
        "reason": "cancellation_requested",
    }
    assert local.events(subscription.id)[-1].type == "customer.subscription.deleted"


def test_the_reason_of_a_later_end_is_kept(local: LocalStripe) -> None:
    customer, subscription = local.subscriber()
    reasons = {"enabled": True, "options": ["too_expensive"]}
    features = {"subscription_cancel": {"enabled": True, "cancellation_reason": reasons}}
    visitor = visit(local, customer.id, features)
    visitor.press("Cancel plan")
    visitor.press("Confirm cancellation", feedback="unused", comment="Too much")
    event = local.events(subscription.id)[-1]
    details = event.data.object["cancellation_details"]
    assert (details["feedback"], details["comment"]) == (
        None,
        "Too much",
    )  # `unused` was not on offer
    assert event.data.previous_attributes["cancellation_details"]["comment"] is None


def test_unused_time_is_credited_where_the_configuration_says_so(fresh: LocalStripe) -> None:
    customer, subscription = fresh.subscriber()
    item = subscription["items"].data[0]
    fresh.advance((item.current_period_end - item.current_period_start) // 2)
    prorated = {**CANCEL, "proration_behavior": "create_prorations"}
    visitor = visit(fresh, customer.id, {"subscription_cancel": prorated})
    assert "$14.50 for the unused time is credited to you." in visitor.press("Cancel plan").text
    visitor.press("Confirm cancellation")
    client = fresh.client()
    assert client.v1.subscriptions.retrieve(subscription.id).status == "canceled"
    [credit] = client.v1.invoice_items.list({"customer": customer.id}).data
    assert credit.amount == -1450


def test_in_flexible_billing_mode_the_portal_names_a_date(local: LocalStripe) -> None:
    """From clover on new subscriptions are flexible, where the portal leaves the flag false."""
    client = local.client(ENDIVE)
    customer = client.v1.customers.create({"email": "flex@example.com"})
    made = client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "ui_mode": "embedded_page",
            "return_url": "https://example.com",
            "customer": customer.id,
            "line_items": [{"price": local.price(), "quantity": 1}],
        }
    )
    subscription = local.pay(made.id)["session"]["subscription"]
    assert client.v1.subscriptions.retrieve(subscription).billing_mode.type == "flexible"
    visitor = visit(local, customer.id)
    visitor.press("Cancel plan")
    visitor.press("Confirm cancellation")
    ending = client.v1.subscriptions.retrieve(subscription)
    assert ending.cancel_at_period_end is False
    assert ending.cancel_at == ending["items"].data[0].current_period_end


def test_a_paused_plan_is_resumed(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer = client.v1.customers.create({"email": "ada@example.com"})
    subscription = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": fresh.price()}],
            "trial_period_days": 3,
            "trial_settings": {"end_behavior": {"missing_payment_method": "pause"}},
        }
    )
    fresh.advance(4 * 86400)
    visitor = visit(fresh, customer.id)
    assert "Paused until you resume it." in visitor.page.text
    visitor.go(visitor.page.links["Add card"])
    visitor.type_card("4242424242424242")
    assert "Your plan has been resumed." in visitor.press("Resume plan").text
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_it_touches_only_its_own_customer(local: LocalStripe) -> None:
    client = local.client()
    customer, own = local.subscriber()
    other, foreign = local.subscriber()
    features = {"subscription_cancel": CANCEL, "payment_method_update": {"enabled": True}}
    visitor = visit(local, customer.id, {**features, "invoice_history": {"enabled": True}})
    card = str(foreign.default_payment_method)
    for action, fields in (
        ("cancel", {"subscription": foreign.id}),
        ("cancel", {"subscription": "sub_x"}),
        ("keep", {"subscription": own.id}),
        ("resume", {"subscription": own.id}),
        ("default", {"method": card}),
        ("remove", {"method": card}),
        ("pay-with", {"card": own.id, "method": card}),
        ("pay-with", {"card": foreign.id, "method": str(own.default_payment_method)}),
        ("card", {"card": foreign.id, "number": "4242424242424242"}),
        ("authenticate-card", {"result": "complete"}),
        ("authenticate-change", {"result": "complete"}),
        ("details", {"email": "eve@example.com"}),
        ("switch", {"change": own.id, "price": local.price()}),
    ):
        assert posted(visitor, action, **fields) == 409, action
    for query in (f"cancel={foreign.id}", f"invoice={foreign.latest_invoice}", "details=1"):
        page = visitor.go(f"/p/session/{visitor.session.id}?{query}")
        assert (page.status, "Nothing here" in page.text) == (409, True)
    assert client.v1.subscriptions.retrieve(foreign.id).status == "active"
    assert client.v1.payment_methods.retrieve(card).customer == other.id


def test_a_form_of_another_site_is_refused(local: LocalStripe) -> None:
    customer, subscription = local.subscriber()
    visitor = visit(local, customer.id, {"subscription_cancel": CANCEL})
    path = f"/p/session/{visitor.session.id}/guessed/cancel"
    body = f"subscription={subscription.id}".encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, text = local.http("POST", path, body, headers)
    assert status == 404
    assert b"was not sent by your billing page" in text
    assert local.client().v1.subscriptions.retrieve(subscription.id).status == "active"
    assert posted(visitor, "unheard-of") == 404


def test_it_offers_what_stripe_setup_has_configured(local: LocalStripe) -> None:
    customer, _ = local.subscriber()
    page = visit(local, customer.id, FEATURES).page
    for text in ("Cancel plan", "Payment methods", "Invoice history"):
        assert text in page.text
    assert "Change plan" not in page.text


def test_what_a_customer_is_called_is_text(local: LocalStripe) -> None:
    customer, _ = local.subscriber()
    local.client().v1.customers.update(customer.id, {"name": "<script>alert(1)</script>"})
    features = {"customer_update": {"enabled": True, "allowed_updates": ["name"]}}
    visitor = visit(local, customer.id, features)
    _, _, body = local.http("GET", f"/p/session/{visitor.session.id}")
    assert b"<script>alert(1)" not in body
    assert b"&lt;script&gt;alert(1)" in body


def test_it_obeys_its_configuration(local: LocalStripe) -> None:
    customer, subscription = local.subscriber()
    visitor = visit(local, customer.id, {"invoice_history": {"enabled": True}})
    for text in ("Cancel plan", "Change plan", "Payment methods", "Billing information"):
        assert text not in visitor.page.text
    assert "Invoice history" in visitor.page.text
    assert posted(visitor, "cancel", subscription=subscription.id) == 409
    bare = visit(local, customer.id, {"subscription_cancel": {"enabled": True}})
    assert "Invoice history" not in bare.page.text

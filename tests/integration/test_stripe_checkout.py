"""Checkout at the local Stripe: sessions, cards, 3D Secure, pages."""

import json
import re
import urllib.parse
from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import (
    DAY,
    RETURN_URL,
    LocalStripe,
    fresh,
    local,
)

__all__ = ["fresh", "local"]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CARD = {
    "email": "page@example.com",
    "number": "4242 4242 4242 4242",
    "expiry": "12 / 34",
    "cvc": "123",
    "name": "Page Person",
}


def test_paying_makes_an_active_subscription(local: LocalStripe) -> None:
    client = local.client()
    customer = client.v1.customers.create({"email": "ada@example.com"})
    session = local.checkout(
        customer.id,
        client_reference_id="user-1",
        metadata={"userId": "user-1"},
        subscription_data={"metadata": {"userId": "user-1", "app": "groundwork"}},
    )
    assert session.id.startswith("cs_test_")
    assert session.client_secret.startswith(f"{session.id}_secret_")
    assert (session.status, session.payment_status, session.url) == ("open", "unpaid", None)
    assert (session.amount_total, session.currency) == (2900, "usd")
    assert session.expires_at == session.created + DAY
    assert session.subscription is None

    assert local.pay(session.id)["status"] == "complete"

    done = client.v1.checkout.sessions.retrieve(session.id)
    assert (done.status, done.payment_status) == ("complete", "paid")
    assert (done.customer, done.client_reference_id) == (customer.id, "user-1")
    assert done.customer_details is not None
    assert done.customer_details.email == "ada@example.com"
    [subscription] = client.v1.subscriptions.list({"customer": customer.id}).data
    assert done.subscription == subscription.id
    assert subscription.status == "active"
    assert subscription.metadata.to_dict() == {"userId": "user-1", "app": "groundwork"}
    [item] = subscription["items"].data
    assert item.price.id == local.price()
    assert item.current_period_start == subscription.created
    assert 28 * DAY <= item.current_period_end - item.current_period_start <= 31 * DAY
    assert "current_period_end" not in subscription.to_dict()
    invoice = client.v1.invoices.retrieve(str(subscription.latest_invoice))
    assert (invoice.id, invoice.status) == (done.invoice, "paid")
    assert (invoice.amount_paid, invoice.amount_remaining) == (2900, 0)
    assert invoice.billing_reason == "subscription_create"
    assert invoice.parent is not None
    assert invoice.parent.subscription_details is not None
    assert invoice.parent.subscription_details.subscription == subscription.id
    [line] = invoice.lines.data
    assert (line.amount, line.quantity) == (2900, 1)
    method = client.v1.payment_methods.retrieve(str(subscription.default_payment_method))
    assert (method.customer, method.card.last4) == (customer.id, "4242")  # type: ignore[union-attr]


def test_events_of_a_purchase(local: LocalStripe) -> None:
    customer, subscription = local.subscriber()
    types = [event.type for event in local.events(customer.id)]
    for event in (
        "customer.created",
        "payment_method.attached",
        "payment_intent.succeeded",
        "charge.succeeded",
        "customer.subscription.created",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "checkout.session.completed",
    ):
        assert types.count(event) == 1, event
    assert "customer.subscription.updated" not in types
    created = next(
        e for e in local.events(customer.id) if e.type == "customer.subscription.created"
    )
    assert created.data.object["id"] == subscription.id
    assert created.data.object["status"] == "active"
    assert created.data.object["items"]["data"][0]["current_period_end"] > created.created


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000 0000 0000 9995", "card_declined", "insufficient_funds"),
        ("4000000000000069", "expired_card", None),
        ("4000000000000127", "incorrect_cvc", None),
        ("4242424242424241", "incorrect_number", None),
        ("5105105105105100", "card_declined", "test_mode_live_card"),
        ("4242", "invalid_number", None),
        ("４２４２４２４２４２４２４２４２", "invalid_number", None),
    ],
)
def test_declined_cards_leave_the_session_open(
    local: LocalStripe, number: str, code: str, decline_code: str | None
) -> None:
    client = local.client()
    customer = client.v1.customers.create({"email": "declined@example.com"})
    session = local.checkout(customer.id)
    answer = local.pay(session.id, number)
    assert answer["status"] == "declined"
    assert (answer["error"]["code"], answer["error"]["decline_code"]) == (code, decline_code)
    assert answer["error"]["message"]
    assert answer["session"]["status"] == "open"
    assert client.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data == []
    assert local.pay(session.id)["status"] == "complete"
    assert len(client.v1.subscriptions.list({"customer": customer.id}).data) == 1


def test_a_decline_is_announced(local: LocalStripe) -> None:
    customer = local.client().v1.customers.create({"email": "d@example.com"})
    local.pay(local.checkout(customer.id).id, "4000000000000002")
    events = {event.type: event for event in local.events(customer.id)}
    failed = events["payment_intent.payment_failed"].data.object
    assert failed["status"] == "requires_payment_method"
    assert failed["last_payment_error"]["decline_code"] == "generic_decline"
    assert events["charge.failed"].data.object["failure_code"] == "card_declined"
    assert "customer.subscription.created" not in events


@pytest.mark.parametrize("number", ["4000002500003155", "4000002760003184"])
def test_three_d_secure(local: LocalStripe, number: str) -> None:
    client = local.client()
    customer = client.v1.customers.create({"email": "3ds@example.com"})
    session = local.checkout(customer.id)
    assert local.pay(session.id, number)["status"] == "requires_action"
    assert client.v1.checkout.sessions.retrieve(session.id).status == "open"
    failed = local.control("/_local/pay", {"sessionId": session.id, "authentication": "fail"})
    assert failed["status"] == "declined"
    assert failed["error"]["code"] == "payment_intent_authentication_failure"
    again = local.control("/_local/pay", {"sessionId": session.id, "authentication": "complete"})
    assert "not waiting" in again["error"]["message"]
    assert local.pay(session.id, number, authentication="complete")["status"] == "complete"
    [subscription] = client.v1.subscriptions.list({"customer": customer.id}).data
    assert subscription.status == "active"


def test_session_without_customer_makes_one(local: LocalStripe) -> None:
    client = local.client()
    session = local.checkout(customer_email="walk-in@example.com")
    assert session.customer is None
    done = local.pay(session.id)["session"]
    customer = client.v1.customers.retrieve(done["customer"])
    assert (customer.email, customer.name) == ("walk-in@example.com", "Test Customer")


def test_trial_takes_no_money(local: LocalStripe) -> None:
    client = local.client()
    customer = client.v1.customers.create({"email": "trial@example.com"})
    session = local.checkout(customer.id, subscription_data={"trial_period_days": 14})
    assert session.amount_total == 0
    done = local.pay(session.id)["session"]
    assert (done["status"], done["payment_status"]) == ("complete", "no_payment_required")
    [subscription] = client.v1.subscriptions.list({"customer": customer.id}).data
    assert subscription.status == "trialing"
    assert subscription.trial_end == subscription["items"].data[0].current_period_end
    invoice = client.v1.invoices.retrieve(str(subscription.latest_invoice))
    assert (invoice.status, invoice.total) == ("paid", 0)
    assert client.v1.payment_intents.list({"customer": customer.id}).data == []
    [intent] = client.v1.setup_intents.list({"customer": customer.id}).data
    assert intent.status == "succeeded"


def test_one_time_payment(local: LocalStripe) -> None:
    client = local.client()
    product = client.v1.products.create({"name": "Book"})
    price = client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": 1500})
    session = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://example.com/done",
            "line_items": [{"price": price.id, "quantity": 2}],
        }
    )
    done = local.pay(session.id)["session"]
    assert (done["payment_status"], done["subscription"], done["customer"]) == ("paid", None, None)
    assert client.v1.payment_intents.retrieve(done["payment_intent"]).amount_received == 3000


def test_a_session_is_paid_once(local: LocalStripe) -> None:
    customer, _ = local.subscriber()
    [session] = local.client().v1.checkout.sessions.list({"customer": customer.id}).data
    assert "already been paid" in local.pay(session.id)["error"]["message"]
    assert len(local.client().v1.subscriptions.list({"customer": customer.id}).data) == 1


def test_expire(local: LocalStripe) -> None:
    client = local.client()
    session = local.checkout()
    expired = client.v1.checkout.sessions.expire(session.id)
    assert expired.status == "expired"
    with pytest.raises(stripe.InvalidRequestError, match=r'status in \["open"\]'):
        client.v1.checkout.sessions.expire(session.id)
    assert "expired" in local.pay(session.id)["error"]["message"]
    assert [e.type for e in local.events(session.id)] == ["checkout.session.expired"]


def test_sessions_expire_by_themselves(fresh: LocalStripe) -> None:
    sessions = fresh.client().v1.checkout.sessions
    short = fresh.checkout(expires_at=fresh.account.clock.now() + 1800)
    long = fresh.checkout()
    fresh.advance(1801)
    assert sessions.retrieve(short.id).status == "expired"
    assert sessions.retrieve(long.id).status == "open"
    [event] = fresh.events(short.id)
    assert event.type == "checkout.session.expired"
    assert event.created == short.expires_at
    assert event.request.id is None
    fresh.advance(DAY)
    assert sessions.retrieve(long.id).status == "expired"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": None}, "Missing required param: mode"),
        ({"mode": "gift"}, "must be one of payment, setup, or subscription"),
        ({"return_url": None}, "Missing required param: return_url"),
        ({"return_url": "javascript:alert(1)"}, "Not a valid URL"),
        ({"success_url": "https://example.com"}, "can not be used when `ui_mode` is `embedded`"),
        ({"line_items": None}, "Missing required param: line_items"),
        ({"line_items": [{"quantity": 1}]}, r"Missing required param: line_items\[0\]\[price\]"),
        ({"line_items": [{"price": "price_x", "quantity": 1}]}, "No such price: 'price_x'"),
        ({"customer": "cus_x"}, "No such customer: 'cus_x'"),
        ({"customer_email": "nobody"}, "Invalid email address"),
        ({"customer": "cus_x", "customer_email": "a@b.co"}, "only specify one of"),
        ({"expires_at": 1}, "at least 30 minutes"),
        ({"expires_at": 9_999_999_999}, "less than 24 hours"),
        ({"client_reference_id": "x" * 201}, "at most 200"),
        ({"ui_mode": "hosted"}, "`return_url` can only be used"),
        ({"ui_mode": "hosted", "return_url": None}, "Missing required param: success_url"),
        ({"mode": "payment"}, "passed a recurring price"),
        ({"subscription_data": {"backdate_start_date": 5}}, "Received unknown parameter: subscr"),
        ({"subscription_data": {"trial_period_days": 800}}, "less than or equal to 730"),
    ],
)
def test_session_parameters(local: LocalStripe, change: dict[str, Any], message: str) -> None:
    params: dict[str, Any] = {
        "mode": "subscription",
        "ui_mode": "embedded",
        "return_url": RETURN_URL,
        "line_items": [{"price": local.price(), "quantity": 1}],
        **change,
    }
    params = {name: value for name, value in params.items() if value is not None}
    with pytest.raises(stripe.InvalidRequestError, match=message):
        local.client().v1.checkout.sessions.create(params)  # type: ignore[arg-type]


def test_an_inactive_price_is_not_sold(local: LocalStripe) -> None:
    client = local.client()
    product = client.v1.products.create({"name": "Old"})
    price = client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 5,
            "recurring": {"interval": "month"},
        }
    )
    client.v1.prices.update(price.id, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="The price specified is inactive"):
        local.checkout(line_items=[{"price": price.id, "quantity": 1}])


# pages


def post_page(
    local: LocalStripe, path: str, fields: dict[str, str], *, script: bool = True
) -> tuple[int, dict[str, str], str]:
    headers = {**FORM, **({"Accept": "application/json"} if script else {})}
    body = urllib.parse.urlencode(fields).encode()
    status, found, text = local.http("POST", path, body, headers)
    return status, found, text.decode()


def action_of(html: str) -> str:
    match = re.search(r'<form id="card" method="post" action="([^"]+)"', html)
    assert match
    return match[1]


def test_embedded_page(local: LocalStripe) -> None:
    session = local.checkout(customer_email="page@example.com")
    status, headers, body = local.http("GET", f"/c/embed/{session.client_secret}")
    html = body.decode()
    assert status == 200
    for text in ("Starter", "$29.00", "per month", "page@example.com", "TEST MODE · local Stripe"):
        assert text in html
    for label in ("Card number", "Expiry", "CVC", "Name on card", "4000 0000 0000 0002"):
        assert label in html
    policy = headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors {' '.join(local.config.site_origins)}")
    assert "X-Frame-Options" not in headers
    assert not re.search(r'(?:src|href)="https?://', html)

    declined = post_page(local, action_of(html), {**CARD, "number": "4000 0000 0000 0002"})
    assert declined[0] == 200  # anything else would be an error in the browser's console
    answer = json.loads(declined[2])
    assert (answer["status"], answer["field"]) == ("declined", "number")
    assert answer["message"] == "Your card was declined."
    answer = json.loads(post_page(local, action_of(html), CARD)[2])
    assert answer == {
        "status": "complete",
        "redirect": RETURN_URL.replace("{CHECKOUT_SESSION_ID}", session.id),
    }
    assert local.client().v1.checkout.sessions.retrieve(session.id).status == "complete"
    assert "Payment complete" in local.http("GET", f"/c/embed/{session.client_secret}")[2].decode()


def test_embedded_page_without_redirect(local: LocalStripe) -> None:
    client = local.client()
    session = client.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "ui_mode": "embedded",  # type: ignore[typeddict-item]
            "redirect_on_completion": "never",
            "line_items": [{"price": local.price(), "quantity": 1}],
        }
    )
    html = local.http("GET", f"/c/embed/{session.client_secret}")[2].decode()
    answer = json.loads(post_page(local, action_of(html), CARD)[2])
    assert answer == {"status": "complete", "redirect": None}


def hosted(local: LocalStripe) -> Any:
    return local.client().v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "success_url": "https://example.com/done?s={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://example.com/back",
            "line_items": [{"price": local.price(), "quantity": 1}],
        }
    )


def test_hosted_page_works_without_script(local: LocalStripe) -> None:
    session = hosted(local)
    assert session.url == f"{local.url}/c/pay/{session.id}"
    assert session.client_secret is None
    html = local.http("GET", f"/c/pay/{session.id}")[2].decode()
    assert "https://example.com/back" in html
    action = action_of(html)
    status, _, again = post_page(
        local, action, {**CARD, "number": "4000000000009995"}, script=False
    )
    assert status == 200
    assert "Your card has insufficient funds." in again
    status, _, bank = post_page(local, action, {**CARD, "number": "4000002500003155"}, script=False)
    assert status == 200
    assert "Complete authentication" in bank
    status, headers, _ = post_page(
        local, f"{action}/authenticate", {"result": "complete"}, script=False
    )
    assert (status, headers["Location"]) == (303, f"https://example.com/done?s={session.id}")
    done = local.client().v1.checkout.sessions.retrieve(session.id)
    assert (done.status, done.url) == ("complete", None)
    assert done.customer_details is not None
    assert done.customer_details.email == "page@example.com"


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"number": "4242 4242 4242 4241"}, "number", "card number is incorrect"),
        ({"number": "hello"}, "number", "card number is invalid"),
        ({"expiry": "12 / 20"}, "expiry", "expiration year is invalid"),
        ({"expiry": "13 / 34"}, "expiry", "expiration month is invalid"),
        ({"expiry": ""}, "expiry", "expiration month is invalid"),
        ({"expiry": "99999999"}, "expiry", "expiration month is invalid"),
        ({"cvc": "12"}, "cvc", "security code is invalid"),
        ({"email": "nobody"}, "email", "e-mail address is incomplete"),
        ({"email": "<script>@"}, "email", "e-mail address is incomplete"),
    ],
)
def test_page_checks_what_is_typed(
    local: LocalStripe, change: dict[str, str], field: str, message: str
) -> None:
    session = hosted(local)
    action = action_of(local.http("GET", f"/c/pay/{session.id}")[2].decode())
    answer = json.loads(post_page(local, action, {**CARD, **change})[2])
    assert (answer["status"], answer["field"]) == ("declined", field)
    assert message in answer["message"]
    assert local.client().v1.checkout.sessions.retrieve(session.id).status == "open"


def test_pages_escape_what_others_wrote(local: LocalStripe) -> None:
    client = local.client()
    evil = '"><script>alert(1)</script>'
    product = client.v1.products.create({"name": evil})
    price = client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 5,
            "recurring": {"interval": "year"},
        }
    )
    session = local.checkout(line_items=[{"price": price.id, "quantity": 1}])
    html = local.http("GET", f"/c/embed/{session.client_secret}")[2].decode()
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_posts_need_the_secret(local: LocalStripe) -> None:
    session = hosted(local)
    for secret in (session.id, f"{session.id}_secret_wrong", "x", "%00"):
        status, _, text = post_page(local, f"/c/pay/{secret}", CARD)
        assert status == 404
        assert json.loads(text)["status"] == "declined"
    assert local.client().v1.checkout.sessions.retrieve(session.id).status == "open"
    assert local.http("GET", f"/c/embed/{session.id}_secret_wrong")[0] == 404
    assert local.http("GET", "/c/pay/cs_test_unknown")[0] == 404


def test_expired_page_says_so(local: LocalStripe) -> None:
    session = hosted(local)
    local.client().v1.checkout.sessions.expire(session.id)
    status, _, body = local.http("GET", f"/c/pay/{session.id}")
    assert status == 410
    assert "This page has expired" in body.decode()

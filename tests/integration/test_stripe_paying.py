"""Somebody pays an open invoice: by confirming its intent, by the lever, or on its page."""

import urllib.parse
from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import DAY, PROFESSIONAL, LocalStripe, fresh

__all__ = ["fresh"]
EVERY_TIME = "4000002760003184"
DECLINED = "4000000000000341"


def refused(local: LocalStripe, card: str = "pm_card_authenticationRequired") -> tuple[Any, Any]:
    """A subscription whose renewal the card on file did not pay, and the open invoice."""
    client = local.client()
    customer, subscription = local.subscriber()
    method = client.v1.payment_methods.attach(card, {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": method.id})
    late = local.renew(subscription)
    assert late.status == "past_due"
    return late, client.v1.invoices.retrieve(str(late.latest_invoice))


def pay(local: LocalStripe, invoice: Any, **more: str) -> dict[str, Any]:
    answer: dict[str, Any] = local.control("/_local/pay", {"invoice": invoice.id, **more})
    return answer


def status(local: LocalStripe, subscription: Any) -> str:
    return local.client().v1.subscriptions.retrieve(subscription.id).status


def intent_of(local: LocalStripe, invoice: Any) -> str:
    shown = local.client().v1.invoices.retrieve(invoice.id, {"expand": ["confirmation_secret"]})
    assert shown.confirmation_secret
    return str(shown.confirmation_secret.client_secret).partition("_secret_")[0]


def test_a_renewal_that_asked_for_3d_secure_is_completed_later(fresh: LocalStripe) -> None:
    subscription, invoice = refused(fresh)
    fresh.advance(DAY)
    answer = pay(fresh, invoice, authentication="complete")
    assert (answer["status"], answer["invoice"]["status"]) == ("complete", "paid")
    assert status(fresh, subscription) == "active"
    kinds = [event.type for event in fresh.events(subscription.customer)]
    paid = kinds.index("invoice.paid", kinds.index("invoice.payment_action_required"))
    assert "payment_intent.succeeded" in kinds[:paid]
    assert kinds[-1] == "customer.updated", "the customer is delinquent no more"
    assert "customer.subscription.updated" in kinds[paid:]
    fresh.advance(20 * DAY)
    assert status(fresh, subscription) == "active", "no retry is left over"


def test_who_fails_3d_secure_still_owes(fresh: LocalStripe) -> None:
    subscription, invoice = refused(fresh)
    answer = pay(fresh, invoice, authentication="fail")
    assert answer["status"] == "declined"
    assert answer["error"]["code"] == "payment_intent_authentication_failure"
    assert (answer["invoice"]["status"], status(fresh, subscription)) == ("open", "past_due")
    assert fresh.events(subscription.customer)[-1].type == "invoice.payment_failed"
    assert pay(fresh, invoice, card="4242424242424242")["status"] == "complete"
    assert status(fresh, subscription) == "active"


def test_another_card_pays_and_is_saved(fresh: LocalStripe) -> None:
    client = fresh.client()
    subscription, invoice = refused(fresh, "pm_card_chargeCustomerFail")
    settings: Any = {"payment_settings": {"save_default_payment_method": "on_subscription"}}
    client.v1.subscriptions.update(subscription.id, settings)
    assert pay(fresh, invoice, card="5555555555554444")["status"] == "complete"
    method = client.v1.subscriptions.retrieve(subscription.id).default_payment_method
    card = client.v1.payment_methods.retrieve(str(method))
    assert card.card
    assert card.card.brand == "mastercard"
    assert card.customer == subscription.customer


def test_a_card_that_asks_every_time_waits_for_its_owner(fresh: LocalStripe) -> None:
    subscription, invoice = refused(fresh, "pm_card_chargeCustomerFail")
    assert pay(fresh, invoice, card=EVERY_TIME)["status"] == "requires_action"
    assert status(fresh, subscription) == "past_due"
    assert pay(fresh, invoice)["status"] == "requires_action", "it still waits"
    assert pay(fresh, invoice, authentication="complete")["status"] == "complete"
    assert status(fresh, subscription) == "active"


def test_a_refused_card_leaves_the_invoice_open(fresh: LocalStripe) -> None:
    subscription, invoice = refused(fresh)
    answer = pay(fresh, invoice, card=DECLINED)
    assert (answer["status"], answer["error"]["code"]) == ("declined", "card_declined")
    assert (answer["invoice"]["status"], status(fresh, subscription)) == ("open", "past_due")
    answer = pay(fresh, invoice, card="4242424242424241")
    assert answer["error"]["code"] == "incorrect_number"


def test_what_is_paid_is_not_paid_twice(fresh: LocalStripe) -> None:
    _, invoice = refused(fresh)
    pay(fresh, invoice, card="4242424242424242")
    assert "already been paid" in pay(fresh, invoice)["error"]["message"]
    again = pay(fresh, invoice, authentication="complete")
    assert "already been paid" in again["error"]["message"]
    both = fresh.control("/_local/pay", {"invoice": invoice.id, "sessionId": "cs_1"})
    assert "not both" in both["error"]["message"]


def test_an_intent_is_confirmed_with_another_card(fresh: LocalStripe) -> None:
    client = fresh.client()
    subscription, invoice = refused(fresh)
    intent = intent_of(fresh, invoice)
    confirmed = client.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})
    assert confirmed.status == "succeeded"
    assert client.v1.invoices.retrieve(invoice.id).status == "paid"
    assert status(fresh, subscription) == "active"
    with pytest.raises(stripe.InvalidRequestError, match="already succeeded") as twice:
        client.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})
    assert twice.value.code == "payment_intent_unexpected_state"


def test_the_first_payment_is_confirmed_and_the_subscription_begins(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer = client.v1.customers.create()
    begun: Any = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": fresh.price()}],
            "payment_behavior": "default_incomplete",
            "expand": ["latest_invoice.confirmation_secret"],
        }
    )
    intent = intent_of(fresh, begun.latest_invoice)
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        client.v1.payment_intents.confirm(intent)
    with pytest.raises(stripe.CardError):
        client.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_chargeCustomerFail"})
    assert client.v1.payment_intents.retrieve(intent).last_payment_error is not None
    waits = client.v1.payment_intents.confirm(
        intent, {"payment_method": "pm_card_authenticationRequired"}
    )
    assert (waits.status, status(fresh, begun)) == ("requires_action", "incomplete")
    pay(fresh, begun.latest_invoice, authentication="complete")
    assert status(fresh, begun) == "active"


def form(local: LocalStripe, url: str, **fields: str) -> tuple[int, dict[str, str], str]:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = urllib.parse.urlencode(fields).encode()
    status, found, text = local.http("POST", url.removeprefix(local.url), body, headers)
    return status, found, text.decode()


def page(local: LocalStripe, url: str) -> str:
    status, headers, text = local.http("GET", url.removeprefix(local.url))
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    return text.decode()


CARD = {"expiry": "12 / 34", "cvc": "123", "name": "Ada"}


def test_the_hosted_page_goes_through_3d_secure(fresh: LocalStripe) -> None:
    subscription, invoice = refused(fresh)
    url = str(invoice.hosted_invoice_url)
    assert "Complete authentication" in page(fresh, url)
    status_code, _, text = form(fresh, url + "/authenticate", result="fail")
    assert (status_code, "unable to authenticate" in text) == (200, True)
    assert "$29.00" in page(fresh, url)
    assert "is declined" in page(fresh, url), "the test cards are named"
    _, _, text = form(fresh, url + "/pay", number=DECLINED, **CARD)
    assert "Your card was declined." in text
    status_code, headers, _ = form(fresh, url + "/pay", number=EVERY_TIME, **CARD)
    assert (status_code, headers["Location"]) == (303, url.removeprefix(fresh.url))
    assert "Complete authentication" in page(fresh, url)
    assert form(fresh, url + "/authenticate", result="complete")[0] == 303
    assert "Invoice paid" in page(fresh, url)
    assert status(fresh, subscription) == "active"
    assert "already been paid" in form(fresh, url + "/pay", number=EVERY_TIME, **CARD)[2]


def test_only_who_has_the_address_sees_an_invoice(fresh: LocalStripe) -> None:
    _, invoice = refused(fresh)
    path = str(invoice.hosted_invoice_url).removeprefix(fresh.url)
    assert fresh.http("GET", path[:-1] + "~")[0] == 404
    assert fresh.http("GET", f"/i/in_unknown/{path.rpartition('/')[2]}")[0] == 404
    assert form(fresh, path[:-1] + "~/pay", number="4242424242424242", **CARD)[0] == 404


def test_a_void_invoice_has_nothing_to_pay(fresh: LocalStripe) -> None:
    _, invoice = refused(fresh)
    fresh.client().v1.invoices.void_invoice(invoice.id)
    url = str(invoice.hosted_invoice_url)
    assert "This invoice is void." in page(fresh, url)
    assert "it cannot be paid" in form(fresh, url + "/pay", number="4242424242424242", **CARD)[2]


def test_a_retry_that_pays_ends_the_wait_when_what_came_later_is_void(fresh: LocalStripe) -> None:
    client = fresh.client()
    subscription, owed = refused(fresh, "pm_card_chargeCustomerFail")
    item: Any = {"id": subscription["items"].data[0].id, "price": fresh.price(PROFESSIONAL)}
    now: Any = {"items": [item], "proration_behavior": "always_invoice"}
    later = client.v1.subscriptions.update(subscription.id, now).latest_invoice
    client.v1.invoices.void_invoice(str(later))
    assert status(fresh, subscription) == "past_due"
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": subscription.customer})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": good.id})
    fresh.advance(4 * DAY)
    assert client.v1.invoices.retrieve(owed.id).status == "paid"
    assert status(fresh, subscription) == "active"
    assert client.v1.customers.retrieve(subscription.customer).delinquent is False

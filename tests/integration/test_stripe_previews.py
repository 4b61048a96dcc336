"""Previews of invoices, and what a cancellation settles."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import BASIL, DAY, ENDIVE, PROFESSIONAL, LocalStripe
from tests.integration.stripe_shapes import differences
from tests.integration.test_stripe_prorations import (
    MONTH,
    april,
    change,
    own_april,
    price,
    start_of,
    swap,
    types_of,
)

__all__ = ["april", "own_april"]


def preview(local: LocalStripe, subscription: Any, **details: Any) -> Any:
    params: Any = {"subscription": subscription.id, "subscription_details": details}
    return local.client().v1.invoices.create_preview(params)


def told(invoice: Any) -> list[tuple[int, str, int, int]]:
    return [
        (line.amount, line.description, line.period.start, line.period.end)
        for line in invoice.lines.data
    ]


@pytest.mark.parametrize("behavior", ["always_invoice", "create_prorations", "none"])
def test_a_preview_is_what_comes(own_april: LocalStripe, behavior: str) -> None:
    client = own_april.client()
    customer, subscription = own_april.subscriber()
    details: dict[str, Any] = {
        "items": swap(subscription, own_april.price(PROFESSIONAL), quantity=2),
        "proration_behavior": behavior,
    }
    if behavior != "none":
        details["proration_date"] = start_of(subscription) + 777_777
    events = len(own_april.events(customer.id))
    shown = preview(own_april, subscription, **details)
    assert shown.id.startswith("upcoming_in_")
    assert (shown.status, shown.billing_reason, shown.number) == ("draft", "upcoming", None)
    same = client.v1.subscriptions.retrieve(subscription.id)
    assert same.to_dict() == subscription.to_dict()
    assert len(own_april.events(customer.id)) == events
    assert client.v1.invoice_items.list().data == []
    assert len(client.v1.invoices.list().data) == 1
    client.v1.subscriptions.update(subscription.id, details)  # type: ignore[arg-type]
    own_april.advance(MONTH + 1)
    invoices = client.v1.invoices.list({"subscription": subscription.id}).data
    came = invoices[1] if behavior == "always_invoice" else invoices[0]
    assert told(shown) == told(came)
    assert (shown.total, shown.amount_due) == (came.total, came.amount_due)


def test_preview_of_the_annual_switch(april: LocalStripe) -> None:
    _, subscription = april.subscriber()
    shown = preview(
        april,
        subscription,
        items=swap(subscription, price(april, 29_000, "Annual", "year")),
        proration_date=start_of(subscription) + MONTH // 2,
    )
    # - 2900 / 2 + 29000 = 27550
    assert [line.amount for line in shown.lines.data] == [-1450, 29_000]
    assert shown.amount_due == 27_550


def test_preview_of_the_renewal(april: LocalStripe) -> None:
    client = april.client()
    customer, subscription = april.subscriber()
    client.v1.customers.update(customer.id, {"balance": -900})
    shown = client.v1.invoices.create_preview({"customer": customer.id})
    assert (shown.total, shown.starting_balance, shown.amount_due) == (2900, -900, 2000)
    assert shown.lines.data[0].period.start == start_of(subscription) + MONTH
    client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    with pytest.raises(stripe.InvalidRequestError, match="No upcoming invoices") as none:
        client.v1.invoices.create_preview({"customer": customer.id})
    assert (none.value.code, none.value.http_status) == ("invoice_upcoming_none", 404)
    kept = preview(april, subscription, cancel_at_period_end=False)
    assert kept.total == 2900


def test_preview_of_a_new_subscription(april: LocalStripe) -> None:
    client = april.client()
    customer = client.v1.customers.create({"email": "new@example.com"})
    shown = client.v1.invoices.create_preview(
        {
            "customer": customer.id,
            "subscription_details": {"items": [{"price": april.price(), "quantity": 3}]},
        }
    )
    assert (shown.total, shown.lines.data[0].quantity) == (8700, 3)  # 3 × 2900
    assert client.v1.subscriptions.list({"customer": customer.id}).data == []


@pytest.mark.parametrize("version", [BASIL, ENDIVE])
def test_a_preview_has_the_fields_of_an_invoice(april: LocalStripe, version: str) -> None:
    customer, _ = april.subscriber()
    shown = april.client(version).v1.invoices.create_preview({"customer": customer.id})
    assert sorted(differences(shown.to_dict(), stripe.Invoice, "preview", version)) == []


def test_refused_previews_leave_nothing(april: LocalStripe) -> None:
    client = april.client()
    with pytest.raises(stripe.InvalidRequestError, match="Missing required param: customer"):
        client.v1.invoices.create_preview()
    _, subscription = april.subscriber()
    with pytest.raises(stripe.InvalidRequestError, match="No such price"):
        preview(april, subscription, items=swap(subscription, "price_x"))
    same = client.v1.subscriptions.retrieve(subscription.id)
    assert same.to_dict() == subscription.to_dict()


def test_cancel_now_with_a_final_invoice(april: LocalStripe) -> None:
    client = april.client()
    customer, subscription = april.subscriber()
    first = april.events(customer.id)
    shown = preview(april, subscription, cancel_now=True)
    ended = client.v1.subscriptions.cancel(
        subscription.id, {"prorate": True, "invoice_now": True, "expand": ["latest_invoice"]}
    )
    final: Any = ended.latest_invoice
    credit = final.lines.data[0]
    used = credit.period.start - start_of(subscription)
    assert 0 <= used <= 30  # the test itself took that long
    # 30 of 2,592,000 s cost 2900 × 0.0000116 = 0.03 cents: rounded, all of it comes back
    assert credit.amount == -2900
    assert [line.amount for line in shown.lines.data] == [credit.amount]
    assert (ended.status, final.amount_due, final.status) == ("canceled", 0, "paid")
    assert client.v1.customers.retrieve(customer.id).balance == credit.amount
    types = [event.type for event in april.events(customer.id)[len(first) :]]
    assert types == [
        "invoiceitem.created",
        "invoice.created",
        "customer.updated",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.deleted",
    ]


def test_cancel_now_keeps_its_credit_for_later(april: LocalStripe) -> None:
    client = april.client()
    customer, subscription = april.subscriber()
    ended = client.v1.subscriptions.cancel(subscription.id, {"prorate": True})
    assert (ended.status, ended.latest_invoice) == ("canceled", subscription.latest_invoice)
    waiting = client.v1.invoice_items.list({"customer": customer.id, "pending": True}).data
    assert len(waiting) == 1
    assert client.v1.invoice_items.delete(waiting[0].id).deleted is True
    assert client.v1.invoice_items.list({"customer": customer.id}).data == []


def test_a_trial_has_nothing_to_give_back(april: LocalStripe) -> None:
    client = april.client()
    customer, trial = april.subscriber(subscription_data={"trial_period_days": 7})
    ended = client.v1.subscriptions.cancel(trial.id, {"prorate": True, "invoice_now": True})
    assert ended.latest_invoice == trial.latest_invoice
    assert client.v1.customers.retrieve(customer.id).balance == 0


def test_prorations_are_collected_when_the_period_ends(own_april: LocalStripe) -> None:
    client = own_april.client()
    _, subscription = own_april.subscriber()
    change(own_april, subscription, items=swap(subscription, own_april.price(PROFESSIONAL)))
    client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    own_april.advance(MONTH + DAY)
    ended = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    # - 2900 / 2 + 9900 / 2 = 3500
    assert (ended.status, ended.latest_invoice.amount_paid) == ("canceled", 3500)  # type: ignore[union-attr]


def test_a_deleted_customer_has_no_subscription_left(april: LocalStripe) -> None:
    client = april.client()
    customer, first = april.subscriber()
    paid = april.pay(april.checkout(customer.id).id)["session"]
    assert client.v1.customers.delete(customer.id).deleted is True
    for identifier in (first.id, paid["subscription"]):
        ended = client.v1.subscriptions.retrieve(identifier)
        assert (ended.status, ended.customer) == ("canceled", customer.id)
        assert ended.ended_at is not None
    assert types_of(april, customer.id)[-3:] == [
        "customer.subscription.deleted",
        "customer.subscription.deleted",
        "customer.deleted",
    ]
    assert types_of(april, first.default_payment_method)[-1] == "payment_method.detached"
    assert len(client.v1.invoices.list({"subscription": first.id}).data) == 1
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        client.v1.invoices.create_preview({"customer": customer.id})
    with pytest.raises(stripe.InvalidRequestError, match="No upcoming invoices"):
        client.v1.invoices.create_preview({"subscription": first.id})

"""What becomes of usage when a plan changes or ends, in Checkout and in the portal."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import (
    DAY,
    HOUR,
    STARTER,
    LocalStripe,
)
from tests.integration.stripe_usage import (
    MONTH,
    april,
    end_of,
    invoices,
    lines,
    metered_price,
    new_meter,
    report,
    subscribe,
)

__all__ = ["april"]


@pytest.mark.parametrize("invoice_now", [True, False])
def test_a_cancellation_bills_usage_if_told_to(april: LocalStripe, invoice_now: bool) -> None:
    meter = new_meter(april, "ended")
    subscription = subscribe(april, metered_price(april, meter).id)
    report(april, meter, subscription.customer, 100)
    april.advance(10 * DAY)
    client = april.client()
    client.v1.subscriptions.cancel(subscription.id, {"invoice_now": invoice_now})
    billed = [lines(each) for each in invoices(april, subscription)[1:]]
    expected = [[("100 × Calls (at $0.02 / month)", 100, 200)]] if invoice_now else []
    assert billed == expected
    april.advance(MONTH)
    assert len(invoices(april, subscription)) == 1 + len(expected)


def test_a_cancellation_at_the_end_bills_the_last_period(april: LocalStripe) -> None:
    meter = new_meter(april, "last")
    subscription = subscribe(april, metered_price(april, meter).id)
    report(april, meter, subscription.customer, 100)
    update: Any = {"cancel_at_period_end": True}
    april.client().v1.subscriptions.update(subscription.id, update)
    shown = april.client().v1.invoices.create_preview({"subscription": subscription.id})
    assert shown.total == 200
    april.advance(MONTH + 2 * HOUR)
    final = invoices(april, subscription)[1]
    assert (final.total, final.status) == (200, "paid")
    ended = april.client().v1.subscriptions.retrieve(subscription.id)
    assert (ended.status, ended.latest_invoice) == ("canceled", final.id)


def test_a_trial_that_is_not_gone_on_with_costs_nothing(april: LocalStripe) -> None:
    meter = new_meter(april, "left")
    subscription = subscribe(april, metered_price(april, meter).id, trial_period_days=7)
    report(april, meter, subscription.customer, 300)
    update: Any = {"cancel_at_period_end": True}
    april.client().v1.subscriptions.update(subscription.id, update)
    april.advance(8 * DAY)
    ended = april.client().v1.subscriptions.retrieve(subscription.id)
    assert (ended.status, [each.total for each in invoices(april, subscription)]) == (
        "canceled",
        [0],
    )


def test_nothing_used_makes_no_last_invoice(april: LocalStripe) -> None:
    meter = new_meter(april, "idle")
    subscription = subscribe(april, metered_price(april, meter).id)
    april.client().v1.subscriptions.cancel(subscription.id, {"invoice_now": True})
    assert len(invoices(april, subscription)) == 1


def test_a_preview_shows_the_usage_so_far(april: LocalStripe) -> None:
    meter = new_meter(april, "shown")
    subscription = subscribe(april, metered_price(april, meter).id)
    start, end = end_of(subscription) - MONTH, end_of(subscription)
    client = april.client()
    for value, total in ((100, 200), (25, 250)):
        report(april, meter, subscription.customer, value)
        shown = client.v1.invoices.create_preview({"subscription": subscription.id})
        assert shown.total == total
        (line,) = shown.lines.data
        assert (line.period.start, line.period.end) == (start, end)
    details: Any = {"cancel_now": True}
    params: Any = {"subscription": subscription.id, "subscription_details": details}
    assert client.v1.invoices.create_preview(params).total == 250
    april.advance(MONTH + 2 * HOUR)
    assert invoices(april, subscription)[1].total == 250


def test_a_new_billing_cycle_bills_what_was_used(april: LocalStripe) -> None:
    meter = new_meter(april, "anchor")
    subscription = subscribe(april, metered_price(april, meter).id)
    report(april, meter, subscription.customer, 100)
    april.advance(10 * DAY)
    update: Any = {"billing_cycle_anchor": "now"}
    april.client().v1.subscriptions.update(subscription.id, update)
    assert lines(invoices(april, subscription)[1]) == [("100 × Calls (at $0.02 / month)", 100, 200)]
    april.advance(MONTH + 2 * HOUR)
    assert invoices(april, subscription)[2].total == 0


@pytest.mark.parametrize(
    ("mode", "behavior", "expected"),
    [
        ("classic", "create_prorations", [300]),
        ("flexible", "create_prorations", [200, 300]),
        ("flexible", "none", [300]),
    ],
)
def test_usage_before_another_price(
    april: LocalStripe, mode: str, behavior: str, expected: list[int]
) -> None:
    """100 at 2 cents, then 60 at 5; classic forgets the former ("Update prices mid-cycle")."""
    meter = new_meter(april, "swapped")
    before, after = metered_price(april, meter), metered_price(april, meter, unit_amount=5)
    subscription = subscribe(april, before.id, billing_mode={"type": mode})
    customer = subscription.customer
    report(april, meter, customer, 100)
    april.advance(10 * DAY)
    change: Any = {
        "items": [{"id": subscription["items"].data[0].id, "price": after.id}],
        "proration_behavior": behavior,
    }
    april.client().v1.subscriptions.update(subscription.id, change)
    report(april, meter, customer, 60)
    april.advance(20 * DAY + 2 * HOUR)
    assert [line.amount for line in invoices(april, subscription)[-1].lines.data] == expected


def test_an_item_that_goes_is_billed_in_flexible_mode_alone(april: LocalStripe) -> None:
    meter = new_meter(april, "removed")
    price = metered_price(april, meter).id
    for mode, waiting in (("classic", []), ("flexible", [200])):
        subscription = subscribe(april, april.price(STARTER), price, billing_mode={"type": mode})
        report(april, meter, subscription.customer, 100)
        april.client().v1.subscription_items.delete(subscription["items"].data[1].id)
        found = april.client().v1.invoice_items.list({"customer": subscription.customer})
        assert [each.amount for each in found.data] == waiting


def test_an_item_added_later_counts_from_then_on(april: LocalStripe) -> None:
    meter = new_meter(april, "added")
    subscription = subscribe(april, april.price(STARTER))
    report(april, meter, subscription.customer, 100)
    april.advance(DAY)
    params: Any = {"subscription": subscription.id, "price": metered_price(april, meter).id}
    april.client().v1.subscription_items.create(params)
    report(april, meter, subscription.customer, 7)
    april.advance(MONTH)
    assert lines(invoices(april, subscription)[-1])[1:] == [("7 × Calls (at $0.02 / month)", 7, 14)]


def test_checkout_sells_metered_prices_without_a_quantity(april: LocalStripe) -> None:
    meter = new_meter(april, "bought")
    price = metered_price(april, meter).id
    customer = april.client().v1.customers.create().id
    params: Any = {
        "mode": "subscription",
        "customer": customer,
        "line_items": [{"price": price}],
        "success_url": "http://localhost:8000/",
    }
    session = april.client().v1.checkout.sessions.create(params)
    assert (session.amount_total, session.payment_status) == (0, "unpaid")
    items = april.client().v1.checkout.sessions.line_items.list(session.id).data
    assert [(item.quantity, item.amount_total) for item in items] == [(None, 0)]
    status, _, page = april.http("GET", str(session.url).removeprefix(april.url))
    assert status == 200
    assert b"None" not in page
    paid = april.pay(session.id)
    assert paid["session"]["payment_status"] == "no_payment_required"
    subscription = april.client().v1.subscriptions.retrieve(paid["session"]["subscription"])
    report(april, meter, customer, 100)
    april.advance(MONTH + 2 * HOUR)
    renewal = invoices(april, subscription)[1]
    assert (renewal.amount_paid, renewal.status) == (200, "paid")


def test_checkout_with_nothing_but_usage_in_flexible_mode(april: LocalStripe) -> None:
    price = metered_price(april, new_meter(april, "nothing")).id
    session = april.checkout(
        line_items=[{"price": price}], subscription_data={"billing_mode": {"type": "flexible"}}
    )
    paid = april.pay(session.id)
    assert paid["status"] == "complete"
    assert paid["session"]["invoice"] is None


def test_the_portal_shows_a_metered_plan(april: LocalStripe) -> None:
    subscription = subscribe(april, metered_price(april, new_meter(april, "seen")).id)
    params: Any = {"customer": subscription.customer, "return_url": "http://localhost:8000/"}
    session = april.client().v1.billing_portal.sessions.create(params)
    status, _, page = april.http("GET", session.url.removeprefix(april.url))
    assert status == 200, page
    assert b"Calls" in page
    starter = april.client().v1.prices.retrieve(april.price(STARTER))
    offered = {"product": starter.product, "prices": [starter.id]}
    update = {"enabled": True, "default_allowed_updates": ["price"], "products": [offered]}
    card = {"enabled": True}
    features: Any = {"features": {"subscription_update": update, "payment_method_update": card}}
    configuration = april.client().v1.billing_portal.configurations.create(features)
    flow: Any = {
        "type": "subscription_update",
        "subscription_update": {"subscription": subscription.id},
    }
    asked: Any = {**params, "flow_data": flow, "configuration": configuration.id}
    with pytest.raises(stripe.InvalidRequestError, match="its price is metered"):
        april.client().v1.billing_portal.sessions.create(asked)

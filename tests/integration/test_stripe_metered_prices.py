"""Metered prices: usage is billed after the period it fell in; every cent is worked out by hand.

The clock stands at 1 April 2031, 01:00 UTC, so that periods last 30 days, whatever the day is.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import stripe

from localcloud.stripe.store import Store
from tests.integration.stripe_fixtures import (
    BASIL,
    DAY,
    ENDIVE,
    STARTER,
    LocalStripe,
    config_for,
    local,
    running,
)
from tests.integration.test_stripe_meters import new_meter, now, report

__all__ = ["local"]
APRIL = int(datetime(2031, 4, 1, tzinfo=UTC).timestamp())
HOUR = 3600
MONTH = 30 * DAY


@pytest.fixture
def april(tmp_path: Path) -> Iterator[LocalStripe]:
    with running(config_for(tmp_path)) as server:
        server.advance(APRIL + HOUR - int(time.time()))
        yield server


def metered_price(local: LocalStripe, meter: Any, **more: Any) -> Any:
    amounts = {} if {"unit_amount_decimal", "billing_scheme"} & set(more) else {"unit_amount": 2}
    params: Any = {
        "currency": "usd",
        "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
        "product_data": {"name": "Calls"},
        **amounts,
        **more,
    }
    return local.client().v1.prices.create(params)


def carded(local: LocalStripe) -> str:
    client = local.client()
    customer = client.v1.customers.create()
    card = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    default: Any = {"invoice_settings": {"default_payment_method": card.id}}
    client.v1.customers.update(customer.id, default)
    return customer.id


def subscribe(local: LocalStripe, *prices: str, **more: Any) -> Any:
    params: Any = {
        "customer": more.pop("customer", None) or carded(local),
        "items": [{"price": each} for each in prices],
        **more,
    }
    return local.client().v1.subscriptions.create(params)


def invoices(local: LocalStripe, subscription: Any) -> list[Any]:
    """Oldest first."""
    found = local.client().v1.invoices.list({"subscription": subscription.id, "limit": 20})
    return found.data[::-1]


def lines(invoice: Any) -> list[tuple[str, int | None, int]]:
    return [(str(line.description), line.quantity, line.amount) for line in invoice.lines.data]


def end_of(subscription: Any) -> int:
    return int(subscription["items"].data[0].current_period_end)


def test_usage_is_billed_when_its_period_is_over(april: LocalStripe) -> None:
    meter = new_meter(april, "calls")
    subscription = subscribe(april, metered_price(april, meter).id)
    customer = subscription.customer
    (item,) = subscription["items"].data
    assert "quantity" not in item.to_dict()
    assert (item.price.recurring.usage_type, item.price.recurring.meter) == ("metered", meter.id)
    (first,) = invoices(april, subscription)
    assert lines(first) == [("0 × Calls (at $0.02 / month)", 0, 0)]
    assert (first.status, subscription.status) == ("paid", "active")
    start, end = item.current_period_start, item.current_period_end
    report(april, meter, customer, 1000, timestamp=start)
    report(april, meter, customer, 500, timestamp=start - 1)  # before the subscription
    april.advance(end - now(april) - 100)
    report(april, meter, customer, 234, timestamp=end - 100)
    report(april, meter, customer, 7, timestamp=end)  # the next period's
    april.advance(100 + HOUR + 60)
    _, renewal = invoices(april, subscription)
    # 1,234 × 2 cents
    assert lines(renewal) == [("1234 × Calls (at $0.02 / month)", 1234, 2468)]
    (line,) = renewal.lines.data
    assert (line.period.start, line.period.end) == (start, end)
    assert str(line.pricing.unit_amount_decimal) == "2"
    assert line.pricing.price_details.price == item.price.id
    assert line.parent.subscription_item_details.proration is False
    assert line.parent.subscription_item_details.subscription_item == item.id
    assert (renewal.status, renewal.amount_paid) == ("paid", 2468)
    april.advance(31 * DAY)
    third = invoices(april, subscription)[2]
    assert lines(third) == [("7 × Calls (at $0.02 / month)", 7, 14)]
    assert (third.amount_due, third.ending_balance) == (0, 14)  # below the smallest charge: owed


def test_a_licensed_item_beside_it_is_billed_in_advance(april: LocalStripe) -> None:
    meter = new_meter(april, "beside")
    subscription = subscribe(april, april.price(STARTER), metered_price(april, meter).id)
    report(april, meter, subscription.customer, 50)
    first_end = end_of(subscription)
    april.advance(MONTH + 2 * HOUR)
    _, renewal = invoices(april, subscription)
    periods = [(line.amount, line.period.start, line.period.end) for line in renewal.lines.data]
    starter = invoices(april, subscription)[0].lines.data[0].amount
    item = april.client().v1.subscription_items.list({"subscription": subscription.id}).data[0]
    assert periods == [
        (starter, first_end, item.current_period_end),
        (100, first_end - MONTH, first_end),
    ]
    assert renewal.total == starter + 100


def test_usage_reported_in_the_hour_of_the_draft_counts(april: LocalStripe) -> None:
    meter = new_meter(april, "late")
    subscription = subscribe(april, metered_price(april, meter).id)
    customer, end = subscription.customer, end_of(subscription)
    report(april, meter, customer, 100)
    april.advance(end - now(april) + 60)
    _, draft = invoices(april, subscription)
    assert (draft.status, draft.total) == ("draft", 200)
    report(april, meter, customer, 40, timestamp=end - 1)
    report(april, meter, customer, 5, timestamp=end)
    april.advance(HOUR)
    _, final = invoices(april, subscription)
    assert lines(final) == [("140 × Calls (at $0.02 / month)", 140, 280)]
    assert (final.total, final.amount_paid, final.status) == (280, 280, "paid")
    assert final.lines.data[0].id == draft.lines.data[0].id
    changed = [each for each in april.events(draft.id) if each.type == "invoice.updated"]
    before = [each.to_dict()["data"]["previous_attributes"].get("total") for each in changed]
    assert 200 in before
    report(april, meter, customer, 1000, timestamp=end - 1)  # too late: never billed
    april.advance(31 * DAY)
    assert lines(invoices(april, subscription)[2]) == [("5 × Calls (at $0.02 / month)", 5, 10)]


def test_lines_keep_their_places_when_usage_is_counted_again(april: LocalStripe) -> None:
    meter = new_meter(april, "places")
    subscription = subscribe(april, metered_price(april, meter).id, april.price(STARTER))
    end = end_of(subscription)
    april.advance(end - now(april) + 60)
    draft = invoices(april, subscription)[1]
    report(april, meter, subscription.customer, 40, timestamp=end - 1)
    april.client().v1.invoices.finalize_invoice(draft.id)
    final = invoices(april, subscription)[1]
    assert [line.id for line in final.lines.data] == [line.id for line in draft.lines.data]
    starter = draft.total
    assert [line.amount for line in final.lines.data] == [80, starter]
    assert final.total == starter + 80


def test_a_discount_follows_the_usage_of_the_last_hour(april: LocalStripe) -> None:
    meter = new_meter(april, "off")
    half = april.client().v1.coupons.create({"percent_off": 50, "duration": "forever"})
    price = metered_price(april, meter).id
    subscription = subscribe(april, price, discounts=[{"coupon": half.id}])
    end = end_of(subscription)
    report(april, meter, subscription.customer, 1000)
    april.advance(end - now(april) + 60)
    assert invoices(april, subscription)[1].total == 1000  # 2,000 less half
    report(april, meter, subscription.customer, 501, timestamp=end - 1)
    april.advance(HOUR)
    final = invoices(april, subscription)[1]
    assert (final.subtotal, final.total) == (3002, 1501)
    assert [each.amount for each in final.total_discount_amounts] == [1501]


def test_a_negative_sum_is_nothing_used(april: LocalStripe) -> None:
    meter = new_meter(april, "negative")
    subscription = subscribe(april, metered_price(april, meter).id)
    report(april, meter, subscription.customer, -5)
    april.advance(MONTH + 2 * HOUR)
    renewal = invoices(april, subscription)[1]
    assert lines(renewal) == [("0 × Calls (at $0.02 / month)", 0, 0)]
    assert (renewal.status, renewal.amount_paid) == ("paid", 0)


@pytest.mark.parametrize(
    ("mode", "start", "end"),
    [
        ("classic", "0 × Calls (Free trial)", "300 × Calls (Free trial)"),
        ("flexible", None, "Free trial for 300 × Calls"),
    ],
)
def test_what_a_trial_uses_is_free(
    april: LocalStripe, mode: str, start: str | None, end: str
) -> None:
    meter = new_meter(april, "tried")
    subscription = subscribe(
        april,
        metered_price(april, meter).id,
        trial_period_days=7,
        billing_mode={"type": mode},
    )
    report(april, meter, subscription.customer, 300)
    made = invoices(april, subscription)
    assert [line for each in made for line in lines(each)] == ([(start, 0, 0)] if start else [])
    april.advance(7 * DAY + 2 * HOUR)
    assert lines(invoices(april, subscription)[-1]) == [(end, 300, 0)]
    report(april, meter, subscription.customer, 100)
    april.advance(31 * DAY)
    assert lines(invoices(april, subscription)[-1]) == [
        ("100 × Calls (at $0.02 / month)", 100, 200)
    ]


def test_a_trial_that_is_ended_early_was_free(april: LocalStripe) -> None:
    meter = new_meter(april, "cut")
    subscription = subscribe(april, metered_price(april, meter).id, trial_period_days=7)
    report(april, meter, subscription.customer, 300)
    april.advance(DAY)
    april.client().v1.subscriptions.update(subscription.id, {"trial_end": "now"})
    assert invoices(april, subscription)[-1].total == 0


def test_flexible_billing_mode_makes_no_invoice_over_nothing(april: LocalStripe) -> None:
    meter = new_meter(april, "flexible")
    price = metered_price(april, meter).id
    subscription = subscribe(april, price, billing_mode={"type": "flexible"})
    assert (subscription.status, subscription.latest_invoice) == ("active", None)
    assert invoices(april, subscription) == []
    report(april, meter, subscription.customer, 100)
    april.advance(MONTH + 2 * HOUR)
    assert [each.total for each in invoices(april, subscription)] == [200]


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


def test_graduated_tiers_are_lines_of_their_own(april: LocalStripe) -> None:
    meter = new_meter(april, "tiers")
    tiers = [{"up_to": 100, "unit_amount": 0}, {"up_to": "inf", "unit_amount_decimal": "0.5"}]
    price = metered_price(
        april, meter, billing_scheme="tiered", tiers_mode="graduated", tiers=tiers
    )
    assert (price.unit_amount, price.unit_amount_decimal, price.tiers_mode) == (
        None,
        None,
        "graduated",
    )
    shown = april.client().v1.prices.retrieve(price.id, {"expand": ["tiers"]})
    assert shown.tiers is not None
    assert [(tier.up_to, str(tier.unit_amount_decimal)) for tier in shown.tiers] == [
        (100, "0"),
        (None, "0.5"),
    ]
    subscription = subscribe(april, price.id)
    end = end_of(subscription)
    report(april, meter, subscription.customer, 90)
    april.advance(end - now(april) + 60)
    assert lines(invoices(april, subscription)[1]) == [
        ("90 × Calls (Tier 1 at $0.00 / month)", 90, 0)
    ]
    report(april, meter, subscription.customer, 311, timestamp=end - 1)
    april.advance(HOUR)
    # 401 = 100 free + 301 × 0.5 cents = 150.5, rounded up
    assert lines(invoices(april, subscription)[1]) == [
        ("100 × Calls (Tier 1 at $0.00 / month)", 100, 0),
        ("301 × Calls (Tier 2 at $0.005 / month)", 301, 151),
    ]


def test_parts_of_a_cent(april: LocalStripe) -> None:
    meter = new_meter(april, "fine")
    price = metered_price(april, meter, unit_amount_decimal="0.0300")
    assert (price.unit_amount, str(price.unit_amount_decimal)) == (None, "0.03")
    subscription = subscribe(april, price.id)
    report(april, meter, subscription.customer, 123_450)
    april.advance(MONTH + 2 * HOUR)
    # 123,450 × 0.03 cents = 3,703.5, rounded up
    assert invoices(april, subscription)[1].total == 3704


def test_whole_cents_as_a_decimal_are_both(local: LocalStripe) -> None:
    params: Any = {
        "currency": "usd",
        "unit_amount_decimal": "250.0",
        "product_data": {"name": "Whole"},
    }
    price = local.client().v1.prices.create(params)
    assert (price.unit_amount, str(price.unit_amount_decimal)) == (250, "250")


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


def test_quantities_of_metered_prices_are_refused(local: LocalStripe) -> None:
    price = metered_price(local, new_meter(local, "unquantified")).id
    client = local.client()
    customer = carded(local)
    item: Any = {"price": price, "quantity": 2}
    with pytest.raises(stripe.InvalidRequestError, match="cannot set the quantity") as refused:
        client.v1.subscriptions.create({"customer": customer, "items": [item]})
    assert refused.value.param == "items[0][quantity]"
    subscription = subscribe(local, price, customer=customer)
    held = subscription["items"].data[0].id
    with pytest.raises(stripe.InvalidRequestError, match="cannot set the quantity"):
        client.v1.subscription_items.update(held, {"quantity": 1})
    with pytest.raises(stripe.InvalidRequestError, match="Quantity should not be specified"):
        local.checkout(line_items=[{"price": price, "quantity": 1}])


@pytest.mark.parametrize(
    ("recurring", "words"),
    [
        ({"usage_type": "metered"}, "metered prices must be backed by meters"),
        ({"meter": "<meter>"}, "A meter can only be set on prices with"),
        ({"usage_type": "metered", "meter": "mtr_nobody"}, "No such meter: 'mtr_nobody'"),
        ({"usage_type": "metered", "meter": "<stopped>"}, "is inactive"),
    ],
)
def test_a_metered_price_needs_an_active_meter(
    local: LocalStripe, recurring: dict[str, str], words: str
) -> None:
    meter = new_meter(local, f"needed {recurring}")
    if recurring.get("meter") == "<stopped>":
        local.client().v1.billing.meters.deactivate(meter.id)
    if recurring.get("meter", "").startswith("<"):
        recurring = {**recurring, "meter": meter.id}
    params: Any = {
        "currency": "usd",
        "unit_amount": 1,
        "product_data": {"name": "Calls"},
        "recurring": {"interval": "month", **recurring},
    }
    with pytest.raises(stripe.InvalidRequestError, match=words):
        local.client().v1.prices.create(params)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unit_amount": 1, "unit_amount_decimal": "1.5"}, "only specify one of these"),
        ({"unit_amount_decimal": "1.0000000000001"}, "at most 12 decimal places"),
        ({"unit_amount_decimal": "-1"}, "Invalid decimal"),
        ({"unit_amount_decimal": "100000000"}, "must be at most"),
        ({"tiers_mode": "volume", "unit_amount": 1}, "when `billing_scheme` is `tiered`"),
        ({"billing_scheme": "tiered", "tiers_mode": "volume"}, "You must pass `tiers`"),
        (
            {
                "billing_scheme": "tiered",
                "tiers_mode": "volume",
                "tiers": [{"up_to": 5, "unit_amount": 1}],
            },
            "The last tier, and no other",
        ),
        (
            {
                "billing_scheme": "tiered",
                "tiers_mode": "volume",
                "tiers": [
                    {"up_to": 5, "unit_amount": 1},
                    {"up_to": 5, "unit_amount": 1},
                    {"up_to": "inf", "unit_amount": 1},
                ],
            },
            "must be above the one before",
        ),
    ],
)
def test_amounts_that_cannot_be(local: LocalStripe, change: dict[str, Any], words: str) -> None:
    meter = new_meter(local, f"odd {words}")
    recurring = {"interval": "month", "usage_type": "metered", "meter": meter.id}
    named = {"currency": "usd", "product_data": {"name": "Odd"}}
    params: Any = {**named, "recurring": recurring, **change}
    with pytest.raises(stripe.InvalidRequestError, match=words):
        local.client().v1.prices.create(params)


def test_what_tiers_are_not_built_for_says_so(local: LocalStripe) -> None:
    tier = {"up_to": "inf", "unit_amount": 1}
    params: Any = {
        "currency": "usd",
        "product_data": {"name": "Seats"},
        "billing_scheme": "tiered",
        "tiers_mode": "volume",
        "recurring": {"interval": "month"},
        "tiers": [tier],
    }
    flat: Any = {**params, "tiers": [{**tier, "flat_amount": 5}]}
    with pytest.raises(stripe.APIError, match="tiered prices that are not metered"):
        local.client().v1.prices.create(params)
    with pytest.raises(stripe.APIError, match=r"the parameter tiers\[0\]\[flat_amount\]"):
        local.client().v1.prices.create(flat)


def test_prices_are_found_by_meter_and_use(local: LocalStripe) -> None:
    meter = new_meter(local, "listed")
    price = metered_price(local, meter)
    prices = local.client().v1.prices
    by_meter: Any = {"recurring": {"meter": meter.id}}
    assert [each.id for each in prices.list(by_meter).data] == [price.id]
    by_use: Any = {"recurring": {"usage_type": "metered"}, "limit": 100}
    found = prices.list(by_use).data
    assert price.id in [each.id for each in found]
    assert {each.recurring.usage_type for each in found if each.recurring} == {"metered"}


def test_versions_agree_about_the_line(april: LocalStripe) -> None:
    meter = new_meter(april, "versions")
    subscription = subscribe(april, metered_price(april, meter).id)
    report(april, meter, subscription.customer, 3)
    april.advance(MONTH + 2 * HOUR)
    renewal = invoices(april, subscription)[1].id
    old = april.client(BASIL).v1.invoices.line_items.list(renewal).data[0].to_dict()
    new = april.client(ENDIVE).v1.invoices.line_items.list(renewal).data[0].to_dict()
    assert "quantity_decimal" not in old
    assert (old["quantity"], str(new["quantity_decimal"])) == (3, "3")
    assert not [name for name in new if name.startswith("_")]


def test_a_subscription_of_an_earlier_release_renews(april: LocalStripe) -> None:
    """Its items do not say since when they are used."""
    subscription = subscribe(april, april.price(STARTER))
    store = Store(april.config.state_dir / "stripe.sqlite")
    with store.transaction():
        item = store.get("subscription_item", subscription["items"].data[0].id)
        assert item is not None
        del item["_used_from"]
        store.put(item)
    store.close()
    april.advance(MONTH + 2 * HOUR)
    assert [each.status for each in invoices(april, subscription)] == ["paid", "paid"]

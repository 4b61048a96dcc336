"""Usage is billed after the period it fell in; every cent is worked out by hand."""

import pytest

from localcloud.stripe.store import Store
from tests.integration.stripe_fixtures import (
    BASIL,
    DAY,
    ENDIVE,
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
    now,
    report,
    subscribe,
)

__all__ = ["april"]


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

"""Changes of plan at the local Stripe: every cent is worked out by hand beside its number.

Periods begin on 1 April 2083 and last 30 days = 2,592,000 s, whatever the day the test runs.
"""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import stripe

from localcloud.stripe.proration import portion
from tests.integration.stripe_fixtures import (
    BASIL,
    DAY,
    ENDIVE,
    PROFESSIONAL,
    LocalStripe,
    config_for,
    running,
)

APRIL = int(datetime(2083, 4, 1, tzinfo=UTC).timestamp())
MONTH = 30 * DAY


@pytest.fixture(scope="module")
def april(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running(config_for(_path(tmp_path_factory))) as server:
        server.advance(APRIL + 3600 - int(time.time()))
        yield server


@pytest.fixture
def own_april(tmp_path: Path) -> Any:
    with running(config_for(tmp_path)) as server:
        server.advance(APRIL + 3600 - int(time.time()))
        yield server


def _path(factory: pytest.TempPathFactory) -> Path:
    return factory.mktemp("april")


def price(local: LocalStripe, amount: int, name: str, interval: str = "month") -> str:
    made = local.client().v1.prices.create(
        {
            "currency": "usd",
            "unit_amount": amount,
            "recurring": {"interval": interval},
            "product_data": {"name": name},
        }
    )
    return made.id


def start_of(subscription: Any) -> int:
    return int(subscription["items"].data[0].current_period_start)


def change(local: LocalStripe, subscription: Any, **params: Any) -> Any:
    """Update half-way, after exactly 15 of 30 days, unless another `after` (seconds) is given."""
    moment = start_of(subscription) + params.pop("after", MONTH // 2)
    if params.get("proration_behavior") != "none":
        params["proration_date"] = moment
    return local.client().v1.subscriptions.update(subscription.id, params)  # type: ignore[arg-type]


def swap(subscription: Any, to: str, **more: Any) -> list[dict[str, Any]]:
    return [{"id": subscription["items"].data[0].id, "price": to, **more}]


def lines_of(local: LocalStripe, invoice: str) -> list[tuple[int, str]]:
    found = local.client().v1.invoices.retrieve(invoice)
    return [(line.amount, str(line.description)) for line in found.lines.data]


def day_of(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%d %b %Y")


def types_of(local: LocalStripe, about: str) -> list[str]:
    return [event.type for event in local.events(about)]


def test_rounding_is_half_up_and_away_from_zero() -> None:
    assert portion(1, 1, 2) == 1  # 0.5
    assert portion(-1, 1, 2) == -1  # -0.5
    assert portion(2900, 1, 3) == 967  # 966.67
    assert portion(1000, 1, 3) == 333  # 333.33
    assert portion(0, 1, 3) == 0


def test_upgrade_waits_for_the_next_invoice(own_april: LocalStripe) -> None:
    client = own_april.client()
    _, subscription = own_april.subscriber()
    half = start_of(subscription) + MONTH // 2
    upgraded = change(
        own_april, subscription, items=swap(subscription, own_april.price(PROFESSIONAL))
    )
    assert upgraded.latest_invoice == subscription.latest_invoice
    assert start_of(upgraded) == start_of(subscription)
    waiting = client.v1.invoice_items.list({"customer": subscription.customer, "pending": True})
    assert [(item.amount, item.description) for item in reversed(waiting.data)] == [
        # 2900 × 1,296,000 s / 2,592,000 s = 1450
        (-1450, f"Unused time on Starter after {day_of(half)}"),
        # 9900 × 1,296,000 s / 2,592,000 s = 4950
        (4950, f"Remaining time on Professional after {day_of(half)}"),
    ]
    assert {(item.proration, item.date) for item in waiting.data} == {(True, half)}
    own_april.renew(subscription)
    renewed = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    invoice: Any = renewed.latest_invoice
    # -1450 + 4950 + 9900 = 13400
    assert [line.amount for line in invoice.lines.data] == [-1450, 4950, 9900]
    assert (invoice.total, invoice.amount_paid, invoice.status) == (13400, 13400, "paid")
    assert client.v1.invoice_items.list({"pending": True}).data == []
    assert all(item.invoice == invoice.id for item in client.v1.invoice_items.list().data)


def test_proration_lines_show_their_arithmetic(april: LocalStripe) -> None:
    _, subscription = april.subscriber()
    end = subscription["items"].data[0].current_period_end
    upgraded = change(
        april,
        subscription,
        items=swap(subscription, april.price(PROFESSIONAL)),
        proration_behavior="always_invoice",
        after=1_000_000,
        expand=["latest_invoice"],
    )
    invoice = upgraded.latest_invoice
    credit, debit = invoice.lines.data
    # 1,592,000 of 2,592,000 s are left: 2900 × 0.614197… = 1781.17; 9900 × 0.614197… = 6080.56
    assert (credit.amount, debit.amount) == (-1781, 6081)
    assert (invoice.total, invoice.amount_due, invoice.status) == (4300, 4300, "paid")
    assert (invoice.billing_reason, upgraded.status) == ("subscription_update", "active")
    first = april.client().v1.invoices.retrieve(str(subscription.latest_invoice))
    details = credit.parent.subscription_item_details
    assert details.proration is True
    assert details.subscription_item == subscription["items"].data[0].id
    assert details.proration_details.credited_items.to_dict() == {
        "invoice": first.id,
        "invoice_line_items": [first.lines.data[0].id],
    }
    assert details.invoice_item.startswith("ii_")
    for line in (credit, debit):
        assert (line.period.start, line.period.end) == (start_of(subscription) + 1_000_000, end)
    assert debit.pricing.price_details.price == april.price(PROFESSIONAL)
    assert debit.parent.subscription_item_details.proration_details.credited_items is None


def test_events_of_an_upgrade_come_in_order(april: LocalStripe) -> None:
    customer, subscription = april.subscriber()
    known = len(types_of(april, customer.id))
    change(
        april,
        subscription,
        items=swap(subscription, april.price(PROFESSIONAL)),
        proration_behavior="always_invoice",
    )
    events = april.events(customer.id)[known:]
    assert [event.type for event in events] == [
        "invoiceitem.created",
        "invoiceitem.created",
        "invoice.created",
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.updated",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.updated",
    ]
    before = events[-1].data.previous_attributes.to_dict()
    assert set(before) == {"items", "latest_invoice"}
    assert before["items"]["data"][0]["price"]["unit_amount"] == 2900


def test_annual_switch_begins_a_year_and_is_paid_at_once(april: LocalStripe) -> None:
    _, subscription = april.subscriber()
    annual = price(april, 29_000, "Starter annual", "year")
    before = april.account.clock.now()
    switched = change(
        april, subscription, items=swap(subscription, annual), expand=["latest_invoice"]
    )
    invoice = switched.latest_invoice
    # credit 2900 / 2 = 1450, then a whole year: 29000 - 1450 = 27550
    assert [line.amount for line in invoice.lines.data] == [-1450, 29_000]
    assert (invoice.amount_paid, invoice.billing_reason) == (27_550, "subscription_update")
    credit, year = invoice.lines.data
    assert (
        credit.parent.subscription_item_details.proration,
        year.parent.subscription_item_details.proration,
    ) == (True, False)
    item = switched["items"].data[0]
    assert before <= item.current_period_start <= before + 60
    assert item.current_period_end - item.current_period_start == 366 * DAY  # 2084 is a leap year
    assert switched.billing_cycle_anchor == item.current_period_start == year.period.start


def test_annual_switch_without_proration_is_charged_in_full(april: LocalStripe) -> None:
    _, subscription = april.subscriber()
    annual = price(april, 29_000, "Starter annual", "year")
    switched = change(
        april,
        subscription,
        items=swap(subscription, annual),
        proration_behavior="none",
        expand=["latest_invoice"],
    )
    assert [line.amount for line in switched.latest_invoice.lines.data] == [29_000]


def test_reset_of_the_billing_cycle(april: LocalStripe) -> None:
    _, subscription = april.subscriber()
    reset = change(april, subscription, billing_cycle_anchor="now", expand=["latest_invoice"])
    # 2900 / 2 back, 2900 for the new period
    assert [line.amount for line in reset.latest_invoice.lines.data] == [-1450, 2900]
    assert reset.billing_cycle_anchor == start_of(reset) >= start_of(subscription)
    same = change(april, reset, billing_cycle_anchor="unchanged", after=0)
    assert same.latest_invoice == reset.latest_invoice.id


def test_from_free_to_paid_begins_a_period(april: LocalStripe) -> None:
    client = april.client()
    customer = client.v1.customers.create({"email": "free@example.com"})
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    subscription = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "default_payment_method": method.id,
            "items": [{"price": price(april, 0, "Free")}],
        }
    )
    paid = change(
        april,
        subscription,
        items=swap(subscription, april.price()),
        after=0,
        expand=["latest_invoice"],
    )
    assert [line.amount for line in paid.latest_invoice.lines.data] == [0, 2900]
    assert paid.latest_invoice.amount_paid == 2900


def test_quantities_are_credited_and_charged_whole(april: LocalStripe) -> None:
    _, subscription = april.subscriber()
    seats = change(
        april,
        subscription,
        items=[{"id": subscription["items"].data[0].id, "quantity": 3}],
        proration_behavior="always_invoice",
        after=MONTH // 3,
    )
    day = day_of(start_of(subscription) + MONTH // 3)
    assert lines_of(april, seats.latest_invoice) == [
        # 2900 × 2/3 = 1933.33
        (-1933, f"Unused time on Starter after {day}"),
        # 3 × 2900 × 2/3 = 5800
        (5800, f"Remaining time on 3 × Starter after {day}"),
    ]
    assert seats["items"].data[0].quantity == 3
    fewer = change(
        april,
        seats,
        items=swap(seats, april.price(PROFESSIONAL)),
        after=MONTH // 3,
    )
    assert fewer["items"].data[0].quantity == 1  # a new price without a quantity is for one


def test_several_items(april: LocalStripe) -> None:
    client = april.client()
    _, subscription = april.subscriber()
    extra = price(april, 1000, "Extra")
    both = change(april, subscription, items=[{"price": extra, "quantity": 2}])
    assert [item.quantity for item in both["items"].data] == [1, 2]
    waiting = client.v1.invoice_items.list({"customer": subscription.customer}).data
    assert [item.amount for item in waiting] == [1000]  # 2 × 1000 / 2
    with pytest.raises(stripe.InvalidRequestError, match="multiple subscription items with the"):
        change(april, subscription, items=[{"price": extra}])
    with pytest.raises(stripe.InvalidRequestError, match="mismatch in interval field"):
        change(april, subscription, items=[{"price": price(april, 500, "Y", "year")}])
    second = both["items"].data[1].id
    one = change(april, both, items=[{"id": second, "deleted": True}])
    assert len(one["items"].data) == 1
    waiting = client.v1.invoice_items.list({"customer": subscription.customer}).data
    assert [item.amount for item in waiting] == [-1000, 1000]
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription_item"):
        client.v1.subscription_items.retrieve(second)
    with pytest.raises(stripe.InvalidRequestError, match="at least one active plan"):
        change(april, one, items=[{"id": one["items"].data[0].id, "deleted": True}])


def test_subscription_items_change_alone(april: LocalStripe) -> None:
    client = april.client()
    _, subscription = april.subscriber()
    half = start_of(subscription) + MONTH // 2
    made = client.v1.subscription_items.create(
        {
            "subscription": subscription.id,
            "price": price(april, 1000, "Extra"),
            "proration_date": half,
        }
    )
    client.v1.subscription_items.update(made.id, {"quantity": 4, "proration_date": half})
    gone = client.v1.subscription_items.delete(
        made.id, {"proration_behavior": "always_invoice", "proration_date": half}
    )
    assert gone.deleted is True
    latest = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    invoice: Any = latest.latest_invoice
    # + 500, then - 500 + 2000, then - 2000: nothing is due in the end
    assert sorted(line.amount for line in invoice.lines.data) == [-2000, -500, 500, 2000]
    assert (invoice.total, invoice.status) == (0, "paid")
    assert types_of(april, subscription.id)[-1] == "customer.subscription.updated"


def test_a_change_that_cannot_be_paid(april: LocalStripe) -> None:
    client = april.client()
    customer, subscription = april.subscriber()
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    upgrade: Any = {
        "items": swap(subscription, april.price(PROFESSIONAL)),
        "proration_behavior": "always_invoice",
    }
    with pytest.raises(stripe.CardError):
        change(april, subscription, payment_behavior="error_if_incomplete", **upgrade)
    same = client.v1.subscriptions.retrieve(subscription.id)
    assert same["items"].data[0].price.unit_amount == 2900  # nothing was changed
    assert client.v1.invoice_items.list({"customer": customer.id}).data == []
    late = change(april, subscription, expand=["latest_invoice"], **upgrade)
    assert (late.status, late.latest_invoice.status) == ("past_due", "open")
    assert late["items"].data[0].price.unit_amount == 9900


def test_proration_date_lies_in_the_period(april: LocalStripe) -> None:
    _, subscription = april.subscriber()
    for after in (-1, MONTH + 1):
        with pytest.raises(stripe.InvalidRequestError, match="current billing period") as wrong:
            change(april, subscription, items=swap(subscription, "x"), after=after)
        assert wrong.value.param == "proration_date"


def test_billing_modes_credit_differently(april: LocalStripe) -> None:
    """After a change without proration: classic credits the new price, flexible what was paid."""
    credits = {}
    for version, mode in ((BASIL, "classic"), (ENDIVE, "flexible")):
        client = april.client(version)
        customer = client.v1.customers.create({"email": f"{mode}@example.com"})
        method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        params: Any = {
            "customer": customer.id,
            "default_payment_method": method.id,
            "items": [{"price": april.price()}],
        }
        subscription = client.v1.subscriptions.create(params)
        assert subscription.billing_mode.type == mode
        quiet = {"items": swap(subscription, april.price(PROFESSIONAL))}
        change(april, subscription, proration_behavior="none", **quiet)
        annual = swap(subscription, price(april, 99_000, "Annual", "year"))
        switched = change(april, subscription, items=annual, expand=["latest_invoice"])
        credits[mode] = switched.latest_invoice.lines.data[0].amount
    # 9900 / 2 = 4950, though 2900 was paid; 2900 / 2 = 1450
    assert credits == {"classic": -4950, "flexible": -1450}


def test_an_item_added_later_has_the_subscriptions_period(own_april: LocalStripe) -> None:
    """3000 a month for 15 of 30 days are 1500, however much later than the period it was added."""
    client = own_april.client()
    _, subscription = own_april.subscriber()
    start, (first,) = start_of(subscription), subscription["items"].data
    own_april.advance(10 * DAY)
    added: Any = [{"price": price(own_april, 3000, "Support")}, {"id": first.id, "deleted": True}]
    change: Any = {"items": added, "proration_behavior": "none"}
    (later,) = client.v1.subscriptions.update(subscription.id, change)["items"].data
    assert later.current_period_start == start
    more: Any = {"quantity": 2, "proration_date": start + MONTH // 2}
    client.v1.subscription_items.update(later.id, more)
    waiting = client.v1.invoice_items.list({"customer": subscription.customer}).data
    assert sorted(item.amount for item in waiting) == [-1500, 3000]

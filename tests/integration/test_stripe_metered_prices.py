"""Prices by use, in tiers and in parts of a cent, and what is refused of them."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import (
    HOUR,
    LocalStripe,
    local,
)
from tests.integration.stripe_usage import (
    MONTH,
    april,
    carded,
    end_of,
    invoices,
    lines,
    metered_price,
    new_meter,
    now,
    report,
    subscribe,
)

__all__ = ["april", "local"]


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

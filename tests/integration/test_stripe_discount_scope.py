"""Discounts of single items and products, and taking a discount away; cents worked out beside."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import ENDIVE, PROFESSIONAL, STARTER, LocalStripe
from tests.integration.test_stripe_discounts import coupon, subscribe
from tests.integration.test_stripe_prorations import april, change, own_april, swap, types_of

__all__ = ["april", "own_april"]


def product(local: LocalStripe, key: str) -> str:
    return str(local.client().v1.prices.retrieve(local.price(key)).product)


def both(local: LocalStripe, *off: str, **more: Any) -> Any:
    """A subscription to Starter (2900), with the coupons `off` on it, and Professional (9900)."""
    items: list[Any] = [
        {"price": local.price(STARTER), "discounts": [{"coupon": each} for each in off]},
        {"price": local.price(PROFESSIONAL)},
    ]
    return subscribe(local, items=items, **more)


def offs(invoice: Any) -> list[int]:
    return [sum(each.amount for each in line.discount_amounts) for line in invoice.lines.data]


def test_a_discount_of_one_item(april: LocalStripe) -> None:
    client = april.client()
    half = coupon(april, percent_off=50, duration="forever")
    subscription = both(april, half.id)
    item = subscription["items"].data[0]
    assert subscription.discounts == []
    shown = client.v1.subscription_items.retrieve(item.id, {"expand": ["discounts"]})
    discount: Any = shown.discounts[0]
    assert (discount.subscription_item, discount.coupon.id) == (item.id, half.id)
    invoice = subscription.latest_invoice
    assert (invoice.subtotal, invoice.total) == (12_800, 11_350)
    assert (offs(invoice), invoice.discounts) == ([1450, 0], [])
    assert [line.discounts for line in invoice.lines.data] == [[discount.id], []]
    upcoming = client.v1.invoices.create_preview({"subscription": subscription.id})
    assert upcoming.total == 11_350
    client.v1.subscription_items.update(item.id, {"discounts": ""})
    upcoming = client.v1.invoices.create_preview({"subscription": subscription.id})
    assert upcoming.total == 12_800
    assert types_of(april, subscription.customer)[-2:] == [
        *("customer.discount.deleted", "customer.subscription.updated"),
    ]


def test_item_discounts_come_before_the_subscriptions(april: LocalStripe) -> None:
    tenner = coupon(april, amount_off=1000, currency="usd", duration="once")
    half = coupon(april, percent_off=50, duration="forever")
    subscription = both(april, tenner.id, discounts=[{"coupon": half.id}])
    invoice = subscription.latest_invoice
    # (2900 - 1000) / 2 = 950 and 9900 / 2 = 4950
    assert (invoice.total, offs(invoice)) == (5900, [1950, 4950])
    assert len(invoice.discounts) == 1
    sums = {each.discount: each.amount for each in invoice.total_discount_amounts}
    assert sorted(sums.values()) == [1000, 5900]
    items = april.client().v1.subscription_items.list({"subscription": subscription.id})
    assert [item.discounts for item in items.data] == [[], []]
    upcoming = april.client().v1.invoices.create_preview({"subscription": subscription.id})
    assert upcoming.total == 6400


def test_a_coupon_for_one_product(april: LocalStripe) -> None:
    client = april.client()
    starter = product(april, STARTER)
    half = coupon(april, percent_off=50, duration="forever", applies_to={"products": [starter]})
    assert "applies_to" not in half.to_dict()
    full = client.v1.coupons.retrieve(half.id, {"expand": ["applies_to"]})
    assert full.applies_to is not None
    assert full.applies_to.products == [starter]
    subscription = both(april, discounts=[{"coupon": half.id}])
    assert (subscription.latest_invoice.total, offs(subscription.latest_invoice)) == (
        *(11_350, [1450, 0]),
    )
    with pytest.raises(stripe.InvalidRequestError, match="No such product"):
        coupon(april, percent_off=50, applies_to={"products": ["prod_none"]})


def test_an_amount_is_spread_over_what_it_is_for(april: LocalStripe) -> None:
    only = {"products": [product(april, STARTER)]}
    made = coupon(april, amount_off=5000, currency="usd", duration="forever", applies_to=only)
    invoice = both(april, discounts=[{"coupon": made.id}]).latest_invoice
    # no more than the product costs
    assert (invoice.total, offs(invoice)) == (9900, [2900, 0])


def test_prorations_know_what_a_discount_is_for(april: LocalStripe) -> None:
    only = {"products": [product(april, STARTER)]}
    half = coupon(april, percent_off=50, duration="forever", applies_to=only)
    subscription = subscribe(april, discounts=[{"coupon": half.id}])
    up = change(
        april,
        subscription,
        items=swap(subscription, april.price(PROFESSIONAL)),
        proration_behavior="always_invoice",
        expand=["latest_invoice"],
    )
    # 1450 / 2 = 725 back; Professional is not what it is for: 9900 / 2 = 4950
    assert [line.amount for line in up.latest_invoice.lines.data] == [-725, 4950]


def test_items_of_an_update_and_of_a_preview(april: LocalStripe) -> None:
    client = april.client()
    half = coupon(april, percent_off=50, duration="forever")
    subscription = subscribe(april)
    added: Any = [{"price": april.price(PROFESSIONAL), "discounts": [{"coupon": half.id}]}]
    client.v1.subscriptions.update(subscription.id, {"items": added, "proration_behavior": "none"})
    upcoming = client.v1.invoices.create_preview({"subscription": subscription.id})
    assert upcoming.total == 2900 + 4950
    shown = client.v1.invoices.create_preview(
        {"customer": subscription.customer, "subscription_details": {"items": added}}
    )
    assert shown.total == 4950
    item = client.v1.subscription_items.list({"subscription": subscription.id}).data[1]
    client.v1.subscription_items.delete(item.id, {"proration_behavior": "none"})
    assert types_of(april, subscription.customer)[-2:] == [
        *("customer.discount.deleted", "customer.subscription.updated"),
    ]
    wrong: Any = {"items": [{**added[0], "discounts": [{"coupon": "none"}]}]}
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon") as refused:
        client.v1.subscriptions.update(subscription.id, wrong)
    assert refused.value.param == "items[0][discounts][0][coupon]"


def test_checkout_takes_only_coupons_that_apply(april: LocalStripe) -> None:
    only = {"products": [product(april, PROFESSIONAL)]}
    made = coupon(april, percent_off=50, applies_to=only)
    with pytest.raises(stripe.InvalidRequestError, match="does not apply to anything"):
        april.checkout(discounts=[{"coupon": made.id}])
    two = [{"price": april.price(key), "quantity": 1} for key in (STARTER, PROFESSIONAL)]
    session = april.checkout(discounts=[{"coupon": made.id}], line_items=two)
    assert (session.amount_subtotal, session.amount_total) == (12_800, 7850)
    paid = april.pay(session.id)
    invoice = april.client().v1.invoices.retrieve(paid["session"]["invoice"])
    assert (invoice.total, offs(invoice)) == (7850, [0, 4950])


def test_a_discount_is_taken_away(april: LocalStripe) -> None:
    client = april.client()
    half = coupon(april, percent_off=50, duration="forever")
    subscription = subscribe(april, discounts=[{"coupon": half.id}])
    newest = april.client(ENDIVE)
    gone = newest.v1.subscriptions.delete_discount(subscription.id)
    assert (gone.id, gone.deleted) == (subscription.discounts[0].id, True)
    assert client.v1.subscriptions.retrieve(subscription.id).discounts == []
    assert types_of(april, subscription.customer)[-2:] == [
        *("customer.discount.deleted", "customer.subscription.updated"),
    ]
    with pytest.raises(stripe.InvalidRequestError, match="No active discount") as none:
        client.v1.subscriptions.delete_discount(subscription.id)
    assert (none.value.http_status, none.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError, match="No active discount for customer"):
        client.v1.customers.delete_discount(subscription.customer)
    two: Any = {"discounts": [{"coupon": coupon(april, percent_off=5).id}, {"coupon": half.id}]}
    client.v1.subscriptions.update(subscription.id, two)
    with pytest.raises(stripe.StripeError, match="several"):
        client.v1.subscriptions.delete_discount(subscription.id)

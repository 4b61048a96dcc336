"""Coupons and promotion codes at the local Stripe; the cents are worked out beside the numbers."""

from typing import Any

import pytest
import stripe

from localcloud.stripe.discount_sums import reductions
from tests.integration.stripe_fixtures import DAY, ENDIVE, PROFESSIONAL, LocalStripe
from tests.integration.test_stripe_prorations import (
    MONTH,
    april,
    change,
    own_april,
    price,
    swap,
    types_of,
)

__all__ = ["april", "own_april"]


def coupon(local: LocalStripe, **params: Any) -> Any:
    return local.client().v1.coupons.create(params)  # type: ignore[arg-type]


def subscribe(local: LocalStripe, customer: Any = None, **more: Any) -> Any:
    """A subscription with a card and an expanded first invoice."""
    client = local.client()
    customer = customer or client.v1.customers.create({"email": "d@example.com"})
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    params = {
        "customer": customer.id,
        "default_payment_method": method.id,
        "items": [{"price": local.price()}],
        "expand": ["latest_invoice", "discounts"],
        **more,
    }
    return client.v1.subscriptions.create(params)  # type: ignore[arg-type]


def bills(local: LocalStripe, subscription: Any) -> list[tuple[int, int]]:
    """Subtotal and total of all invoices, oldest first."""
    found = local.client().v1.invoices.list({"subscription": subscription.id}).data
    return [(each.subtotal, each.total) for each in reversed(found)]


def test_what_coupons_take_off() -> None:
    half = {"percent_off": 12.5, "amount_off": None}
    fixed = {"percent_off": None, "amount_off": 1000}
    # 12.5 % of 2900 = 362.5 → 363, of 100 = 12.5 → 13
    assert reductions([half], [2900, 100]) == [[363, 13]]
    # 1000 over 2900 + 100: 2900/3000 × 1000 = 966.67 → 967, the rest 33
    assert reductions([fixed], [2900, 100]) == [[967, 33]]
    assert reductions([fixed], [600, 0]) == [[600, 0]]
    # the second takes from what the first left: 12.5 % of 1900 = 237.5 → 238
    assert reductions([fixed, half], [2900]) == [[1000], [238]]
    assert reductions([half, fixed], [-500]) == [[0], [0]]


@pytest.mark.parametrize(
    ("params", "totals"),
    [
        # 20 % of 2900 = 580
        ({"percent_off": 20, "duration": "once"}, [2320, 2900, 2900]),
        ({"percent_off": 20, "duration": "forever"}, [2320, 2320, 2320]),
        (
            {"percent_off": 20, "duration": "repeating", "duration_in_months": 2},
            [2320, 2320, 2900],
        ),
        ({"amount_off": 500, "currency": "usd", "duration": "forever"}, [2400, 2400, 2400]),
        ({"percent_off": 100, "duration": "once"}, [0, 2900, 2900]),
    ],
)
def test_durations(own_april: LocalStripe, params: dict[str, Any], totals: list[int]) -> None:
    subscription = subscribe(own_april, discounts=[{"coupon": coupon(own_april, **params).id}])
    assert subscription.status == "active"
    own_april.advance(2 * MONTH + 2 * DAY)
    assert bills(own_april, subscription) == [(2900, total) for total in totals]
    left = own_april.client().v1.subscriptions.retrieve(subscription.id).discounts
    assert len(left) == (params["duration"] == "forever")


def test_an_invoice_shows_its_discounts(april: LocalStripe) -> None:
    client = april.client()
    made = coupon(april, percent_off=20, duration="forever", name="Spring")
    subscription = subscribe(april, discounts=[{"coupon": made.id}])
    discount = subscription.discounts[0]
    assert (discount.object, discount.coupon.name, discount.end) == ("discount", "Spring", None)
    invoice = subscription.latest_invoice
    assert (invoice.subtotal, invoice.total, invoice.amount_paid) == (2900, 2320, 2320)
    assert invoice.discounts == [discount.id]
    expected = [{"amount": 580, "discount": discount.id}]
    assert [each.to_dict() for each in invoice.total_discount_amounts] == expected
    line = invoice.lines.data[0]
    assert (line.amount, [each.to_dict() for each in line.discount_amounts]) == (2900, expected)
    used = client.v1.coupons.retrieve(made.id)
    assert (used.times_redeemed, used.valid) == (1, True)
    newest = april.client(ENDIVE).v1.subscriptions.retrieve(
        subscription.id, {"expand": ["discounts.source.coupon"]}
    )
    assert newest.discounts[0].source.coupon.name == "Spring"  # type: ignore[union-attr]
    assert "coupon" not in newest.discounts[0].to_dict()  # type: ignore[union-attr]
    client.v1.subscriptions.update(subscription.id, {"discounts": ""})
    assert client.v1.invoices.create_preview({"subscription": subscription.id}).total == 2900
    assert [t for t in types_of(april, subscription.customer) if "discount" in t] == [
        "customer.discount.created",
        "customer.discount.deleted",
    ]


def test_previews_with_a_coupon(april: LocalStripe) -> None:
    subscription = subscribe(april)
    made = coupon(april, amount_off=900, currency="usd", duration="once")
    client = april.client()
    shown = client.v1.invoices.create_preview(
        {"subscription": subscription.id, "discounts": [{"coupon": made.id}]}
    )
    assert (shown.subtotal, shown.total) == (2900, 2000)
    assert client.v1.coupons.retrieve(made.id).times_redeemed == 0
    assert client.v1.subscriptions.retrieve(subscription.id).discounts == []


def test_prorations_carry_the_discount(april: LocalStripe) -> None:
    made = coupon(april, percent_off=20, duration="forever")
    subscription = subscribe(april, discounts=[{"coupon": made.id}])
    up = change(
        april,
        subscription,
        items=swap(subscription, april.price(PROFESSIONAL)),
        proration_behavior="always_invoice",
        expand=["latest_invoice"],
    )
    # (2900 - 580) / 2 = 1160 back; (9900 - 1980) / 2 = 3960 for the rest
    assert [line.amount for line in up.latest_invoice.lines.data] == [-1160, 3960]
    assert {line.discountable for line in up.latest_invoice.lines.data} == {False}
    assert up.latest_invoice.total == 2800
    down = change(
        april,
        up,
        items=swap(up, april.price()),
        proration_behavior="always_invoice",
        expand=["latest_invoice"],
    )
    assert [line.amount for line in down.latest_invoice.lines.data] == [-3960, 1160]


def test_the_last_discount_counts_for_a_credit(april: LocalStripe) -> None:
    made = coupon(april, percent_off=50, duration="once")
    subscription = subscribe(april, discounts=[{"coupon": made.id}])
    annual = price(april, 29_000, "Annual", "year")
    switched = change(
        april, subscription, items=swap(subscription, annual), expand=["latest_invoice"]
    )
    # 1450 was paid for the month, half of it comes back
    assert [line.amount for line in switched.latest_invoice.lines.data] == [-725, 29_000]


def test_coupons_that_cannot_be_redeemed(own_april: LocalStripe) -> None:
    client = own_april.client()
    now = own_april.account.clock.now()
    one = coupon(own_april, id="ONLY-ONE", percent_off=10, max_redemptions=1)
    short = coupon(own_april, percent_off=10, redeem_by=now + 3600)
    euro = coupon(own_april, amount_off=10, currency="eur")
    assert (one.id, one.duration) == ("ONLY-ONE", "once")
    subscribe(own_april, discounts=[{"coupon": one.id}])
    own_april.advance(3601)
    for identifier in (one.id, short.id):
        assert client.v1.coupons.retrieve(identifier).valid is False
        with pytest.raises(stripe.InvalidRequestError) as expired:
            subscribe(own_april, discounts=[{"coupon": identifier}])
        assert expired.value.code == "coupon_expired"
    with pytest.raises(stripe.InvalidRequestError, match="is in eur"):
        subscribe(own_april, discounts=[{"coupon": euro.id}])
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        coupon(own_april, id="ONLY-ONE", percent_off=10)
    client.v1.coupons.delete(euro.id)
    with pytest.raises(stripe.InvalidRequestError, match="No such coupon"):
        client.v1.coupons.retrieve(euro.id)
    assert {each.id for each in client.v1.coupons.list().data} == {one.id, short.id}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "either `percent_off` or `amount_off`"),
        ({"percent_off": 0}, "greater than 0"),
        ({"percent_off": 101}, "at most 100"),
        ({"amount_off": 100}, "must pass currency"),
        ({"percent_off": 5, "duration": "repeating"}, "duration_in_months"),
        ({"percent_off": 5, "duration_in_months": 2}, "duration_in_months"),
    ],
)
def test_parameters_of_coupons(april: LocalStripe, params: dict[str, Any], message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=message):
        coupon(april, **params)


def test_promotion_codes(april: LocalStripe) -> None:
    client = april.client()
    made = coupon(april, percent_off=20, duration="forever")
    params: Any = {"coupon": made.id, "code": "SPRING", "max_redemptions": 1}
    code = client.v1.promotion_codes.create(params)
    assert (code.active, code.code, code.coupon.id) == (True, "SPRING", made.id)  # type: ignore[attr-defined]
    again: Any = {**params, "code": "spring"}
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        client.v1.promotion_codes.create(again)
    newest = april.client(ENDIVE).v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": made.id}}
    )
    assert newest.promotion.coupon == made.id
    subscription = subscribe(april, discounts=[{"promotion_code": code.id}])
    assert subscription.latest_invoice.total == 2320
    assert subscription.discounts[0].promotion_code == code.id
    used = client.v1.promotion_codes.retrieve(code.id)
    assert (used.times_redeemed, used.active) == (1, False)
    with pytest.raises(stripe.InvalidRequestError, match="is not active"):
        subscribe(april, discounts=[{"promotion_code": code.id}])
    assert client.v1.coupons.retrieve(made.id).times_redeemed == 1
    off = client.v1.promotion_codes.update(newest.id, {"active": False})
    assert off.active is False


def test_restrictions_of_promotion_codes(april: LocalStripe) -> None:
    client = april.client()
    made = coupon(april, percent_off=20, duration="once")
    known = client.v1.customers.create({"email": "known@example.com"})
    subscribe(april, known)

    def code(**more: Any) -> str:
        params: Any = {"coupon": made.id, **more}
        return client.v1.promotion_codes.create(params).id

    wrong = {
        code(restrictions={"first_time_transaction": True}): "prior transactions",
        code(restrictions={"minimum_amount": 5000, "minimum_amount_currency": "usd"}): "minimum",
        code(customer=client.v1.customers.create().id): "another customer",
    }
    for identifier, message in wrong.items():
        with pytest.raises(stripe.InvalidRequestError, match=message):
            subscribe(april, known, discounts=[{"promotion_code": identifier}])
    own = code(customer=known.id)
    assert subscribe(april, known, discounts=[{"promotion_code": own}]).latest_invoice.total == 2320


def bought(local: LocalStripe, done: dict[str, Any]) -> Any:
    assert done["status"] == "complete", done
    return local.client().v1.subscriptions.retrieve(
        done["session"]["subscription"], {"expand": ["latest_invoice"]}
    )


def test_checkout_with_a_coupon(april: LocalStripe) -> None:
    client = april.client()
    made = coupon(april, percent_off=20, duration="forever")
    customer = client.v1.customers.create({"email": "c@example.com"})
    session = april.checkout(customer.id, discounts=[{"coupon": made.id}])
    assert (session.amount_subtotal, session.amount_total) == (2900, 2320)
    assert session.total_details.amount_discount == 580
    assert session.discounts[0].coupon == made.id
    subscription = bought(april, april.pay(session.id))
    assert (subscription.latest_invoice.total, subscription.latest_invoice.status) == (2320, "paid")
    assert len(subscription.discounts) == 1
    charge = client.v1.charges.list({"customer": customer.id}).data[0]
    assert charge.amount == 2320
    assert client.v1.coupons.retrieve(made.id).times_redeemed == 1


def test_checkout_with_a_code_that_is_typed(april: LocalStripe) -> None:
    client = april.client()
    made = coupon(april, percent_off=100, duration="once")
    params: Any = {
        "coupon": made.id,
        "code": "FREEMONTH",
        "restrictions": {"first_time_transaction": True},
    }
    code = client.v1.promotion_codes.create(params)
    customer = client.v1.customers.create({"email": "c@example.com"})
    session = april.checkout(customer.id, allow_promotion_codes=True)
    assert april.pay(session.id, "4000000000000002")["status"] == "declined"
    wrong = april.pay(session.id, promotionCode="NOSUCH")
    assert wrong["error"]["message"] == "This code is invalid."
    done = april.pay(session.id, promotionCode="freemonth")
    subscription = bought(april, done)
    assert (done["session"]["amount_total"], subscription.latest_invoice.amount_paid) == (0, 0)
    assert done["session"]["payment_status"] == "no_payment_required"
    assert done["session"]["discounts"] == [{"coupon": None, "promotion_code": code.id}]
    assert subscription.default_payment_method is not None
    upcoming = client.v1.invoices.create_preview({"subscription": subscription.id})
    assert upcoming.total == 2900


def test_a_session_without_codes_takes_none(april: LocalStripe) -> None:
    made = coupon(april, percent_off=10, max_redemptions=1)
    session = april.checkout()
    assert (
        "takes no promotion codes" in april.pay(session.id, promotionCode="X")["error"]["message"]
    )
    for wrong in (
        {"allow_promotion_codes": True, "discounts": [{"coupon": made.id}]},
        {"discounts": [{"coupon": made.id, "promotion_code": "promo_x"}]},
        {"discounts": [{"coupon": "nosuch"}]},
    ):
        with pytest.raises(stripe.InvalidRequestError):
            april.checkout(**wrong)
    first, second = (april.checkout(discounts=[{"coupon": made.id}]) for _ in range(2))
    assert april.pay(first.id)["status"] == "complete"
    assert april.pay(second.id)["error"]["code"] == "coupon_expired"


def test_the_page_takes_a_code(april: LocalStripe) -> None:
    client = april.client()
    params: Any = {"coupon": coupon(april, amount_off=400, currency="usd").id, "code": "PAGE"}
    client.v1.promotion_codes.create(params)
    session = april.checkout(allow_promotion_codes=True)
    path = f"/c/pay/{session.client_secret}/promotion"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    _, _, refused = april.http("POST", path, b"code=WRONG", headers)
    assert "This code is invalid." in refused.decode()
    _, _, taken = april.http("POST", path, b"code=page", headers)
    for text in ("Discount", "−$4.00", "$25.00"):  # 29 - 4
        assert text in taken.decode()
    assert client.v1.checkout.sessions.retrieve(session.id).amount_total == 2500

"""Coupons and promotion codes of a Checkout Session: shown and redeemed when it is paid."""

from localcloud.stripe import checkout_intent, subscription_discounts
from localcloud.stripe.discount_sums import reductions
from localcloud.stripe.errors import invalid
from localcloud.stripe.resources import coupons, discounts, promotion_codes
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work


def reduce(work: Work, session: Obj, wanted: list[Obj]) -> None:
    """Take off what `wanted` (`{"coupon"}` or `{"promotion_code"}`) say; the caller stores it.

    A trial costs nothing now, so nothing is taken off it. Raises a 400 for what cannot be redeemed.
    """
    lines = session["_lines"]
    found = _redeemable(work, session, wanted)
    currencies = {coupon["currency"] for coupon, _ in found} - {None, session["currency"]}
    if currencies:
        raise invalid(f"The coupon is not in the session's currency {session['currency']}.")
    amounts = [line["amount_subtotal"] for line in lines]
    fits = [[coupons.is_for(coupon, _product(work, line)) for line in lines] for coupon, _ in found]
    if not all(map(any, fits)):
        raise invalid(
            "This coupon cannot be redeemed because it does not apply to anything in this order."
        )
    taken = reductions([coupon for coupon, _ in found], amounts, fits)
    for place, line in enumerate(lines):
        off = sum(each[place] for each in taken)
        line.update(amount_discount=off, amount_total=line["amount_subtotal"] - off)
    free = session.get("_trial")
    total_off = 0 if free else sum(line["amount_discount"] for line in lines)
    session.update(
        amount_total=session["amount_subtotal"] - total_off,
        discounts=[{"coupon": None, "promotion_code": None, **each} for each in wanted],
        total_details={**session["total_details"], "amount_discount": total_off},
        _discounts=wanted,
    )


def _product(work: Work, line: Obj) -> str:
    return str(work.need("price", line["_price"])["product"])


def _redeemable(work: Work, session: Obj, wanted: list[Obj]) -> list[tuple[Obj, Obj | None]]:
    customer = work.find("customer", session["customer"])
    subtotal = sum(line["amount_subtotal"] for line in session["_lines"])
    return [
        subscription_discounts.redeemable(work, each, customer, subtotal, f"discounts[{place}]")
        for place, each in enumerate(wanted)
    ]


def check(work: Work, session: Obj) -> None:
    """Raise a 400 if a discount of the session can no longer be redeemed."""
    _redeemable(work, session, session.get("_discounts", []))


def enter(work: Work, session: Obj, text: str) -> None:
    """Redeem the promotion code that a customer types; stores the session. A 400 if it is none."""
    if session["status"] != "open" or not session["allow_promotion_codes"]:
        raise invalid("This Checkout Session takes no promotion codes.", "promotionCode")
    code = promotion_codes.find(work, text.strip())
    if code is None:
        raise invalid("This code is invalid.", "promotionCode")
    reduce(work, session, [{"promotion_code": code["id"]}])
    checkout_intent.drop(work, session)


def redeem(work: Work, session: Obj, subscription: Obj | None) -> None:
    """Count the redemptions of a paid session; its subscription gets the discounts."""
    for each in session.get("_discounts", []):
        code = work.find("promotion_code", each.get("promotion_code"))
        coupon = work.need("coupon", code["_coupon"] if code else each["coupon"])
        if subscription is None:
            discounts.count(work, coupon, code)
        else:
            made = discounts.redeem(work, subscription, coupon, code)
            subscription["discounts"] = [*subscription["discounts"], made["id"]]

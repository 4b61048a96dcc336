"""The discounts of a subscription, and what they take off its invoices.

Source: Stripe's documentation "Coupons and promotion codes".
"""

from localcloud.stripe.discount_sums import reductions
from localcloud.stripe.errors import invalid, no_such
from localcloud.stripe.params import Array, Hash, Text
from localcloud.stripe.resources import coupons, discounts, promotion_codes
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_objects import full, items_of
from localcloud.stripe.work import Work

PARAMS = Array(
    Hash({"coupon": Text(), "discount": Text(), "promotion_code": Text()}),
    longest=20,
    clearable=True,
)


def replace(work: Work, subscription: Obj, wanted: list[Obj]) -> None:
    """Give the subscription these discounts (`PARAMS`) alone; the caller stores it.

    Raises a 400 for one that cannot be redeemed.
    """
    subtotal = sum(full(work, item) for item in items_of(work, subscription))
    old = subscription["discounts"]
    new = [_one(work, subscription, each, subtotal, n) for n, each in enumerate(wanted)]
    subscription["discounts"] = new
    for identifier in old:
        if identifier not in new:
            _end(work, identifier)


def _one(work: Work, subscription: Obj, wanted: Obj, subtotal: int, place: int) -> str:
    if len(wanted) != 1:
        raise invalid(
            "You must specify exactly one of coupon, discount, promotion_code.",
            f"discounts[{place}]",
        )
    ((name, identifier),) = wanted.items()
    at = f"discounts[{place}][{name}]"
    if name == "discount":
        if identifier not in subscription["discounts"]:
            raise no_such("discount", identifier, param=at, status=400)
        return str(identifier)
    coupon, code = redeemable(
        work, wanted, work.find("customer", subscription["customer"]), subtotal, at
    )
    if coupon["currency"] not in (None, subscription["currency"]):
        raise invalid(
            f"The coupon {coupon['id']} is in {coupon['currency']}, the subscription in "
            f"{subscription['currency']}.",
            at,
        )
    return str(discounts.redeem(work, subscription, coupon, code)["id"])


def redeemable(
    work: Work, wanted: Obj, customer: Obj | None, subtotal: int, at: str
) -> tuple[Obj, Obj | None]:
    """The coupon, and the promotion code if one is named, of `{"coupon"}` or `{"promotion_code"}`.

    Raises a 400 if they cannot be redeemed.
    """
    if "coupon" in wanted:
        return coupons.redeemable(work, wanted["coupon"], at), None
    code = promotion_codes.redeemable(work, wanted["promotion_code"], customer, subtotal, at)
    return work.need("coupon", code["_coupon"]), code


def _end(work: Work, identifier: str) -> None:
    discount = work.need("discount", identifier)
    work.update(discount, end=min(discount["end"] or work.now, work.now))
    work.emit("customer.discount.deleted", discount)


def running(work: Work, subscription: Obj) -> list[Obj]:
    """The discounts that have not ended."""
    found = [work.need("discount", identifier) for identifier in subscription["discounts"]]
    return [each for each in found if each["end"] is None or each["end"] > work.now]


def take_off(work: Work, subscription: Obj, lines: list[Obj]) -> list[str]:
    """Note on the lines what the discounts take off. Ends those that are used up or over.

    Returns the ids of the discounts that apply. The caller stores the subscription.
    """
    active = running(work, subscription)
    spent = _apply(work, active, lines)
    kept = [discount["id"] for discount in active if discount["id"] not in spent]
    for identifier in subscription["discounts"]:
        if identifier not in kept:
            _end(work, identifier)
    subscription["discounts"] = kept
    return [discount["id"] for discount in active]


def take_off_again(work: Work, subscription: Obj, identifiers: list[str], lines: list[Obj]) -> None:
    """Note anew what an invoice's discounts take off its lines, of which some have changed.

    One for once that the subscription still has took nothing off before, and does not now.
    """
    for line in lines:
        if line["discountable"]:
            line.update(discount_amounts=[], pretax_credit_amounts=[])
    found = [work.need("discount", identifier) for identifier in identifiers]
    used = [
        each
        for each in found
        if discounts.coupon_of(work, each)["duration"] != "once"
        or each["id"] not in subscription["discounts"]
    ]
    _apply(work, used, lines)


def _apply(work: Work, active: list[Obj], lines: list[Obj]) -> list[str]:
    """Note on the lines what discounts take off; returns the ids of those used up by it."""
    able = [line for line in lines if line["discountable"]]
    coupons_used = [discounts.coupon_of(work, each) for each in active]
    taken = reductions(coupons_used, [line["amount"] for line in able])
    for discount, offs in zip(active, taken, strict=True):
        for line, off in zip(able, offs, strict=True):
            _note(line, discount, off)
    return [
        discount["id"]
        for discount, coupon, offs in zip(active, coupons_used, taken, strict=True)
        if coupon["duration"] == "once" and any(offs)
    ]


def _note(line: Obj, discount: Obj, off: int) -> None:
    if off:
        line["discount_amounts"].append({"amount": off, "discount": discount["id"]})
        line["pretax_credit_amounts"].append(
            {"amount": off, "discount": discount["id"], "type": "discount"}
        )


def lasting(work: Work, subscription: Obj, amounts: list[int]) -> list[int]:
    """What a whole period's amounts come to after the discounts that are not for once."""
    used = [discounts.coupon_of(work, each) for each in running(work, subscription)]
    offs = reductions([each for each in used if each["duration"] != "once"], amounts)
    return [amount - sum(each[n] for each in offs) for n, amount in enumerate(amounts)]

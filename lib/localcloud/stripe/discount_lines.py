"""What discounts take off the lines of an invoice: all of them, or those of a product or item."""

from localcloud.stripe.discount_sums import reductions
from localcloud.stripe.resources import coupons, discounts
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

Place = tuple[str | None, str | None]
"""The product, and the subscription item, that an amount is for."""


def reduce(
    work: Work, active: list[Obj], amounts: list[int], places: list[Place]
) -> list[list[int]]:
    """For every discount, in order, what it takes off each amount (minor units)."""
    used = [discounts.coupon_of(work, each) for each in active]
    fits = [
        [_fits(discount, coupon, place) for place in places]
        for discount, coupon in zip(active, used, strict=True)
    ]
    return reductions(used, amounts, fits)


def apply(work: Work, active: list[Obj], lines: list[Obj]) -> list[str]:
    """Note on the lines what discounts take off; returns the ids of those used up by it."""
    able = [line for line in lines if line["discountable"]]
    places = [_place(line) for line in able]
    spent = []
    taken = reduce(work, active, [line["amount"] for line in able], places)
    for discount, offs in zip(active, taken, strict=True):
        for line, place, off in zip(able, places, offs, strict=True):
            _note(line, place, discount, off)
        if discounts.coupon_of(work, discount)["duration"] == "once" and any(offs):
            spent.append(discount["id"])
    return spent


def _fits(discount: Obj, coupon: Obj, place: Place) -> bool:
    product, item = place
    return coupons.is_for(coupon, product) and discount["subscription_item"] in (None, item)


def _place(line: Obj) -> Place:
    pricing = line["pricing"] or {}
    item = line["parent"]["subscription_item_details"] or {}
    return (pricing.get("price_details") or {}).get("product"), item.get("subscription_item")


def _note(line: Obj, place: Place, discount: Obj, off: int) -> None:
    """`discounts` of a line are those of its own item; what others take off is only an amount."""
    if place[1] and discount["subscription_item"] == place[1]:
        line["discounts"].append(discount["id"])
    if off:
        line["discount_amounts"].append({"amount": off, "discount": discount["id"]})
        line["pretax_credit_amounts"].append(
            {"amount": off, "discount": discount["id"], "type": "discount"}
        )

"""The discounts of a subscription, and what they take off its invoices.

Source: Stripe's documentation "Coupons and promotion codes".
"""

from dataclasses import dataclass

from localcloud.stripe import discount_lines
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


def begin(work: Work, subscription: Obj, params: Obj, items: list[Obj], at: str) -> None:
    """Give a new subscription, and its stored items, the `discounts` of a request.

    `items`, the parameter `at`, are in the order of the stored ones; the caller stores the
    subscription.
    """
    for place, stored in enumerate(items_of(work, subscription)):
        wanted = items[place].get("discounts")
        if wanted:
            replace(work, subscription, wanted, stored, f"{at}[{place}][discounts]")
            work.store.put(stored)
    replace(work, subscription, params.get("discounts", []))


def replace(
    work: Work, subscription: Obj, wanted: list[Obj], item: Obj | None = None, at: str = "discounts"
) -> None:
    """Give the subscription, or one `item`, these discounts (`PARAMS`) alone; the caller stores it.

    `at` names the parameter. Raises a 400 for a discount that cannot be redeemed.
    """
    holder = item or subscription
    priced = [item] if item else items_of(work, subscription)
    redeeming = _Redeeming(work, subscription, item, sum(full(work, each) for each in priced))
    old = holder["discounts"]
    new = [redeeming.one(each, f"{at}[{place}]") for place, each in enumerate(wanted)]
    holder["discounts"] = new
    for identifier in old:
        if identifier not in new:
            end(work, identifier)


@dataclass(frozen=True)
class _Redeeming:
    """Redeeming for a subscription, or an item of it, that costs `subtotal` (minor units)."""

    work: Work
    subscription: Obj
    item: Obj | None
    subtotal: int

    def one(self, wanted: Obj, at: str) -> str:
        """The id of the discount that `wanted` names, or of the new one that it asks for."""
        if len(wanted) != 1:
            raise invalid("You must specify exactly one of coupon, discount, promotion_code.", at)
        ((name, identifier),) = wanted.items()
        at = f"{at}[{name}]"
        if name == "discount":
            if identifier not in (self.item or self.subscription)["discounts"]:
                raise no_such("discount", identifier, param=at, status=400)
            return str(identifier)
        customer = self.work.find("customer", self.subscription["customer"])
        coupon, code = redeemable(self.work, wanted, customer, self.subtotal, at)
        if coupon["currency"] not in (None, self.subscription["currency"]):
            raise invalid(
                f"The coupon {coupon['id']} is in {coupon['currency']}, the subscription in "
                f"{self.subscription['currency']}.",
                at,
            )
        return str(discounts.redeem(self.work, self.subscription, coupon, code, self.item)["id"])


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


def end(work: Work, identifier: str) -> Obj:
    """End and announce a discount; whoever has it forgets it. Returns it."""
    discount = work.need("discount", identifier)
    work.update(discount, end=min(discount["end"] or work.now, work.now))
    work.emit("customer.discount.deleted", discount)
    return discount


def running(work: Work, subscription: Obj) -> list[Obj]:
    """The discounts that have not ended, in the order in which they are taken off.

    Those of single items come before the subscription's ("Stack discounts").
    """
    held = [each for item in items_of(work, subscription) for each in item["discounts"]]
    found = [work.need("discount", each) for each in (*held, *subscription["discounts"])]
    return [each for each in found if each["end"] is None or each["end"] > work.now]


def take_off(work: Work, subscription: Obj, lines: list[Obj]) -> list[Obj]:
    """Note on the lines what the discounts take off. Ends those that are used up or over.

    Returns the discounts that apply. The caller stores the subscription.
    """
    active = running(work, subscription)
    spent = discount_lines.apply(work, active, lines)
    kept = [discount["id"] for discount in active if discount["id"] not in spent]
    for holder in (*items_of(work, subscription), subscription):
        over = [each for each in holder["discounts"] if each not in kept]
        for identifier in over:
            end(work, identifier)
        if over:
            holder["discounts"] = [each for each in holder["discounts"] if each in kept]
            work.store.put(holder)
    return active


def take_off_again(work: Work, subscription: Obj, identifiers: list[str], lines: list[Obj]) -> None:
    """Note anew what an invoice's discounts take off its lines, of which some have changed.

    One for once that the subscription still has took nothing off before, and does not now.
    """
    for line in lines:
        if line["discountable"]:
            line.update(discount_amounts=[], discounts=[], pretax_credit_amounts=[])
    held = {each["id"] for each in running(work, subscription)}
    found = [work.need("discount", identifier) for identifier in identifiers]
    used = [
        each
        for each in found
        if discounts.coupon_of(work, each)["duration"] != "once" or each["id"] not in held
    ]
    discount_lines.apply(work, used, lines)


def lasting(work: Work, subscription: Obj, amounts: list[int]) -> list[int]:
    """What a whole period's amounts, one for each item, come to after what is not for once."""
    active = [
        each
        for each in running(work, subscription)
        if discounts.coupon_of(work, each)["duration"] != "once"
    ]
    places = []
    for item in items_of(work, subscription):
        places.append((work.need("price", item["_price"])["product"], item["id"]))
    offs = discount_lines.reduce(work, active, amounts, places)
    return [amount - sum(each[n] for each in offs) for n, amount in enumerate(amounts)]

"""Discounts: coupons that someone has redeemed (https://docs.stripe.com/api/discounts)."""

from localcloud.stripe import periods
from localcloud.stripe.nouns import new_id
from localcloud.stripe.registry import Resource
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work, plain


def present(work: Work, discount: Obj) -> Obj:
    """In the newest shape, and with the whole `coupon` that it had before clover."""
    coupon = work.find("coupon", discount["_coupon"])
    return {
        **plain(work, discount),
        "coupon": work.present(coupon) if coupon else None,
        "source": {"coupon": discount["_coupon"], "type": "coupon"},
    }


def redeem(
    work: Work, subscription: Obj, coupon: Obj, code: Obj | None, item: Obj | None = None
) -> Obj:
    """Redeem a coupon, by a promotion code or without; stored and announced.

    It is for the whole subscription, or for one `item` of it alone.
    """
    end = None
    if coupon["duration"] == "repeating":
        end = periods.shift(work.now, "month", coupon["duration_in_months"])
    count(work, coupon, code)
    discount = {
        "id": new_id("discount"),
        "object": "discount",
        "checkout_session": None,
        "customer": subscription["customer"],
        "customer_account": None,
        "end": end,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": code["id"] if code else None,
        "start": work.now,
        "subscription": None if item else subscription["id"],
        "subscription_item": item["id"] if item else None,
        "_coupon": coupon["id"],
    }
    return work.create(discount, "customer.discount.created")


def count(work: Work, coupon: Obj, code: Obj | None) -> None:
    """One redemption more."""
    for each in (coupon, code):
        if each:
            work.update(each, times_redeemed=each["times_redeemed"] + 1)


def coupon_of(work: Work, discount: Obj) -> Obj:
    """The coupon, even if it has been deleted since."""
    coupon = work.find("coupon", discount["_coupon"])
    if coupon is None:
        raise LookupError(f"the coupon of {discount['id']} is gone")
    return coupon


RESOURCE = Resource(
    kind="discount",
    present=present,
    expandable={
        "customer": "customer",
        "promotion_code": "promotion_code",
        "source.coupon": "coupon",
    },
)

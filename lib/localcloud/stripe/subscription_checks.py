"""What a subscription's parameters may name."""

from localcloud.stripe.errors import invalid
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

LONGEST_TRIAL = 731 * 86400
NO_CARD = (
    "This customer has no attached payment source or default payment method. Please consider "
    "adding a default payment method. For more information, visit "
    "https://stripe.com/docs/billing/subscriptions/payment-methods-setting"
    "#payment-method-priority."
)


def recurring_price(work: Work, identifier: str, at: str) -> Obj:
    """An active recurring price, or Stripe's 400."""
    price = work.need("price", identifier, param=at)
    if not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", at)
    if not price["recurring"]:
        raise invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices with "
            "`type=recurring`.",
            at,
        )
    return price


def quantity_of(price: Obj, wanted: Obj, at: str) -> Obj:
    """`{"quantity"}` of an item of a request, 1 unless named; of a metered price nothing.

    Raises a 400 for the quantity of a metered price.
    """
    if price["recurring"]["usage_type"] == "licensed":
        return {"quantity": wanted.get("quantity", 1)}
    if "quantity" in wanted:
        raise invalid("You cannot set the quantity for metered plans.", f"{at}[quantity]")
    return {}


def future(work: Work, moment: int) -> int:
    """A moment (epoch seconds) that has not come yet, or a 400."""
    if moment <= work.now:
        raise invalid("`cancel_at` must be in the future.", "cancel_at")
    return moment


def trial_moment(work: Work, params: Obj) -> int | None:
    """The `trial_end` of a request in epoch seconds, `now` being now; None if it names none."""
    if "trial_end" not in params:
        return None
    moment = work.now if params["trial_end"] == "now" else int(params["trial_end"])
    if moment < work.now or (moment == work.now and params["trial_end"] != "now"):
        raise invalid(
            "Invalid timestamp: must be an integer Unix timestamp in the future", "trial_end"
        )
    if moment > work.now + LONGEST_TRIAL:
        raise invalid("Invalid timestamp: can be no more than two years in the future", "trial_end")
    return moment


def own_method(work: Work, customer: str, params: Obj) -> str:
    """The id of the customer's own card in `default_payment_method`, or a 400."""
    method = work.need(
        "payment_method", params["default_payment_method"], param="default_payment_method"
    )
    if method["customer"] != customer:
        raise invalid(
            f"The customer does not have a payment method with the ID {method['id']}. The payment "
            "method must be attached to the customer.",
            "default_payment_method",
            "resource_missing",
        )
    return str(method["id"])

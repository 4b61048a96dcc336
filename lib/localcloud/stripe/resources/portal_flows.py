"""Deep links into the Customer Portal: `flow_data` of a session, and the `flow` it becomes.

Source: "Deep links in the customer portal", "Create a portal session" of Stripe's API.
"""

from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import invalid, missing_param, no_such, not_built
from localcloud.stripe.params import Array, Enum, Hash, Integer, Text, Url
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_discounts import redeemable
from localcloud.stripe.subscription_objects import full, in_advance, items_of
from localcloud.stripe.work import Work

SUBSCRIPTION = {"subscription": Text()}
# the feature that must be on for a flow
NEEDS = {
    "payment_method_update": "payment_method_update",
    "subscription_cancel": "subscription_cancel",
    "subscription_update": "subscription_update",
    "subscription_update_confirm": "subscription_update",
}
LATER = ("customer_update", "subscription_pause")
"""Types of flow that came after the pinned API version."""
REFUSALS = {
    "payment_method_update": "This payment method cannot be updated because the payment method "
    "update feature in the portal configuration is disabled.",
    "subscription_cancel": "This subscription cannot be canceled because the subscription "
    "cancellation feature in the portal configuration is disabled.",
    "subscription_update": "This subscription cannot be updated because the subscription update "
    "feature in the portal configuration is disabled.",
}
PARAMS = Hash(
    {
        "after_completion": Hash(
            {
                "hosted_confirmation": Hash({"custom_message": Text(500)}),
                "redirect": Hash({"return_url": Url()}, required=("return_url",)),
                "type": Enum(("hosted_confirmation", "portal_homepage", "redirect")),
            },
            required=("type",),
        ),
        "subscription_cancel": Hash(
            SUBSCRIPTION, required=("subscription",), unbuilt=("retention",)
        ),
        "subscription_update": Hash(SUBSCRIPTION, required=("subscription",)),
        "subscription_update_confirm": Hash(
            {
                **SUBSCRIPTION,
                "discounts": Array(Hash({"coupon": Text(), "promotion_code": Text()}), longest=1),
                "items": Array(
                    Hash({"id": Text(), "price": Text(), "quantity": Integer(0)}, required=("id",)),
                    longest=1,
                ),
            },
            required=("items", "subscription"),
        ),
        "type": Enum(tuple(NEEDS), unbuilt=LATER),
    },
    required=("type",),
    unbuilt=("subscription_pause",),
)


def flow(work: Work, customer: Obj, configuration: Obj, params: Obj) -> Obj:
    """The session's `flow`. Raises Stripe's 400 for one that the customer could not go through."""
    kind = params["type"]
    feature = NEEDS[kind]
    if not configuration["features"][feature]["enabled"]:
        raise invalid(REFUSALS[feature], "flow_data[type]")
    made: Obj = {
        "after_completion": _after(params.get("after_completion", {"type": "portal_homepage"})),
        "subscription_cancel": None,
        "subscription_update": None,
        "subscription_update_confirm": None,
        "type": kind,
    }
    if kind == "payment_method_update":
        return made
    if kind not in params:
        raise missing_param(f"flow_data[{kind}]")
    made[kind] = _asked(work, customer, configuration, params)
    return made


def _asked(work: Work, customer: Obj, configuration: Obj, params: Obj) -> Obj:
    """What the flow is to do with the customer's subscription."""
    kind = params["type"]
    at = f"flow_data[{kind}][subscription]"
    subscription = _own(work, customer, params[kind]["subscription"], at)
    asked = {"subscription": subscription["id"]}
    if kind == "subscription_cancel":
        if subscription["cancel_at"] is not None:
            raise invalid(
                f"This subscription cannot be canceled because {subscription['id']} is already "
                "set to be canceled.",
                at,
            )
        return {**asked, "retention": None}
    check_updatable(work, subscription, at)
    if kind == "subscription_update":
        return asked
    return {**asked, **_confirm(work, customer, configuration, subscription, params[kind])}


def _after(wanted: Obj) -> Obj:
    kind = wanted["type"]
    if kind == "redirect" and kind not in wanted:
        raise missing_param("flow_data[after_completion][redirect]")
    said = wanted.get("hosted_confirmation", {}).get("custom_message")
    hosted = {"custom_message": said} if kind == "hosted_confirmation" else None
    redirect = wanted["redirect"] if kind == "redirect" else None
    return {"hosted_confirmation": hosted, "redirect": redirect, "type": kind}


def _own(work: Work, customer: Obj, identifier: str, at: str) -> Obj:
    """The customer's own running subscription, or a 400."""
    subscription = work.need("subscription", identifier, param=at)
    if subscription["customer"] != customer["id"]:
        raise no_such("subscription", identifier, param=at, status=400)
    if subscription["status"] in life.ENDED:
        raise invalid(f"The subscription {identifier} is canceled.", at)
    return subscription


def check_updatable(work: Work, subscription: Obj, at: str | None = None) -> None:
    """Raise a 400 for a subscription that customers cannot change by themselves."""
    items = items_of(work, subscription)
    if len(items) > 1:
        raise invalid(
            "This subscription cannot be updated because it has multiple subscription items.", at
        )
    if not in_advance(work, items[0]):
        raise invalid("This subscription cannot be updated because its price is metered.", at)
    if subscription["cancel_at"] is not None:
        raise invalid(
            "This subscription cannot be updated because it is set to be canceled. Renew it first.",
            at,
        )
    if subscription["status"] not in ("active", "trialing"):
        raise invalid(
            "This subscription cannot be updated because its status is "
            f"`{subscription['status']}`.",
            at,
        )


def _confirm(work: Work, customer: Obj, configuration: Obj, subscription: Obj, params: Obj) -> Obj:
    at = "flow_data[subscription_update_confirm]"
    item = items_of(work, subscription)[0]
    if not params["items"]:
        raise missing_param(f"{at}[items][0]")
    wanted = params["items"][0]
    if wanted["id"] != item["id"]:
        raise no_such("subscription_item", wanted["id"], param=f"{at}[items][0][id]", status=400)
    if "price" in wanted and offered(configuration, wanted["price"]) is None:
        raise invalid(
            f"The item `{item['id']}` cannot be updated to price `{wanted['price']}` because the "
            f"configuration `{configuration['id']}` does not include the price in its "
            "`features[subscription_update][products]`.",
            f"{at}[items][0][price]",
        )
    discounts = params.get("discounts", [])
    if discounts and subscription["discounts"]:
        raise not_built("a flow's discounts for a subscription that has some already")
    for n, each in enumerate(discounts):
        name = f"{at}[discounts][{n}]"
        if len(each) != 1:
            raise invalid("You must specify exactly one of coupon, promotion_code.", name)
        redeemable(work, each, customer, full(work, item), f"{name}[{next(iter(each))}]")
    return {
        "discounts": [{"coupon": None, "promotion_code": None, **each} for each in discounts]
        or None,
        "items": [{"price": None, "quantity": None, **wanted}],
    }


def offered(configuration: Obj, price: str) -> Obj | None:
    """The product in the configuration's catalogue that holds a price, if any does."""
    products: list[Obj] = configuration["features"]["subscription_update"]["products"]
    return next((each for each in products if price in each["prices"]), None)

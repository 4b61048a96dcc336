"""Subscription items: which prices a subscription has (https://docs.stripe.com/api/subscription_items)."""

from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import invalid, not_built
from localcloud.stripe.lists import page_within
from localcloud.stripe.params import (
    EXPAND,
    PAGE,
    Boolean,
    Hash,
    Integer,
    Metadata,
    Spec,
    Text,
    words,
)
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources.prices import plan_of
from localcloud.stripe.resources.subscription_params import PAYMENT_BEHAVIOR, PRORATION
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_discounts import PARAMS
from localcloud.stripe.subscription_update import change_plan
from localcloud.stripe.work import Work, plain

URL = "/v1/subscription_items"
ITEM = ("id", "deleted", "discounts", "metadata", "price", "quantity")
HOW: dict[str, Spec] = {
    "payment_behavior": PAYMENT_BEHAVIOR,
    "proration_behavior": PRORATION,
    "proration_date": Integer(0),
}
FIELDS: dict[str, Spec] = {
    **EXPAND,
    **HOW,
    "discounts": PARAMS,
    "metadata": Metadata(),
    "price": Text(),
    "quantity": Integer(0),
}
UNBUILT = words("billing_thresholds current_trial plan price_data tax_rates")


def present(work: Work, item: Obj) -> Obj:
    if item.get("_deleted"):
        return plain(work, item)
    price = plain(work, work.need("price", item["_price"]))
    return {**plain(work, item), "plan": plan_of(price), "price": price}


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("subscription_item", id))


def list_all(work: Work, params: Obj) -> Obj:
    subscription = work.need("subscription", params["subscription"], param="subscription")
    items = [present(work, work.need("subscription_item", id)) for id in subscription["_items"]]
    return page_within("subscription_item", URL, items, params)


def create(work: Work, params: Obj) -> Obj:
    """Add a price to a subscription."""
    if params.get("payment_behavior") == "pending_if_incomplete":
        raise not_built("adding an item by a pending update")
    subscription = work.need("subscription", params.pop("subscription"), param="subscription")
    known = set(subscription["_items"])
    _change(work, subscription, params)
    added = next(each for each in subscription["_items"] if each not in known)
    return work.present(work.need("subscription_item", added))


def update(work: Work, params: Obj, id: str) -> Obj:
    item = work.need("subscription_item", id)
    subscription = work.need("subscription", item["subscription"])
    _change(work, subscription, {**params, "id": id})
    return work.present(work.need("subscription_item", id))


def delete(work: Work, params: Obj, id: str) -> Obj:
    """Take a price from a subscription; the last one cannot go."""
    item = work.need("subscription_item", id)
    subscription = work.need("subscription", item["subscription"])
    _change(work, subscription, {**params, "id": id, "deleted": True})
    return work.present(work.find("subscription_item", id) or item)


def _change(work: Work, subscription: Obj, params: Obj) -> None:
    """Change one item as `subscriptions.update` would."""
    if subscription["status"] in life.ENDED:
        raise invalid("You cannot change the items of a canceled subscription.")
    item = {name: params.pop(name) for name in ITEM if name in params}
    before = work.present(subscription)
    change_plan(work, subscription, {**params, "items": [item]})
    life.save(work, subscription)
    work.announce_change(life.UPDATED, before, subscription)


RESOURCE = Resource(
    kind="subscription_item",
    present=present,
    expandable={"discounts": "discount"},
    routes=(
        Route(
            "POST",
            URL,
            create,
            Hash({**FIELDS, "subscription": Text()}, required=("subscription",), unbuilt=UNBUILT),
        ),
        Route(
            "GET",
            URL,
            list_all,
            Hash({**PAGE, "subscription": Text()}, required=("subscription",)),
        ),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route(
            "POST",
            URL + "/{id}",
            update,
            Hash({**FIELDS, "off_session": Boolean()}, unbuilt=UNBUILT),
        ),
        Route("DELETE", URL + "/{id}", delete, Hash(HOW, unbuilt=("clear_usage",))),
    ),
)

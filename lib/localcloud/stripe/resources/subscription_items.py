"""Subscription items: which prices a subscription has (https://docs.stripe.com/api/subscription_items)."""

from localcloud.stripe.lists import page_within
from localcloud.stripe.params import EXPAND, PAGE, Hash, Text
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources.prices import plan_of
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work, plain

URL = "/v1/subscription_items"


def present(work: Work, item: Obj) -> Obj:
    price = plain(work, work.need("price", item["_price"]))
    return {**plain(work, item), "plan": plan_of(price), "price": price}


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("subscription_item", id))


def list_all(work: Work, params: Obj) -> Obj:
    subscription = work.need("subscription", params["subscription"], param="subscription")
    items = [present(work, work.need("subscription_item", id)) for id in subscription["_items"]]
    return page_within("subscription_item", URL, items, params)


RESOURCE = Resource(
    kind="subscription_item",
    present=present,
    routes=(
        Route(
            "GET",
            URL,
            list_all,
            Hash({**PAGE, "subscription": Text()}, required=("subscription",)),
        ),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
    ),
)

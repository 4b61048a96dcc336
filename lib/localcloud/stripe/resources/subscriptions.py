"""Subscriptions in the API (https://docs.stripe.com/api/subscriptions); see `subscription_life`."""

from localcloud.stripe import subscription_discounts, subscription_renewal
from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import StripeError, invalid, no_such, not_built
from localcloud.stripe.lists import as_list, filters, page
from localcloud.stripe.params import EXPAND, Enum, Hash
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources.subscription_params import (
    CANCEL,
    CREATE,
    LIST,
    PRORATION,
    STATUSES,
    UPDATE,
)
from localcloud.stripe.store import Obj, Where, among, equal
from localcloud.stripe.subscription_cancel import cancel
from localcloud.stripe.subscription_create import create
from localcloud.stripe.subscription_objects import items_of
from localcloud.stripe.subscription_update import update
from localcloud.stripe.work import Work, plain

URL = "/v1/subscriptions"


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("subscription", id))


def resume(work: Work, params: Obj, id: str) -> Obj:
    subscription = work.need("subscription", id)
    if subscription["status"] != "paused":
        raise invalid("You can only resume subscriptions that are `paused`.")
    if params.get("billing_cycle_anchor") == "unchanged":
        raise not_built("resuming with an unchanged billing cycle")
    return work.present(subscription_renewal.resume(work, subscription))


def delete_discount(work: Work, params: Obj, id: str) -> Obj:
    """Take the subscription's discount from it, if it has but one."""
    subscription = work.need("subscription", id)
    found = subscription["discounts"]
    if not found:
        raise StripeError(
            404,
            f"No active discount for subscription {id} on customer {subscription['customer']}",
            code="resource_missing",
        )
    if len(found) > 1:
        raise not_built("deleting the discount of a subscription that has several")
    gone = work.present(subscription_discounts.end(work, found[0]))
    life.save(work, subscription, life.UPDATED, discounts=[])
    return {name: value for name, value in gone.items() if name != "end"} | {"deleted": True}


def list_all(work: Work, params: Obj) -> Obj:
    wheres = []
    if "customer" in params:
        if work.find("customer", params["customer"]) is None:
            raise no_such("customer", params["customer"], param="customer", status=400)
        wheres.append(equal("customer", params["customer"]))
    for name in ("price", "plan"):
        if name in params:
            work.need("price", params[name], param=name)
            has = "EXISTS (SELECT 1 FROM json_each(body, '$._prices') WHERE value = ?)"
            wheres.append(Where(has, (params[name],)))
    wheres += filters(params, "collection_method", "created")
    wheres.append(_status(params.get("status")))
    return page(work, "subscription", URL, params, *wheres)


def _status(status: str | None) -> Where:
    if status == "all":
        return Where("1")
    if status == "ended":
        return among("status", life.ENDED)
    if status is None:
        return among("status", [each for each in STATUSES if each not in life.ENDED])
    return equal("status", status)


def present(work: Work, subscription: Obj) -> Obj:
    items = [work.present(item) for item in items_of(work, subscription)]
    url = f"/v1/subscription_items?subscription={subscription['id']}"
    return {**plain(work, subscription), "items": as_list(url, items)}


EXPANDABLE: dict[str, str] = {
    "customer": "customer",
    "default_payment_method": "payment_method",
    "discounts": "discount",
    "latest_invoice": "invoice",
    "pending_setup_intent": "setup_intent",
    "schedule": "subscription_schedule",
    "test_clock": "test_clock",
}
RESOURCE = Resource(
    kind="subscription",
    present=present,
    on_due=subscription_renewal.on_due,
    expandable=EXPANDABLE,
    routes=(
        Route("POST", URL, create, CREATE),
        Route("GET", URL, list_all, LIST),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, UPDATE),
        Route("DELETE", URL + "/{id}", cancel, Hash(CANCEL)),
        Route("DELETE", URL + "/{id}/discount", delete_discount),
        Route(
            "POST",
            URL + "/{id}/resume",
            resume,
            Hash(
                {
                    **EXPAND,
                    "billing_cycle_anchor": Enum(("now", "unchanged")),
                    "proration_behavior": PRORATION,
                },
                unbuilt=("payment_behavior", "proration_date"),
            ),
        ),
    ),
)

"""Changing a subscription by the API."""

from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import invalid, no_such, not_built
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_checks import future, own_method, recurring_price
from localcloud.stripe.subscription_objects import items_of, period_of
from localcloud.stripe.work import Work, merge_metadata


def update(work: Work, params: Obj, id: str) -> Obj:
    subscription = work.need("subscription", id)
    if subscription["status"] in life.ENDED and set(params) - {"metadata", "cancellation_details"}:
        raise invalid(
            "A canceled subscription can only update its cancellation_details and metadata."
        )
    before = work.present(subscription)
    _change_items(work, subscription, params)
    changes = _changes(work, subscription, params)
    subscription.update(changes)
    if "trial_end" in params:
        _move_trial(work, subscription, params["trial_end"])
    if "cancel_at_period_end" in params:
        end_with_period(work, subscription, wanted=params["cancel_at_period_end"])
    life.save(work, subscription)
    life.announce_change(work, before, subscription)
    return work.present(subscription)


def _changes(work: Work, subscription: Obj, params: Obj) -> Obj:
    changes: Obj = {
        name: params[name] for name in ("description", "trial_settings") if name in params
    }
    if "metadata" in params:
        changes["metadata"] = merge_metadata(subscription["metadata"], params["metadata"])
    if "default_payment_method" in params:
        changes["default_payment_method"] = own_method(work, subscription["customer"], params)
    if "payment_settings" in params:
        changes["payment_settings"] = {
            **subscription["payment_settings"],
            **params["payment_settings"],
        }
    if "cancellation_details" in params:
        changes["cancellation_details"] = {
            **subscription["cancellation_details"],
            **params["cancellation_details"],
        }
    if "cancel_at" in params:
        moment = params["cancel_at"]
        changes["cancel_at"] = future(work, moment) if moment else None
        changes["canceled_at"] = work.now if moment else None
        changes["cancel_at_period_end"] = False
    return changes


def end_with_period(work: Work, subscription: Obj, *, wanted: bool) -> None:
    """Set, or take back, `cancel_at_period_end`; the caller stores it."""
    details = subscription["cancellation_details"]
    if wanted:
        subscription.update(
            cancel_at=period_of(work, subscription)[1],
            cancel_at_period_end=True,
            canceled_at=subscription["canceled_at"] or work.now,
            cancellation_details={**details, "reason": "cancellation_requested"},
        )
    elif subscription["cancel_at_period_end"]:
        subscription.update(
            cancel_at=None,
            cancel_at_period_end=False,
            canceled_at=None,
            cancellation_details={**details, "reason": None},
        )


def _change_items(work: Work, subscription: Obj, params: Obj) -> None:
    """Swap prices and quantities of existing items, from the next period on."""
    for place, change in enumerate(params.get("items", [])):
        if "id" not in change:
            raise not_built("adding an item to a subscription")
        if change["id"] not in subscription["_items"]:
            raise no_such(
                "subscription_item", change["id"], param=f"items[{place}][id]", status=400
            )
        item = work.need("subscription_item", change["id"])
        billed = {name: change[name] for name in ("price", "quantity") if name in change}
        if billed and params.get("proration_behavior") != "none":
            raise not_built("prorations; pass proration_behavior=none")
        if "price" in change:
            _swap_price(work, subscription, item, change["price"], f"items[{place}][price]")
        if "quantity" in change:
            item["quantity"] = change["quantity"]
        if "metadata" in change:
            item["metadata"] = merge_metadata(item["metadata"], change["metadata"])
        work.store.put(item)


def _swap_price(work: Work, subscription: Obj, item: Obj, identifier: str, at: str) -> None:
    new, old = recurring_price(work, identifier, at), work.need("price", item["_price"])
    if new["currency"] != subscription["currency"]:
        raise invalid(f"The price specified only supports `{new['currency']}`.", at)
    interval = ("interval", "interval_count")
    if [new["recurring"][name] for name in interval] != [
        old["recurring"][name] for name in interval
    ]:
        raise not_built("a change to a price with another interval")
    prices = subscription["_prices"]
    prices[subscription["_items"].index(item["id"])] = new["id"]
    item["_price"] = new["id"]


def _move_trial(work: Work, subscription: Obj, moment: int | str) -> None:
    if subscription["status"] != "trialing":
        raise not_built("a trial in the middle of a subscription")
    end = work.now if moment == "now" else int(moment)
    if end < work.now:
        raise invalid(
            "Invalid timestamp: must be an integer Unix timestamp in the future", "trial_end"
        )
    subscription.update(trial_end=end, billing_cycle_anchor=end)
    for item in items_of(work, subscription):
        work.update(item, current_period_end=end)
    if end == work.now:
        life.begin_period(work, subscription, life.method_of(work, subscription))

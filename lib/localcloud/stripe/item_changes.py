"""What a request does to the items of a subscription, worked out before anything is changed."""

from dataclasses import dataclass
from typing import Any

from localcloud.stripe import subscription_discounts
from localcloud.stripe.errors import invalid, missing_param, no_such, not_built
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_checks import quantity_of, recurring_price
from localcloud.stripe.subscription_objects import items_of, new_item, period_of
from localcloud.stripe.work import Work, merge_metadata


@dataclass(frozen=True)
class Change:
    """An item as it was (None: it is new) and as it will be (None: it goes), or unchanged."""

    before: Obj | None
    after: Obj | None

    @property
    def bills(self) -> bool:
        """Whether it costs something else from now on."""
        if self.before is None or self.after is None:
            return True
        return any(self.before.get(each) != self.after.get(each) for each in ("_price", "quantity"))

    @property
    def leaves(self) -> bool:
        """Whether the item's price is no longer charged from now on."""
        if self.before is None:
            return False
        return self.after is None or self.after["_price"] != self.before["_price"]


def plan(work: Work, subscription: Obj, wanted: list[Obj], at: str = "items") -> list[Change]:
    """All items of the subscription with what `wanted` (`items` of a request) makes of them.

    New items are not stored yet. Raises Stripe's 400 for what the subscription cannot become.
    """
    changes = {item["id"]: Change(item, dict(item)) for item in items_of(work, subscription)}
    for place, each in enumerate(wanted):
        name = f"{at}[{place}]"
        if "id" not in each:
            if each.get("deleted"):
                raise missing_param(f"{name}[id]")
            changes[name] = Change(None, _added(work, each, name))
            continue
        if each["id"] not in changes:
            raise no_such("subscription_item", each["id"], param=f"{name}[id]", status=400)
        before = changes[each["id"]].before
        after = None if each.get("deleted") else _changed(work, dict(before or {}), each, name)
        changes[each["id"]] = Change(before, after)
    _check(work, subscription, [change.after for change in changes.values() if change.after])
    return list(changes.values())


def _added(work: Work, wanted: Obj, at: str) -> Obj:
    if "price" not in wanted:
        raise missing_param(f"{at}[price]")
    price = recurring_price(work, wanted["price"], f"{at}[price]")
    return {
        "price": price,
        "metadata": merge_metadata({}, wanted.get("metadata")),
        "_wanted": _discounts(wanted, at),
        **quantity_of(price, wanted, at),
        "_price": price["id"],
    }


def _changed(work: Work, item: Obj, wanted: Obj, at: str) -> Obj:
    """A new price sets the quantity to 1 unless the request names one, as Stripe documents it.

    From then on what is used is used at that price.
    """
    if "price" in wanted and wanted["price"] != item["_price"]:
        price = recurring_price(work, wanted["price"], f"{at}[price]")
        item.pop("quantity", None)
        item.update(_price=price["id"], _used_from=work.now, **quantity_of(price, wanted, at))
    elif "quantity" in wanted:
        item.update(quantity_of(work.need("price", item["_price"]), wanted, at))
    if "metadata" in wanted:
        item["metadata"] = merge_metadata(item["metadata"], wanted["metadata"])
    item["_wanted"] = _discounts(wanted, at)
    return item


def _discounts(wanted: Obj, at: str) -> tuple[list[Obj], str] | None:
    """The discounts that a request names for an item, and where it does."""
    return (wanted["discounts"], f"{at}[discounts]") if "discounts" in wanted else None


def _check(work: Work, subscription: Obj, items: list[Obj]) -> None:
    if not items:
        raise invalid(
            "A subscription must have at least one active plan. In order to remove this plan, "
            "please cancel the subscription instead.",
            "items",
        )
    seen: set[str] = set()
    for item in items:
        if item["_price"] in seen:
            raise invalid(
                "Cannot add multiple subscription items with the same plan: " + item["_price"],
                "price",
            )
        seen.add(item["_price"])
    prices = [work.need("price", identifier) for identifier in seen]
    intervals = {interval_of(price) for price in prices}
    currencies = {price["currency"] for price in prices} | {subscription["currency"]}
    for name, found in (("currency", currencies), ("interval", intervals)):
        if len(found) > 1:
            if name == "interval" and subscription["billing_mode"]["type"] == "flexible":
                raise not_built("items with different billing intervals")
            raise invalid(
                "Currency and interval fields must match across all plans on this subscription. "
                f"Found mismatch in {name} field.",
                "price",
            )


def interval_of(price: Obj) -> tuple[Any, ...]:
    """How often a recurring price is billed."""
    return price["recurring"]["interval"], price["recurring"]["interval_count"]


def _remove(work: Work, item: Obj) -> None:
    for identifier in item["discounts"]:
        subscription_discounts.end(work, identifier)
    work.update(dict(item), discounts=[], _deleted=True)


def apply(work: Work, subscription: Obj, changes: list[Change]) -> list[Change]:
    """Store the items; the caller stores the subscription. Returns the changes, all with ids."""
    period = period_of(work, subscription)
    done = []
    for change in changes:
        before, after = change.before, change.after
        wanted = after.pop("_wanted", None) if after else None
        if after and not before:
            after = new_item(work, subscription, after, period)
        if after and wanted:
            subscription_discounts.replace(work, subscription, wanted[0], after, wanted[1])
        if after:
            work.update(after)
        elif before:
            _remove(work, before)
        done.append(Change(before, after))
    items = [change.after for change in done if change.after]
    subscription["_items"] = [item["id"] for item in items]
    subscription["_prices"] = [item["_price"] for item in items]
    return done

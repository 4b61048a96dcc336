"""What must be true of the time that subscriptions are billed for."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from tests.integration.lives_account import METERED
from tests.integration.lives_checks import Books

Obj = dict[str, Any]
State = tuple[int, str, dict[str, Obj]]
"""From when on (epoch seconds) a subscription has had a status and these items."""
OVER = ("canceled", "incomplete_expired")


def states(books: Books, subscription: str) -> list[State]:
    """What a subscription has been, as its events have told it."""
    found = []
    for event in books.all["event"]:
        shown = event["data"]["object"]
        if shown["id"] == subscription:
            items = {item["id"]: item for item in shown["items"]["data"]}
            found.append((event["created"], shown["status"], items))
    return found


def periods(books: Books) -> Iterator[str]:
    """A period begins where the one before has ended, or at the moment of a change."""
    for subscription in books.all["subscription"]:
        known: dict[str, tuple[int, int]] = {}
        for moment, status, items in states(books, subscription["id"]):
            for item in items.values():
                start, end = item["current_period_start"], item["current_period_end"]
                before = known.get(item["id"])
                begins = (before is None and start <= moment) or start in (before or ())
                if not begins and start != moment:
                    yield f"periods: {item['id']} goes from {before} to {(start, end)}"
                if not start <= moment <= end and status not in (*OVER, "paused"):
                    yield f"periods: {item['id']} at {moment} has the period {(start, end)}"
                if end <= start:
                    yield f"periods: {item['id']} has the period {(start, end)}"
                known[item["id"]] = (start, end)


def charged(books: Books, credited: set[str]) -> Iterator[str]:
    """Every second of every licensed item is paid for once, at the price it then had.

    Holds where nothing was free, every change was prorated, and a discount is always half of all.
    Of the subscriptions in `credited` the rest was given back when they were cancelled. Each line
    may be half a cent off, or a whole one if it was halved.
    """
    lines = lines_of_items(books)
    for subscription in books.all["subscription"]:
        if subscription["status"] == "incomplete_expired":
            continue
        found = states(books, subscription["id"])
        until = subscription["ended_at"] if subscription["id"] in credited else None
        for item in {name for _, _, items in found for name in items}:
            amounts = lines[item]
            share = Fraction(1, 2) if subscription["discounts"] else Fraction(1)
            wanted = worth(found, item, until) * share
            if abs(sum(amounts) - wanted) > Fraction(len(amounts), 2) / share:
                exact = f"{float(wanted):.2f}"
                yield f"charged: {item} of {subscription['id']} is worth {exact}, not {amounts}"


def lines_of_items(books: Books) -> dict[str, list[int]]:
    """What was charged, and what waits to be, by licensed subscription item."""
    found: dict[str, list[int]] = defaultdict(list)
    sold = books.account.prices
    licensed = {sold[name] for name in sold if name not in METERED}
    for invoice in books.all["invoice"]:
        for line in invoice["lines"]["data"]:
            details = line["parent"]["subscription_item_details"]
            if details and line["pricing"]["price_details"]["price"] in licensed:
                off = sum(each["amount"] for each in line["discount_amounts"])
                found[details["subscription_item"]].append(line["amount"] - off)
    for waiting in books.all["invoiceitem"]:
        details = (waiting["parent"] or {}).get("subscription_details") or {}
        price = waiting["pricing"]["price_details"]["price"]
        if waiting["invoice"] is None and price in licensed:
            found[details.get("subscription_item")].append(waiting["amount"])
    return found


def worth(found: list[State], item: str, until: int | None) -> Fraction:
    """What an item's time was worth up to the end of its last period, or to `until`."""
    total = Fraction(0)
    for place, (moment, _, items) in enumerate(found):
        if item not in items:
            continue
        start, end = (items[item][f"current_period_{each}"] for each in ("start", "end"))
        last = place + 1 == len(found)
        stop = (end if until is None else until) if last else found[place + 1][0]
        if last or found[place + 1][1] not in OVER:
            total += Fraction(cost(items[item]) * (stop - max(moment, start)), end - start)
            continue
        stop = end if until is None else until
        return total + Fraction(cost(items[item]) * (stop - max(moment, start)), end - start)
    return total


def cost(item: Obj) -> int:
    """A whole period of an item, in cents; nothing in advance for what is metered."""
    price = item["price"]
    if price["recurring"]["usage_type"] == "metered":
        return 0
    units = item["quantity"]
    if price["transform_quantity"]:
        units = -(-units // price["transform_quantity"]["divide_by"])
    exact = units * Decimal(price["unit_amount_decimal"])
    return int(exact.to_integral_value(ROUND_HALF_UP))

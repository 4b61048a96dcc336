"""What must be true of an account's events: each check yields what is wrong."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from localcloud.stripe.work import difference
from tests.integration.lives_checks import Books

Obj = dict[str, Any]
BORN = {
    "charge": ("charge.succeeded", "charge.failed"),
    "customer": ("customer.created",),
    "invoice": ("invoice.created",),
    "invoiceitem": ("invoiceitem.created",),
    "invoice_payment": ("invoice_payment.paid",),
    "payment_intent": ("payment_intent.created",),
    "refund": ("refund.created",),
    "subscription": ("customer.subscription.created",),
}
STATUS = {
    "customer.subscription.deleted": ("canceled",),
    "customer.subscription.paused": ("paused",),
    "customer.subscription.trial_will_end": ("trialing", "active", "past_due"),
    "invoice.created": ("draft",),
    "invoice.finalized": ("open",),
    "invoice.marked_uncollectible": ("uncollectible",),
    "invoice.paid": ("paid",),
    "invoice.payment_action_required": ("open", "uncollectible"),
    "invoice.payment_failed": ("open", "uncollectible"),
    "invoice.payment_succeeded": ("paid",),
    "invoice.sent": ("open",),
    "invoice.voided": ("void",),
    "payment_intent.canceled": ("canceled",),
    "payment_intent.created": ("requires_payment_method",),
    "payment_intent.payment_failed": ("requires_payment_method",),
    "payment_intent.requires_action": ("requires_action",),
    "payment_intent.succeeded": ("succeeded",),
}
"""The statuses that the object of an event can have."""
CHAINED = ("customer", "subscription", "payment_method")
"""Kinds whose every change is announced with the values of before."""
SILENT = ("currency", "next_invoice_sequence")
"""What changes with a customer's invoices without an event of its own."""
HERALDS = tuple(
    f"customer.subscription.{what}"
    for what in ("trial_will_end", "pending_update_applied", "pending_update_expired")
)
"""They show a change before the event that says what it was."""
GONE = ("customer.deleted", "invoice.deleted", "invoiceitem.deleted")


def events_wrong(books: Books) -> list[str]:
    """What is wrong with the events."""
    checks = (births, payloads, order, chains)
    return [f"{check.__name__}: {wrong}" for check in checks for wrong in check(books)]


def histories(books: Books) -> dict[str, list[Obj]]:
    """The events of every object, oldest first."""
    found: dict[str, list[Obj]] = defaultdict(list)
    for event in books.all["event"]:
        found[event["data"]["object"]["id"]].append(event)
    return found


def births(books: Books) -> Iterator[str]:
    """Every object is announced once when it is made, and nothing else is announced."""
    told = histories(books)
    for kind, names in BORN.items():
        for each in books.all[kind]:
            born = [event for event in told[each["id"]] if event["type"] in names]
            if len(born) != 1:
                yield f"{each['id']} was announced {len(born)} times"
    for identifier, events in told.items():
        kind = events[0]["data"]["object"]["object"]
        known = identifier in books.by_id or events[-1]["type"] in GONE
        if kind in BORN and not known:
            yield f"{identifier} has {events[-1]['type']}, and does not exist"


def payloads(books: Books) -> Iterator[str]:
    """An event shows its object in a status that goes with it, and old values that differ."""
    for event in books.all["event"]:
        shown, before = event["data"]["object"], event["data"].get("previous_attributes")
        allowed = STATUS.get(event["type"])
        if allowed and shown["status"] not in allowed:
            yield f"{event['type']} of {shown['id']} is {shown['status']}"
        if event["type"].endswith(".updated") != (before is not None) and before is None:
            yield f"{event['type']} of {shown['id']} does not say what it was before"
        same = [name for name in before or {} if before and before[name] == shown.get(name, ...)]
        if same or before == {}:
            yield f"{event['type']} of {shown['id']} says that {same} has changed"


def order(books: Books) -> Iterator[str]:
    """An object's events come in the order of its life, none before it or after its end."""
    events = books.all["event"]
    for one, other in pairwise(events):
        if one["created"] > other["created"]:
            about = [f"{each['type']} of {each['data']['object']['id']}" for each in (one, other)]
            yield f"{about[1]} is older than {about[0]}, which came before it"
    for identifier, events in histories(books).items():
        kind = events[0]["data"]["object"]["object"]
        names = [event["type"] for event in events]
        # what happens to a new subscription in the request that makes it may be told first
        if kind in BORN and kind != "subscription" and names[0] not in BORN[kind]:
            yield f"{identifier} begins with {names[:3]}"
        if any(name in GONE for name in names[:-1]):
            yield f"{identifier} goes on after its end: {names}"
        steps = [each for each in ("created", "finalized", "paid") if f"invoice.{each}" in names]
        places = [names.index(f"invoice.{each}") for each in steps]
        if places != sorted(places) or ("paid" in steps and "finalized" not in steps):
            yield f"{identifier} has {names}"


def chains(books: Books) -> Iterator[str]:
    """Each event shows what the one before has shown, but for what it says has changed."""
    for identifier, events in histories(books).items():
        kind = events[0]["data"]["object"]["object"]
        if kind not in CHAINED:
            continue
        shown = loud(events[0]["data"]["object"])
        for event in events[1:]:
            after = loud(event["data"]["object"])
            found, told = difference(shown, after), event["data"].get("previous_attributes", {})
            names = {name for name in {**found, **told} if found.get(name, 0) != told.get(name, 0)}
            if event["type"].endswith(".updated") and names - set(SILENT):
                was = {name: (found.get(name), told.get(name)) for name in sorted(names)}
                yield f"{event['type']} of {identifier}: it was, and tells, {was}"
            if event["type"] not in HERALDS:
                shown = after
        current = books.by_id.get(identifier)
        if current and (found := difference(shown, loud(current))):
            yield f"{identifier} differs from its last event: it was {found}"


def loud(obj: Obj) -> Obj:
    """The object without what changes silently."""
    if obj["object"] != "customer":
        return obj
    return {name: value for name, value in obj.items() if name not in SILENT}

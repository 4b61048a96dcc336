"""Local Stripe's events: what happened to whom, and how its webhooks arrived."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from . import people
from .paging import PARAMETER, Pages
from .sources import Unanswered
from .stage import Stage

SHOWN = 50


async def listing(stage: Stage, query: Mapping[str, str]) -> dict[str, Any]:
    """A page of events, the newest first, filtered as `query` says (`customer`, `type`, `before`).

    A customer is named by id, or by the address, name or id of the user.
    Raises Unanswered, Refused.
    """
    asked = {name: query.get(name, "").strip() for name in ("customer", "type", PARAMETER)}
    filters = {name: value for name, value in asked.items() if value}
    customer = asked["customer"]
    if customer and not customer.startswith("cus_"):
        filters["customer"] = await people.customer_named(stage, customer)
    nobody = bool(customer) and not filters["customer"]
    events = [] if nobody else await newest(stage, SHOWN + 1, filters)
    older = events[SHOWN - 1]["id"] if len(events) > SHOWN else ""
    kept = {name: asked[name] for name in ("customer", "type") if asked[name]}
    return {
        "events": events[:SHOWN],
        "customer": customer,
        "type": asked["type"],
        "filtered": bool(kept),
        "pages": Pages.of("/_local/events", kept, asked[PARAMETER], older),
        "people": await _customers(stage),
    }


async def newest(stage: Stage, limit: int, filters: Mapping[str, str]) -> list[dict[str, Any]]:
    """Events with their users, filtered as local Stripe does. Raises Unanswered, Refused."""
    found = await stage.sources.stripe(f"/_local/events?{urlencode({**filters, 'limit': limit})}")
    if not isinstance(found, list):
        raise Unanswered("Local Stripe does not answer with its events.")
    known = await _people(stage, found)
    return [shown(event, known) for event in found]


async def one(stage: Stage, identifier: str) -> dict[str, Any]:
    """One event with its payload as text, and how far the clock is ahead of its attempts (s).

    Raises Unanswered, Refused.
    """
    event = await stage.sources.stripe(f"/_local/events/{quote(identifier, safe='')}")
    payload = {name: value for name, value in event.items() if name != "deliveries"}
    found = shown(event, await _people(stage, [event]))
    for delivery in found["deliveries"]:
        for attempt in delivery["attempts"]:
            attempt["body"] = stage.redaction.text(attempt["body"] or "")
    pretty = stage.redaction.pretty(payload)
    return {"event": found, "payload": pretty, "moved": stage.clock.offset}


async def resend(stage: Stage, identifier: str) -> str:
    """Have local Stripe send an event again. Raises Unanswered, Refused."""
    path = f"/_local/events/{quote(identifier, safe='')}/resend"
    queued = (await stage.sources.stripe(path, post=True))["queued"]
    return f"Sent again to {queued} endpoint{'' if queued == 1 else 's'}: see its attempts below."


def address(identifier: str) -> str:
    """An event's page."""
    return f"/_local/events/{quote(identifier, safe='')}"


def shown(event: dict[str, Any], known: Mapping[str, people.Person]) -> dict[str, Any]:
    """The event with its customer, that customer's user, and the state of all deliveries.

    `faults` are the kinds of those that its attempts suffered.
    """
    subject, customer = event["data"]["object"], _customer(event)
    person = known.get(customer)
    attempts = [attempt for each in event["deliveries"] for attempt in each["attempts"]]
    return {
        **event,
        "customer": customer,
        "userId": person.id if person else "",
        "who": person.label if person else customer,
        "about": f"{subject.get('object', '')} {subject.get('id', '')}".strip(),
        "state": _state(event["deliveries"]),
        "attempts": len(attempts),
        "faults": list(dict.fromkeys(each["fault"] for each in attempts if each["fault"])),
        "last": max(attempts, key=lambda attempt: attempt["at"], default=None),
        "nextAt": min(
            (each["nextAt"] for each in event["deliveries"] if each["nextAt"]), default=None
        ),
    }


def _state(deliveries: list[dict[str, Any]]) -> str:
    """The worst of an event's deliveries; `unheard` without any."""
    states = {_delivery_state(each) for each in deliveries}
    for state in ("failed", "abandoned", "retrying", "pending", "delivered"):
        if state in states:
            return state
    return "unheard"


def _delivery_state(delivery: dict[str, Any]) -> str:
    if delivery["state"] == "succeeded":
        return "delivered"
    if delivery["state"] == "pending" and delivery["attempts"]:
        return "retrying"
    return str(delivery["state"])


def _customer(event: dict[str, Any]) -> str:
    subject = event["data"]["object"]
    customer = subject["id"] if subject.get("object") == "customer" else subject.get("customer")
    return customer if isinstance(customer, str) else ""


async def _people(stage: Stage, events: list[dict[str, Any]]) -> dict[str, people.Person]:
    """Users of the events by customer; events are worth showing without them."""
    try:
        return await people.by_customer(stage, map(_customer, events))
    except Unanswered:
        return {}


async def _customers(stage: Stage) -> list[people.Person]:
    """Whom to offer in the filter."""
    try:
        return await people.customers(stage)
    except Unanswered:
        return []

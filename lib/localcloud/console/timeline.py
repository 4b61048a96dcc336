"""Local Stripe's events: what happened to whom, and how its webhooks arrived."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from . import people
from .sources import Unanswered
from .stage import Stage

SHOWN = 100


async def listing(stage: Stage, query: Mapping[str, str]) -> dict[str, Any]:
    """The newest events, filtered as `query` says (`customer`, `type`, `before`).

    Raises Unanswered, Refused.
    """
    filters = {
        name: query[name].strip()
        for name in ("customer", "type", "before")
        if query.get(name, "").strip()
    }
    answer = await stage.sources.stripe(
        f"/_local/events?{urlencode({**filters, 'limit': SHOWN + 1})}"
    )
    if not isinstance(answer, list):
        raise Unanswered("Local Stripe does not answer with its events.")
    known = await _people(stage)
    events = [shown(event, known) for event in answer[:SHOWN]]
    older = events[-1]["id"] if len(answer) > SHOWN else ""
    kept = {name: value for name, value in filters.items() if name != "before"}
    return {
        "events": events,
        "customer": filters.get("customer", ""),
        "type": filters.get("type", ""),
        "filtered": bool(filters),
        "older": f"/_local/events?{urlencode({**kept, 'before': older})}" if older else "",
        "people": sorted(
            {person.customer: person.label for person in known.values() if person.customer}.items(),
            key=lambda pair: pair[1],
        ),
    }


async def one(stage: Stage, identifier: str) -> dict[str, Any]:
    """One event with its payload as text, and how far the clock is ahead of its attempts (s).

    Raises Unanswered, Refused.
    """
    event = await stage.sources.stripe(f"/_local/events/{quote(identifier, safe='')}")
    payload = {name: value for name, value in event.items() if name != "deliveries"}
    found = shown(event, await _people(stage))
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
    subject = event["data"]["object"]
    customer = subject["id"] if subject.get("object") == "customer" else subject.get("customer")
    customer = customer if isinstance(customer, str) else ""
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


async def _people(stage: Stage) -> dict[str, people.Person]:
    """Users by customer; events are worth showing without them."""
    try:
        return await people.labels(stage)
    except Unanswered:
        return {}

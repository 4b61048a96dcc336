"""Billing's items: bindings of customers, recorded events, running checkouts, limits, cursors."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from billing.stripe_objects import Event
from saas import accounts, clock
from saas.rows import Row
from saas.table import ABSENT, UNSET, ConditionFailed, Item, Key, Put, Update, When, table, unset

EVENT_DAYS = 90


@dataclass(frozen=True)
class Turn:
    """A sync's place in the order of one customer's syncs; a later turn has seen a newer state."""

    customer_id: str
    user_id: str
    seq: int


def customer_key(customer_id: str) -> Key:
    return Key(f"CUSTOMER#{customer_id}", f"CUSTOMER#{customer_id}")


def event_key(event_id: str) -> Key:
    return Key(f"EVENT#{event_id}", f"EVENT#{event_id}")


def checkout_key(user_id: str) -> Key:
    return Key(f"CHECKOUT#{user_id}", f"CHECKOUT#{user_id}")


def take_turn(customer_id: str) -> Turn | None:
    """The customer's next turn; None for a customer that is bound to none of our users."""
    update = Update(
        customer_key(customer_id), add={"syncSeq": 1}, when=When("attribute_exists(#userId)")
    )
    try:
        item = table().write(update, returning=True) or {}
    except ConditionFailed:
        return None
    return Turn(customer_id, item["userId"], item["syncSeq"])


def advance(turn: Turn) -> Update:
    """Marks a turn as applied, unless a later one was: the condition of all that a sync writes."""
    return Update(
        customer_key(turn.customer_id),
        set={"appliedSeq": turn.seq},
        when=When(
            "attribute_exists(#userId) AND"
            " (attribute_not_exists(#appliedSeq) OR #appliedSeq < :turn)",
            turn=turn.seq,
        ),
    )


def owner(customer_id: str) -> When:
    """Holds on the item of a user who is bound to this customer now."""
    return When("#stripeCustomerId = :customer", customer=customer_id)


def active_owner(customer_id: str, *, told: bool) -> When:
    """As `owner`, for a user without a tombstone and, unless `told`, without news for Stripe."""
    due = "" if told else " AND attribute_not_exists(#customerEmailDue)"
    return accounts.while_allowed(f"#stripeCustomerId = :customer{due}", customer=customer_id)


def bound_user(customer_id: str) -> str | None:
    """The user to whom a customer was bound, now or before."""
    return Row(table().get(customer_key(customer_id))).text("userId") or None


def binding(user_id: str, seen: str, customer_id: str) -> tuple[Update, Put]:
    """The writes that bind a new customer; `seen` is what the user's item names so far."""
    moment = clock.iso(clock.now())
    where = customer_key(customer_id)
    item = {"pk": where.pk, "sk": where.sk, "userId": user_id, "syncSeq": 0, "createdAt": moment}
    return (
        Update(
            accounts.key(user_id),
            set={"stripeCustomerId": customer_id},
            when=accounts.while_allowed(
                "attribute_exists(#pk) AND"
                f" ({unset('stripeCustomerId')} OR #stripeCustomerId = :seen)",
                **UNSET,
                seen=seen,
            ),
        ),
        Put(item, when=ABSENT),
    )


def release(user_id: str, customer_id: str) -> bool:
    """Undo a binding whose customer Stripe deleted; the next one gets another idempotency key.

    Returns whether the user was bound to it. `CUSTOMER#…` stays and keeps naming the user, so that
    the customer can never be bound to another one.
    """
    update = Update(
        accounts.key(user_id),
        add={"customerGeneration": 1},
        remove=("stripeCustomerId",),
        when=owner(customer_id),
    )
    try:
        table().write(update)
    except ConditionFailed:
        return False
    return True


def next_generation(user_id: str, generation: int) -> None:
    """Give up the idempotency key under which a user's customer was to be made.

    Of several callers that used the same one, the first moves on for all of them.
    """
    same = "attribute_exists(#pk) AND (#customerGeneration = :used"
    absent = "" if generation else " OR attribute_not_exists(#customerGeneration)"
    update = Update(
        accounts.key(user_id),
        add={"customerGeneration": 1},
        when=When(f"{same}{absent})", used=generation),
    )
    with suppress(ConditionFailed):
        table().write(update)


def event_row(event: Event, outcome: str) -> Put:
    """The record that an event was dealt with; it expires after 90 days."""
    where, now = event_key(event.id), clock.now()
    return Put(
        {
            "pk": where.pk,
            "sk": where.sk,
            "type": event.type,
            "customer": event.customer_id,
            "outcome": outcome,
            "created": event.created,
            "receivedAt": clock.iso(now),
            "ttl": int(now.timestamp()) + EVENT_DAYS * 86_400,
        }
    )


def record(events: Iterable[Event], outcome: str) -> None:
    """Remember events that changed nothing here."""
    for event in events:
        table().write(event_row(event, outcome))


def recorded(event_ids: Sequence[str]) -> set[str]:
    """Those of up to 100 events that were dealt with before."""
    keys = {event_key(event_id): event_id for event_id in event_ids}
    return {keys[key] for key in table().batch_get(list(keys))} if keys else set()


def allow(user_id: str, name: str, *, limit: int, seconds: int) -> bool:
    """Count one use of `name`; False when the user had `limit` in this window of `seconds`."""
    window = int(clock.now().timestamp()) // seconds
    update = Update(
        Key(checkout_key(user_id).pk, f"LIMIT#{name}#{window}"),
        set={"ttl": (window + 2) * seconds},
        add={"used": 1},
        when=When("attribute_not_exists(#used) OR #used < :limit", limit=limit),
    )
    try:
        table().write(update)
    except ConditionFailed:
        return False
    return True


def cursor(name: str) -> Item:
    """Where a walk of the reconcile function stands; empty before its first run."""
    return table().get(Key("RECONCILE#cursor", name)) or {}


def move_cursor(name: str, **values: Any) -> None:
    """Store where a walk stands."""
    table().write(Put({"pk": "RECONCILE#cursor", "sk": name, **values}))


def fresh_until(user_id: str, until: datetime) -> Update:
    """Notes on the user's item until when a checkout may still be paid."""
    return Update(
        accounts.key(user_id),
        set={"checkoutFreshUntil": clock.iso(until)},
        when=accounts.while_allowed("attribute_exists(#pk)"),
    )

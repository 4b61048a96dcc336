"""Sync: fetch what Stripe says of a customer now, and store it unless something newer is stored.

No clock and no event decides anything. Each sync takes the customer's next number *before* it asks
Stripe, and its answer is written only while no higher number was: two syncs whose answers overtake
each other end in the newer state, and a repeated one ends the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from billing import customer_email, store, stripe_api
from billing.store import Turn
from billing.stripe_objects import Event, Subscription
from saas import accounts, clock, entitlements
from saas.accounts import User
from saas.entitlements import Entitlement
from saas.errors import Unavailable
from saas.observability import logger
from saas.settings import settings
from saas.stripe_contract import LIVE_STATUSES
from saas.table import Check, Item, Put, TransactionRefused, Update, When, Write, table

# Which subscription counts when a customer has several: the first status of this list, then the
# youngest. (At most one is live, since checkout refuses a second; ended ones accumulate.)
PRECEDENCE = (
    "active",
    "trialing",
    "past_due",
    "unpaid",
    "paused",
    "incomplete",
    "canceled",
    "incomplete_expired",
)
# A transaction holds 100 writes ("TransactWriteItems"); three are the sync's own.
EVENTS_IN_TRANSACTION = 90
ATTEMPTS = 5
ADVANCE, OWNER = 0, 1


@dataclass(frozen=True)
class Synced:
    """What a sync did: `applied`, `superseded` (newer state is stored) or `foreign` (not ours).

    `seen` is the subscription that counted in Stripe's answer, even if it was not stored.
    """

    outcome: str
    seen: Subscription | None = None

    @property
    def live(self) -> bool:
        return self.seen is not None and self.seen.status in LIVE_STATUSES


def sync(customer_id: str, events: Sequence[Event] = ()) -> Synced:
    """Bring the stored state of a customer up to date and record `events` as dealt with.

    Raises:
        StripeUnavailable, StripeRefused: Stripe failed; nothing was recorded.
        Unavailable: concurrent writers kept winning; nothing was recorded.
    """
    turn = store.take_turn(customer_id)
    if turn is None:
        store.record(events, "foreign")
        return Synced("foreign")
    environment = settings().app_env
    found = stripe_api.api().subscriptions(customer_id)
    seen = choose([each for each in found if each.is_ours(environment)])
    outcome = _apply(turn, seen, events[:EVENTS_IN_TRANSACTION])
    store.record(events[EVENTS_IN_TRANSACTION:], outcome)
    logger.info(
        "synced",
        extra={
            "customer": customer_id,
            "user_id": turn.user_id,
            "seq": turn.seq,
            "subscriptions": len(found),
            "stripe_status": seen.status if seen else None,
            "outcome": outcome,
        },
    )
    return Synced(outcome, seen)


def choose(subscriptions: Sequence[Subscription]) -> Subscription | None:
    """The subscription that counts: by `PRECEDENCE`, then the youngest, then by id."""
    rank = {status: place for place, status in enumerate(PRECEDENCE)}
    youngest_first = sorted(subscriptions, key=lambda each: (each.created, each.id), reverse=True)
    return min(youngest_first, key=lambda each: rank.get(each.status, len(rank)), default=None)


def _apply(turn: Turn, seen: Subscription | None, events: Sequence[Event]) -> str:
    """One transaction: turn, user's flag, entitlement, events. Returns the outcome."""
    tombstone = told = False
    for _ in range(ATTEMPTS):
        writes = _writes(turn, seen, events, tombstone=tombstone, told=told)
        try:
            table().transact(*writes)
        except TimeoutError as error:
            raise Unavailable("Billing is busy, please try again", code="billing_busy") from error
        except TransactionRefused as error:
            user = error.refused.get(OWNER) or {}
            if ADVANCE in error.refused:
                break
            if OWNER in error.refused and user.get("stripeCustomerId") != turn.customer_id:
                break
            if user.get("customerEmailDue") and not told:
                customer_email.tell(User.from_item(turn.user_id, user), turn.customer_id)
                told = True
                continue
            # Else the user got a tombstone, or the entitlement changed since it was read.
            tombstone = tombstone or OWNER in error.refused
        else:
            return "applied"
    else:
        raise Unavailable("Billing is busy, please try again", code="billing_busy")
    store.record(events, "superseded")
    return "superseded"


def _writes(
    turn: Turn,
    seen: Subscription | None,
    events: Sequence[Event],
    *,
    tombstone: bool,
    told: bool,
) -> list[Write]:
    where = entitlements.key(turn.user_id)
    row: Write
    if seen:
        entitlement: Entitlement | None = (stored := _entitlement(turn, seen))
        row = Put(entitlements.to_item(stored))
    else:
        before = table().get(where)
        entitlement = _ended(turn, Entitlement.from_item(turn.user_id, before))
        unchanged = _as_read(before)
        row = (
            Put(entitlements.to_item(entitlement), unchanged)
            if entitlement
            else Check(where, unchanged)
        )
    return [
        store.advance(turn),
        _user(turn, None if tombstone else entitlement, told=told),
        row,
        *(store.event_row(event, "applied") for event in events),
    ]


def _user(turn: Turn, entitlement: Entitlement | None, *, told: bool) -> Write:
    """The user's flag. It never creates a user, and leaves one with a tombstone alone.

    An address that Stripe was not told yet makes it fail, which costs no request while there is
    none: reading the item first would.
    """
    where = accounts.key(turn.user_id)
    if entitlement is None:
        return Check(where, store.owner(turn.customer_id))
    now = clock.now()
    return Update(
        where,
        set={
            "subscriptionStatus": entitlement.user_status(now),
            "subscriptionId": entitlement.stripe_subscription_id,
            "updatedAt": clock.iso(now),
        },
        remove=("checkoutFreshUntil",) if entitlement.is_active(now) else (),
        when=store.active_owner(turn.customer_id, told=told),
    )


def _entitlement(turn: Turn, seen: Subscription) -> Entitlement:
    return Entitlement(
        user_id=turn.user_id,
        stripe_subscription_id=seen.id,
        customer_id=turn.customer_id,
        stripe_status=seen.status,
        plan_id=seen.plan_id,
        current_period_start=seen.current_period_start,
        current_period_end=seen.current_period_end,
        cancel_at_period_end=seen.cancel_at_period_end,
        created_at=clock.iso(clock.from_epoch(seen.created)),
        updated_at=clock.iso(clock.now()),
        applied_seq=turn.seq,
    )


def _ended(turn: Turn, before: Entitlement | None) -> Entitlement | None:
    """Stripe knows no subscription any more: what this customer had is over."""
    if before is None or before.customer_id != turn.customer_id:
        return None
    return replace(
        before,
        stripe_status="canceled",
        updated_at=clock.iso(clock.now()),
        applied_seq=turn.seq,
    )


def _as_read(item: Item | None) -> When:
    """Holds while the subscription's row is as it was read."""
    if item is None or "appliedSeq" not in item:
        return When("attribute_not_exists(#appliedSeq)")
    return When("#appliedSeq = :seen", seen=item["appliedSeq"])

"""Reservations: an upper bound is taken from the month before a call, real usage replaces it after.

A reservation is `held`, then `sent` (the provider may bill from here on), then gone: settled,
released, or swept. Every step is one transaction on the reservation's own state, so each happens
once, whoever does it and wherever a process died:

- died while `held`: the sweep gives the counters back;
- died while `sent`: the sweep charges the upper bound, since the provider bills the call.

When the last transaction fails, a single write notes its end on the reservation, for the sweep to
carry out: `refused` gives everything back, `answered` charges the usage that the provider told.

The period also holds the set of its calls in flight (`inFlight`), which the same transactions add
to and take from; what a plan runs at once is a condition on its size. A call that died leaves its
slot there until it is swept, and a refused call sweeps before it is refused: nobody stays locked
out, and the limit costs no request of its own. A counter would do too, but could not tell, nor be
rid of, slots that are left over.

Reservations carry no `ttl`: one that vanished before it was swept would leave its counters taken.
"""

from datetime import datetime
from typing import Literal

from ai import ledger, store
from ai.ledger import Charge, Reservation
from ai.quota import Quota
from saas import clock, observability
from saas.aws_http import is_outage
from saas.errors import Unavailable
from saas.observability import logger
from saas.rows import Row
from saas.table import (
    ABSENT,
    EXISTS,
    ConditionFailed,
    Delete,
    Item,
    Put,
    TransactionRefused,
    Update,
    When,
    table,
)

SWEEP_PAGE = 50
# A call waits for the sweep, so it stops after some; the next one goes on.
SWEEP_LIMIT = 25

Fate = Literal["charged", "free"]


class Gone(Exception):
    """The reservation was finished by somebody else, before it was marked."""


def hold(
    reservation: Reservation, quota: Quota, now: datetime, *, until: float | None = None
) -> None:
    """Take the upper bound from the period; sweeps and tries once more before it refuses.

    Args:
        until: `time.monotonic()` up to which the user's other calls may win.

    Raises:
        LimitExceeded: `calls_exhausted`, `token_guard`, `cost_guard` or `too_many_calls`.
        Unavailable: the user's other calls kept winning (`busy`).
    """
    bounds = {"tokens": reservation.token_bound, "cost": reservation.cost_bound}
    if not quota.allows({}, **bounds):
        raise quota.refusal({}, **bounds, now=now)
    try:
        _hold(reservation, quota, now, until)
    except TransactionRefused as refused:
        used = refused.refused.get(0) or {}
        if not sweep(reservation.user_id, now) + _vacate(reservation, used, now):
            raise quota.refusal(used, **bounds, now=now) from refused
    else:
        return
    try:
        _hold(reservation, quota, now, until)
    except TransactionRefused as refused:
        raise quota.refusal(refused.refused.get(0) or {}, **bounds, now=now) from refused


def mark_sent(reservation: Reservation) -> None:
    """From here on the provider may bill.

    Raises:
        Gone: the reservation expired before it was sent, and was swept.
        TimeoutError: other writers kept winning.
    """
    update = Update(reservation.key, set={"state": "sent"}, when=_in_state("held"))
    try:
        table().write(update)
    except ConditionFailed as failed:
        if Row(failed.item).text("state") != "sent":
            raise Gone from failed


def settle(reservation: Reservation, charge: Charge, *, until: float | None = None) -> bool:
    """Replace the bound by what was used and store the call; False if that was done before."""
    period = Update(
        reservation.period_key,
        add={
            "tokensUsed": charge.input_tokens + charge.output_tokens - reservation.token_bound,
            "costMicroUsd": charge.cost_micro_usd - reservation.cost_bound,
            "inputTokens": charge.input_tokens,
            "outputTokens": charge.output_tokens,
        },
        discard={"inFlight": frozenset({reservation.slot})},
    )
    finished = Delete(reservation.key, when=_in_state("sent", "answered"))
    row = Put(ledger.call_item(reservation, charge), when=ABSENT)
    done = _once(period, finished, row, until=until)
    if done:
        observability.count("AiCost", charge.cost_micro_usd)
    return done


def release(reservation: Reservation, *, when: When = EXISTS, until: float | None = None) -> bool:
    """Give everything back for a call that the provider does not bill; False if already gone."""
    period = Update(
        reservation.period_key,
        add={
            "callsUsed": -1,
            "tokensUsed": -reservation.token_bound,
            "costMicroUsd": -reservation.cost_bound,
        },
        discard={"inFlight": frozenset({reservation.slot})},
    )
    return _once(period, Delete(reservation.key, when=when), until=until)


def note(reservation: Reservation, charge: Charge | None) -> bool:
    """Store how the call ended, when it could not be finished; False if it already was.

    Args:
        charge: what the provider told, or None when it does not bill the call.
    """
    state = "answered" if charge else "refused"
    noted = {"charge": ledger.charge_item(charge)} if charge else {}
    update = Update(reservation.key, set={"state": state, **noted}, when=_in_state("held", "sent"))
    try:
        table().write(update)
    except ConditionFailed as failed:
        return failed.item is not None  # It was noted, and only the answer to that was lost.
    return True


def fate(reservation: Reservation) -> Fate:
    """What became of a call whose reservation is gone."""
    return "charged" if table().get(reservation.call_key) else "free"


def sweep(user_id: str, now: datetime) -> int:
    """Finish a user's reservations that expired or whose end was noted; returns how many."""
    found, after = 0, None
    while found < SWEEP_LIMIT:
        page = table().query(
            store.partition(user_id), prefix=store.RESERVATIONS, limit=SWEEP_PAGE, after=after
        )
        for item in page.items:
            row = Row(item)
            if row.text("state") in _NOTED or (row.moment("expiresAt") or now) <= now:
                found += _swept(row)
        after = page.next_after
        if after is None:
            break
    return found


def _swept(row: Row) -> bool:
    """Whether a call was finished. One that cannot be must not keep the others open."""
    try:
        _finish(row)
    except Exception as error:
        if is_outage(error):
            raise
        logger.exception("a call cannot be swept", extra={"call_id": row.text("id")})
        return False
    return True


_NOTED = frozenset({"answered", "refused"})


def _finish(row: Row) -> None:
    reservation, state = ledger.from_item(row.item), row.text("state")
    if state == "answered":
        done = settle(reservation, ledger.charge_from(row.mapping("charge")))
    elif state == "sent":
        done = settle(reservation, ledger.estimated(reservation, reservation.prompt_preview))
    else:
        done = release(reservation, when=_in_state(state))
    if done:
        logger.warning("swept an abandoned call", extra={"call_id": reservation.id, "state": state})


def _hold(reservation: Reservation, quota: Quota, now: datetime, until: float | None) -> None:
    """DynamoDB compares but does not calculate: the bounds are subtracted from the limits here.

    A period that does not exist yet has room, which `hold` has checked.
    """
    calls, tokens, cost = quota.limits
    room = When(
        "attribute_not_exists(#pk) OR (#callsUsed <= :calls AND #tokensUsed <= :tokens "
        "AND #costMicroUsd <= :cost "
        "AND (attribute_not_exists(#inFlight) OR size(#inFlight) < :inFlight))",
        calls=calls - 1,
        tokens=tokens - reservation.token_bound,
        cost=cost - reservation.cost_bound,
        inFlight=quota.plan.calls_in_flight,
    )
    period = Update(
        reservation.period_key,
        add={
            "callsUsed": 1,
            "tokensUsed": reservation.token_bound,
            "costMicroUsd": reservation.cost_bound,
            "inFlight": frozenset({reservation.slot}),
        },
        default={"windowStart": clock.iso(quota.begin), "windowEnd": clock.iso(quota.end)},
        when=room,
    )
    held = Put(ledger.held_item(reservation, now), when=ABSENT)
    try:
        table().transact(period, held, until=until)
    except TimeoutError as busy:
        raise Unavailable(
            "Too many calls at once. Nothing was charged; please try again", code="busy"
        ) from busy


def _vacate(reservation: Reservation, used: Item, now: datetime) -> int:
    """Take expired slots out of a period, also those without a reservation; returns how many.

    A release that knows no slots leaves them behind when it finishes a newer one's calls.
    """
    expired = [slot for slot in used.get("inFlight", ()) if ledger.is_expired(slot, now)]
    if expired:
        table().write(
            Update(reservation.period_key, discard={"inFlight": frozenset(expired)}, when=EXISTS)
        )
    return len(expired)


def _once(*writes: Update | Delete | Put, until: float | None) -> bool:
    try:
        table().transact(*writes, until=until)
    except TransactionRefused:
        return False
    return True


def _in_state(*states: str) -> When:
    names = [f"state{number}" for number in range(len(states))]
    values = dict(zip(names, states, strict=True))
    return When(f"#state IN ({', '.join(f':{name}' for name in names)})", **values)

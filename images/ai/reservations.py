"""Reservations: an upper bound is taken from the month before a call, real usage replaces it after.

A reservation is `held`, then `sent` (the provider may bill from here on), then gone: settled,
released, or swept. Every step is one transaction on the reservation's own state, so each happens
once, whoever does it and wherever a process died:

- died while `held`: the sweep gives the counters back;
- died while `sent`: the sweep charges the upper bound, since the provider bills the call.

Reservations carry no `ttl`: one that vanished before it was swept would leave its counters taken.
"""

from datetime import datetime

from ai import store
from ai.ledger import Charge, Reservation, call_item, from_item, held_item, unanswered
from ai.quota import Quota
from saas import clock, observability
from saas.errors import Unavailable
from saas.observability import logger
from saas.table import (
    ABSENT,
    EXISTS,
    ConditionFailed,
    Delete,
    Put,
    TransactionRefused,
    Update,
    When,
    table,
)

SWEEP_PAGE = 50
# A call waits for the sweep, so it stops after some; the next one goes on.
SWEEP_LIMIT = 25


def hold(reservation: Reservation, quota: Quota, now: datetime) -> None:
    """Take the upper bound from the period; sweeps and tries once more before it refuses.

    Raises:
        LimitExceeded: `calls_exhausted`, `token_guard` or `cost_guard`.
        Unavailable: the user's other calls kept winning (`busy`).
    """
    bounds = {"tokens": reservation.token_bound, "cost": reservation.cost_bound}
    if not quota.allows({}, **bounds):
        raise quota.refusal({}, **bounds, now=now)
    try:
        _hold(reservation, quota, now)
    except TransactionRefused as refused:
        used = refused.refused.get(0) or {}
        if not sweep(reservation.user_id, now):
            raise quota.refusal(used, **bounds, now=now) from refused
    else:
        return
    try:
        _hold(reservation, quota, now)
    except TransactionRefused as refused:
        raise quota.refusal(refused.refused.get(0) or {}, **bounds, now=now) from refused


def mark_sent(reservation: Reservation) -> None:
    """From here on the provider may bill.

    Raises:
        Unavailable: the reservation expired before it was sent (`reservation_expired`), or other
            writers kept winning (`busy`).
    """
    update = Update(reservation.key, set={"state": "sent"}, when=_in_state("held"))
    try:
        table().write(update)
    except ConditionFailed as failed:
        # The SDK repeats a write whose answer was lost; then it meets its own result.
        if not failed.item or failed.item["state"] != "sent":
            raise Unavailable(
                "This took too long to start. Nothing was charged; please try again",
                code="reservation_expired",
            ) from failed
    except TimeoutError as busy:
        raise _busy() from busy


def settle(reservation: Reservation, charge: Charge) -> bool:
    """Replace the bound by what was used and store the call; False if that was done before."""
    period = Update(
        reservation.period_key,
        add={
            "tokensUsed": charge.input_tokens + charge.output_tokens - reservation.token_bound,
            "costMicroUsd": charge.cost_micro_usd - reservation.cost_bound,
            "inputTokens": charge.input_tokens,
            "outputTokens": charge.output_tokens,
        },
    )
    finished = Delete(reservation.key, when=_in_state("sent"))
    done = _once(period, finished, Put(call_item(reservation, charge), when=ABSENT))
    if done:
        observability.count("AiCost", charge.cost_micro_usd)
    return done


def release(reservation: Reservation, *, when: When = EXISTS) -> bool:
    """Give everything back for a call that the provider does not bill; False if already gone."""
    period = Update(
        reservation.period_key,
        add={
            "callsUsed": -1,
            "tokensUsed": -reservation.token_bound,
            "costMicroUsd": -reservation.cost_bound,
        },
    )
    return _once(period, Delete(reservation.key, when=when))


def sweep(user_id: str, now: datetime) -> int:
    """Finish a user's expired reservations; returns how many were found."""
    found, after = 0, None
    while found < SWEEP_LIMIT:
        page = table().query(
            store.partition(user_id), prefix=store.RESERVATIONS, limit=SWEEP_PAGE, after=after
        )
        for item in page.items:
            if clock.parse(item["expiresAt"]) <= now:
                _finish(from_item(item), item["state"])
                found += 1
        after = page.next_after
        if after is None:
            break
    return found


def _finish(reservation: Reservation, state: str) -> None:
    if state == "sent":
        done = settle(reservation, unanswered(reservation, reservation.prompt_preview))
    else:
        done = release(reservation, when=_in_state("held"))
    if done:
        logger.warning("swept an abandoned call", extra={"call_id": reservation.id, "state": state})


def _hold(reservation: Reservation, quota: Quota, now: datetime) -> None:
    """DynamoDB compares but does not calculate: the bounds are subtracted from the limits here.

    A period that does not exist yet has room, which `hold` has checked.
    """
    calls, tokens, cost = quota.limits
    room = When(
        "attribute_not_exists(#pk) OR (#callsUsed <= :calls AND #tokensUsed <= :tokens "
        "AND #costMicroUsd <= :cost)",
        calls=calls - 1,
        tokens=tokens - reservation.token_bound,
        cost=cost - reservation.cost_bound,
    )
    period = Update(
        reservation.period_key,
        add={
            "callsUsed": 1,
            "tokensUsed": reservation.token_bound,
            "costMicroUsd": reservation.cost_bound,
        },
        default={"windowStart": clock.iso(quota.begin), "windowEnd": clock.iso(quota.end)},
        when=room,
    )
    try:
        table().transact(period, Put(held_item(reservation, now), when=ABSENT))
    except TimeoutError as busy:
        raise _busy() from busy


def _once(*writes: Update | Delete | Put) -> bool:
    try:
        table().transact(*writes)
    except TransactionRefused:
        return False
    return True


def _busy() -> Unavailable:
    return Unavailable("Too many calls at once. Nothing was charged; please try again", code="busy")


def _in_state(state: str) -> When:
    return When("#state = :state", state=state)

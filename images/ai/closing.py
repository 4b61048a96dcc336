"""The end of a call: settled or released within the time left, and what is then known of it.

Nothing is promised that is not stored: each sentence about charging goes by what `close` returns.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, Literal

from ai import reservations
from ai.ledger import Charge, Reservation
from saas import observability
from saas.observability import logger

# What is stored of a call: its charge, that it costs nothing, or neither for certain.
Known = Literal["charged", "free", "unsure"]

# Seconds that stay for noting how a call ended, when it cannot be finished.
NOTE_SECONDS = 0.5
# How long an answer waits for a table that refuses everything. Other writers are waited for until
# the time is up: they finish.
OUTAGE_SECONDS = 5.0
_PAUSE = 0.3


def close(reservation: Reservation, charge: Charge | None, *, until: float) -> Known:
    """Settle, or release without a charge; the sweep does what is left.

    The caller has an answer waiting, so a table that fails or hangs must not take it away.

    Args:
        charge: what was used; None when the provider does not bill the call.
        until: `time.monotonic()` at which to return, whatever is known by then.
    """

    told = observability.keys()

    def work() -> Known:
        try:
            return _close(reservation, charge, until, told)
        except Exception:
            logger.exception("the call stays open for the sweep", extra=told)
            return "unsure"

    try:
        return _workers().submit(work).result(max(0.0, until - time.monotonic()))
    except TimeoutError:
        logger.error("settling takes too long", extra={"call_id": reservation.id})
        return "unsure"


def fate(reservation: Reservation) -> Known:
    """What became of a call that was finished by somebody else, as far as it can be read."""
    try:
        return reservations.fate(reservation)
    except Exception:
        logger.exception("the call's end is not known", extra={"call_id": reservation.id})
        return "unsure"


def _close(
    reservation: Reservation, charge: Charge | None, until: float, told: dict[str, Any]
) -> Known:
    """Finish the call or, failing that, note its end; both again while the table is out.

    Args:
        told: the log's keys of the request, since the next one may have begun.
    """
    outage_ends = min(until, time.monotonic() + OUTAGE_SECONDS)
    while True:
        try:
            return _finish(reservation, charge, until - NOTE_SECONDS, told)
        except Exception:
            logger.exception("the call was not finished", extra=told)
        try:
            return _note(reservation, charge, told)
        except Exception:
            if time.monotonic() + _PAUSE >= outage_ends:
                raise
        time.sleep(_PAUSE)


def _finish(
    reservation: Reservation, charge: Charge | None, until: float, told: dict[str, Any]
) -> Known:
    if charge:
        done = reservations.settle(reservation, charge, until=until)
    else:
        done = reservations.release(reservation, until=until)
    if not done:
        logger.error("the call was already finished", extra=told)
        return reservations.fate(reservation)
    logger.info(
        "call settled" if charge else "call released",
        extra={
            **told,
            "model": reservation.model,
            "outcome": charge.outcome if charge else "released",
            "input_tokens": charge.input_tokens if charge else 0,
            "output_tokens": charge.output_tokens if charge else 0,
            "cost_micro_usd": charge.cost_micro_usd if charge else 0,
        },
    )
    return "charged" if charge else "free"


def _note(reservation: Reservation, charge: Charge | None, told: dict[str, Any]) -> Known:
    if not reservations.note(reservation, charge):
        return reservations.fate(reservation)
    logger.warning("the call's end is noted for the sweep", extra=told)
    return "charged" if charge else "free"


@lru_cache(maxsize=1)
def _workers() -> ThreadPoolExecutor:
    """Threads that stay: starting one took a quarter of a warm call's own time.

    A function has one call at a time; the others are for calls whose settling hangs.
    """
    return ThreadPoolExecutor(max_workers=8, thread_name_prefix="settle")

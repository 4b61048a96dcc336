"""The clock: where it stands, and moving it; with the faults it makes the page of switches."""

import asyncio
from datetime import timedelta
from typing import Any

from . import faults, people
from .sources import Refused, Unanswered
from .stage import Stage

_moves: set[asyncio.Task[Any]] = set()

PRESETS = (("An hour", "1 hour"), ("A day", "1 day"), ("A week", "1 week"), ("A month", "1 month"))
RENEWAL_HOUR = timedelta(hours=1)

MOVE_WAIT = 2.0
"""Seconds that a browser waits for a move; a longer one is watched on the page."""


async def state(stage: Stage) -> dict[str, Any]:
    """All that the page shows."""
    moment, broken, renewal = await asyncio.gather(
        clock(stage), faults.state(stage), _renewal(stage)
    )
    return {
        "clock": moment,
        "faults": broken,
        "presets": PRESETS,
        "renewal": renewal,
        "containers": bool(stage.config.emulators),
    }


async def _renewal(stage: Stage) -> dict[str, str | bool] | None:
    """The end of the first period to end, whose it is, whether their plan ends with it (`last`),
    and the moment `to` which to move to see what comes of it; None without one.

    A renewal is paid an hour after the end of the period: until then its invoice is a draft.
    """
    if stage.config.emulators:
        # Functions in containers keep real time, so that the clock does not move.
        return None
    try:
        person = await people.next_ending(stage)
    except Unanswered:
        return None
    if person is None or person.entitlement is None:
        return None
    end, last = person.entitlement.current_period_end, person.entitlement.cancel_at_period_end
    to = end if last else end + RENEWAL_HOUR
    return {"to": to.isoformat(), "end": end.isoformat(), "whose": person.label, "last": last}


async def move(stage: Stage, form: dict[str, str]) -> str:
    """Move the clock as a form says, and tell what came of it, if that does not take long.

    Raises Unanswered, Refused.
    """
    to, by = form.get("to", "").strip(), form.get("by", "").strip()
    body = {"to": to} if to else {"by": by}
    task = asyncio.create_task(stage.sources.control("/_local/clock", "POST", body))
    _moves.add(task)
    task.add_done_callback(_moves.discard)
    await asyncio.wait({task}, timeout=MOVE_WAIT)
    if not task.done():
        return "The clock is being moved. What happens on the way is among Stripe's events."
    passed = task.result().get("deadlines", 0)
    happened = {0: "Nothing was due.", 1: "One deadline passed."}
    return f"The clock was moved. {happened.get(passed, f'{passed:,} deadlines passed.')}"


async def clock(stage: Stage) -> dict[str, Any]:
    """Where the clock stands (`now`, `epoch`, `offset`, `moving`), or the `problem`."""
    try:
        found: dict[str, Any] = await stage.sources.control("/_local/clock")
    except (Unanswered, Refused) as error:
        return {"problem": str(error)}
    if "epoch" not in found:
        return {"problem": "Local Stripe does not say where its clock stands."}
    return {**found, "problem": ""}

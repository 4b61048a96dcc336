"""The lever for what the dashboard sets at Stripe: when failed payments are tried again."""

from typing import Any

from aiohttp import web

from localcloud.stripe import retry_schedule
from localcloud.stripe.account import Account
from localcloud.stripe.app_keys import ACCOUNT
from localcloud.stripe.control import read_json
from localcloud.stripe.errors import invalid
from localcloud.stripe.retry_schedule import AFTERWARDS, LONGEST_DAYS, MOST_RETRIES, Schedule


def show(account: Account) -> dict[str, Any]:
    """`{"days": [3, 5, 7], "then": "cancel"}`."""
    schedule = retry_schedule.current(account.work())
    return {"days": list(schedule.days), "then": schedule.then}


def change(account: Account, body: Any) -> dict[str, Any]:
    """Set `days`, each after the attempt before, and `then`; what is left out stays."""
    if not isinstance(body, dict) or not body or not body.keys() <= {"days", "then"}:
        raise invalid('Send {"days": [3, 5, 7], "then": "cancel"}, or one of the two.')
    work = account.work()
    old = retry_schedule.current(work)
    days, then = body.get("days", list(old.days)), body.get("then", old.then)
    if not isinstance(days, list) or len(days) > MOST_RETRIES or not all(map(_is_days, days)):
        raise invalid(
            f"days is a list of at most {MOST_RETRIES} whole numbers from 1 to {LONGEST_DAYS}.",
            "days",
        )
    if then not in AFTERWARDS:
        raise invalid(f"then is one of {', '.join(AFTERWARDS)}.", "then")
    with account.store.transaction():
        retry_schedule.change(work, Schedule(tuple(days), then))
    return show(account)


def _is_days(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LONGEST_DAYS


async def handle_show(request: web.Request) -> web.Response:
    """When failed renewals are tried again, and what follows: `{"days", "then"}`."""
    return web.json_response(show(request.app[ACCOUNT]))


async def handle_set(request: web.Request) -> web.Response:
    """Sets that: `{"days": [3, 5, 7], "then": "cancel", "unpaid" or "past_due"}`; at most 8
    retries, each 1–60 days after the attempt before.
    """
    return web.json_response(change(request.app[ACCOUNT], await read_json(request)))

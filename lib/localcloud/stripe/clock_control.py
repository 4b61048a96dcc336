"""Moving the account's time forward, so that a year of a subscription happens in a minute."""

import asyncio
import time
from typing import Any

from aiohttp import web

from localcloud import moments
from localcloud.stripe import lifecycle
from localcloud.stripe.account import Account
from localcloud.stripe.app_keys import ACCOUNT, WAKE
from localcloud.stripe.control import read_json
from localcloud.stripe.errors import StripeError, invalid

DEADLINES_AT_ONCE = 10
"""So few that webhooks are sent, and questions answered, while a long move is under way."""


def show(account: Account) -> dict[str, Any]:
    """`{"now", "epoch", "offset", "moving"}`: ISO 8601, epoch seconds, seconds ahead of reality."""
    now = account.clock.now()
    return {
        "now": moments.iso(now),
        "epoch": now,
        "offset": account.clock.offset,
        "moving": account.moving,
    }


async def move(account: Account, body: Any, wake: Any) -> dict[str, Any]:
    """Go to the moment that `body` names, from deadline to deadline, each with its events.

    The clock stands at a deadline while that happens: whoever asks meanwhile, or after the process
    was killed in the middle, finds a time and a state that belong together. Answers as `show`, with
    `deadlines`, how many have passed.
    """
    if account.moving:
        raise StripeError(409, "The clock is being moved already. Ask again when it has arrived.")
    try:
        target = moments.target(body, account.clock.now())
    except ValueError as error:
        raise invalid(str(error)) from None
    account.moving = True
    try:
        passed = 0
        while (due := account.store.first_due()) is not None and due <= target:
            _stand_at(account, due)
            passed += _some_deadlines(account)
            wake()
            await asyncio.sleep(0)
            if not account.moving:
                raise StripeError(409, "Everything was reset while the clock was being moved.")
        _stand_at(account, target)
    finally:
        account.moving = False
    return {**show(account), "deadlines": passed}


def _stand_at(account: Account, moment: int) -> None:
    account.clock.offset = max(account.clock.offset, moment - int(time.time()))


def _some_deadlines(account: Account) -> int:
    work = account.work()
    with account.store.transaction():
        return lifecycle.catch_up(work, DEADLINES_AT_ONCE)


async def handle_show(request: web.Request) -> web.Response:
    """Where the clock stands: `{"now", "epoch", "offset", "moving"}`."""
    return web.json_response(show(request.app[ACCOUNT]))


async def handle_move(request: web.Request) -> web.Response:
    """Moves this account's time, deadline by deadline: `{"to"}` or `{"by"}`. On the gateway
    functions follow: use it there (`docs/development.md`, "The clock").
    """
    app = request.app
    return web.json_response(await move(app[ACCOUNT], await read_json(request), app[WAKE]))

"""What became of events: a list with deliveries and attempts, and sending one again.

At Stripe this is the dashboard's list of events and its button "Resend"
(https://docs.stripe.com/webhooks#view-event-deliveries).
"""

import re
import sqlite3
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from localcloud.stripe import announce
from localcloud.stripe.account import Account
from localcloud.stripe.app_keys import ACCOUNT, WAKE
from localcloud.stripe.errors import StripeError, invalid, no_such
from localcloud.stripe.store import Obj, Where, equal
from localcloud.stripe.work import Work

NEWEST = 100
MOST = 500
OF_CUSTOMER = (
    "(json_extract(body, '$.data.object.customer') = ?"
    " OR json_extract(body, '$.data.object.id') = ?)"
)


def listing(account: Account, query: Mapping[str, str]) -> list[Obj]:
    """The newest events as the API shows them, each with its `deliveries` and their `attempts`.

    `query` may hold `customer`, `type` (`invoice.*` for all that begin so), `before` (an event's
    id) and `limit` (100 unless told, 500 at most). Raises StripeError for anything else in it.
    """
    wheres = []
    if customer := query.get("customer"):
        wheres.append(Where(OF_CUSTOMER, (customer, customer)))
    if kind := query.get("type"):
        prefix, star, _ = kind.partition("*")
        begins = Where("substr(json_extract(body, '$.type'), 1, ?) = ?", (len(prefix), prefix))
        wheres.append(begins if star else equal("type", kind))
    before = None
    if reference := query.get("before"):
        before = account.store.seq("event", reference)
        if before is None:
            raise no_such("event", reference, param="before", status=400)
    limit = query.get("limit", str(NEWEST))
    if not re.fullmatch(r"[0-9]{1,9}", limit) or not 0 < int(limit) <= MOST:
        raise invalid(f"limit must be a whole number from 1 to {MOST}.", "limit")
    work = account.work()
    found = account.store.select("event", *wheres, before=before, limit=int(limit))
    return [_with_deliveries(work, event) for event in found]


def one(account: Account, identifier: str) -> Obj:
    """One event with its deliveries. Raises StripeError (404)."""
    work = account.work()
    return _with_deliveries(work, work.need("event", identifier))


def resend(account: Account, identifier: str) -> Obj:
    """Queue an event once more for every enabled endpoint that listens for its type.

    Also for one that has acknowledged it before, or did not exist yet; an attempt that is under way
    counts as the sending. Answers `{"event",
    "queued"}`, the second being how many endpoints will get it. Raises StripeError.
    """
    work, db = account.work(), account.store.db
    with account.store.transaction():
        event = work.need("event", identifier)
        enabled = account.store.select("webhook_endpoint", equal("status", "enabled"))
        listening = [each["id"] for each in enabled if announce.wants(each, event["type"])]
        if not listening:
            raise StripeError(409, f"No enabled webhook endpoint listens for {event['type']}.")
        db.executemany(
            "INSERT INTO deliveries (event, endpoint, state, next_at) VALUES (?, ?, 'pending', ?) "
            "ON CONFLICT (event, endpoint) DO UPDATE SET state = 'pending', next_at = ?",
            [(event["id"], endpoint, work.wall, work.wall) for endpoint in listening],
        )
    return {"event": event["id"], "queued": len(listening)}


def _with_deliveries(work: Work, event: Obj) -> Obj:
    rows = work.store.db.execute("SELECT * FROM deliveries WHERE event = ?", (event["id"],))
    deliveries = [_delivery(work, row) for row in rows.fetchall()]
    return {**announce.show(work, event), "deliveries": deliveries}


def _delivery(work: Work, row: sqlite3.Row) -> dict[str, Any]:
    """Where to, `state`, when the next attempt is due (epoch seconds), and the attempts so far.

    An attempt's `fault` is the kind of the fault it suffered, None if nothing was armed for it.
    """
    attempts = work.store.db.execute(
        "SELECT at, status, error, duration_ms, body, fault FROM attempts WHERE delivery = ? "
        "ORDER BY at, rowid",
        (row["id"],),
    ).fetchall()
    endpoint = work.find("webhook_endpoint", row["endpoint"]) or {}
    return {
        "endpoint": row["endpoint"],
        "url": endpoint.get("url"),
        "state": row["state"],
        "nextAt": row["next_at"] if row["state"] == "pending" else None,
        "attempts": [dict(attempt) for attempt in attempts],
    }


async def handle_listing(request: web.Request) -> web.Response:
    """The newest events with their deliveries and attempts; `?customer=`, `?type=invoice.*`,
    `?before=<id>`, `?limit=`.
    """
    return web.json_response(listing(request.app[ACCOUNT], request.query))


async def handle_one(request: web.Request) -> web.Response:
    """One event with its deliveries and attempts."""
    return web.json_response(one(request.app[ACCOUNT], request.match_info["id"]))


async def handle_resend(request: web.Request) -> web.Response:
    """Sends an event again to every endpoint that listens for its type."""
    answer = resend(request.app[ACCOUNT], request.match_info["id"])
    request.app[WAKE]()
    return web.json_response(answer)

"""Delivery of events to webhook endpoints: signed, in parallel, retried, resumed after a restart.

Stripe retries in live mode for three days, at growing intervals. Here the intervals begin at one
second and double up to an hour, so that a mended endpoint gets its events while one is looking.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from localcloud.stripe import announce
from localcloud.stripe.store import Obj

if TYPE_CHECKING:
    from localcloud.stripe.account import Account

FIRST_RETRY = 1.0
LONGEST_RETRY = 3600.0
GIVE_UP_SECONDS = 3 * 86400
TIMEOUT = 30.0
PARALLEL = 8
KEPT_BODY = 2000
FAULT_PAUSE = 5.0
LOG = logging.getLogger(__name__)


def signature(payload: str, secrets: list[str], timestamp: int) -> str:
    """The `Stripe-Signature` header (https://docs.stripe.com/webhooks#verify-manually).

    One `v1` for each secret: there are several while an old one is being replaced.
    """
    signed = f"{timestamp}.{payload}".encode()
    marks = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={mark}" for mark in marks)])


def retry_after(attempts: int) -> float:
    """Seconds to wait after that many failed attempts: 1, 2, 4, … up to an hour."""
    return min(FIRST_RETRY * 2.0 ** min(attempts - 1, 20), LONGEST_RETRY)


@dataclass(frozen=True)
class Attempt:
    """What came of one attempt. `status` is the HTTP status, None if there was no answer."""

    status: int | None
    error: str | None
    body: str | None
    duration_ms: int


class Courier:
    """Sends what lies in the `deliveries` table. `wake` tells it that something was added."""

    def __init__(self, account: "Account") -> None:
        self.account = account
        self._bell = asyncio.Event()
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Send at once what an earlier run left, whatever its turn: the endpoint may be mended."""
        with self.account.store.transaction():
            self.account.store.db.execute(
                "UPDATE deliveries SET next_at = ? WHERE state = 'pending'",
                (self.account.clock.wall(),),
            )
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Abandon what is under way; it is pending still, and is sent after the next start."""
        tasks = [task for task in (self._loop, *self._under_way.values()) if task]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        if self._session:
            await self._session.close()

    def wake(self) -> None:
        self._bell.set()

    async def _run(self) -> None:
        while True:
            self._bell.clear()
            try:
                pause = self._send_due()
            except Exception:
                LOG.exception("webhooks: the queue could not be read")
                pause = FAULT_PAUSE
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._bell.wait()

    def _send_due(self) -> float | None:
        """Begin as many due deliveries as may run; returns the seconds until the next is due."""
        now = self.account.clock.wall()
        rows = self.account.store.db.execute(
            "SELECT * FROM deliveries WHERE state = 'pending' ORDER BY next_at LIMIT ?",
            (PARALLEL + len(self._under_way) + 1,),
        ).fetchall()
        for row in rows:
            if row["id"] in self._under_way:
                continue
            if len(self._under_way) >= PARALLEL:
                return None
            if row["next_at"] > now:
                return float(row["next_at"] - now)
            task = asyncio.create_task(self._deliver(row))
            self._under_way[row["id"]] = task
            task.add_done_callback(partial(self._done, row["id"]))
        return None

    def _done(self, number: int, _: asyncio.Task[None]) -> None:
        self._under_way.pop(number, None)
        self.wake()

    async def _deliver(self, row: sqlite3.Row) -> None:
        try:
            await self._attempt(row)
        except Exception:
            LOG.exception("webhooks: delivery %s failed", row["id"])
            await asyncio.sleep(FAULT_PAUSE)

    async def _attempt(self, row: sqlite3.Row) -> None:
        store = self.account.store
        work = self.account.work()
        event = store.get("event", row["event"])
        endpoint = store.get("webhook_endpoint", row["endpoint"])
        if event is None or endpoint is None or endpoint["status"] != "enabled":
            with store.transaction():
                self._set_state(row["id"], "abandoned")
            return
        shown = announce.show(work, event, endpoint["api_version"])
        attempt = await self._post(endpoint, json.dumps(shown))
        with store.transaction():
            self._record(row, attempt)

    async def _post(self, endpoint: Obj, payload: str) -> Attempt:
        wall = self.account.clock.wall()
        live = [s for s in endpoint["_secrets"] if s["until"] is None or s["until"] > wall]
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Accept": "*/*; q=0.5, application/xml",
            "Cache-Control": "no-cache",
            "Stripe-Signature": signature(
                payload, [s["secret"] for s in live], self._time_at(endpoint["url"])
            ),
        }
        loop = asyncio.get_running_loop()
        began = loop.time()
        status, error, body = None, None, None
        try:
            assert self._session is not None  # noqa: S101 - start() made it
            async with self._session.post(
                endpoint["url"], data=payload.encode(), headers=headers, allow_redirects=False
            ) as response:
                status = response.status
                body = (await response.content.read(KEPT_BODY)).decode(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as failure:
            error = f"{type(failure).__name__}: {failure}"[:500]
        return Attempt(status, error, body, round((loop.time() - began) * 1000))

    def _time_at(self, url: str) -> int:
        """The time that a receiver goes by: functions follow the clock, nobody else can."""
        clock = self.account.clock
        ours = urlsplit(url).netloc in self.account.config.own_hosts
        return clock.now() if ours and clock.followed else int(clock.wall())

    def _record(self, row: sqlite3.Row, attempt: Attempt) -> None:
        """Only 2xx is delivered: a redirect is a failure too."""
        store, now = self.account.store, self.account.clock.wall()
        count = row["attempts"] + 1
        if (
            store.db.execute("SELECT 1 FROM deliveries WHERE id = ?", (row["id"],)).fetchone()
            is None
        ):
            return  # everything was forgotten meanwhile
        store.db.execute(
            "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?)",
            (row["id"], now, attempt.duration_ms, attempt.status, attempt.error, attempt.body),
        )
        store.db.execute(
            "UPDATE deliveries SET attempts = ?, next_at = ? WHERE id = ?",
            (count, now + retry_after(count), row["id"]),
        )
        first = store.db.execute(
            "SELECT min(at) FROM attempts WHERE delivery = ?", (row["id"],)
        ).fetchone()[0]
        if attempt.status is not None and 200 <= attempt.status < 300:
            self._set_state(row["id"], "succeeded")
        elif now - first > GIVE_UP_SECONDS:
            self._set_state(row["id"], "failed")

    def _set_state(self, number: int, state: str) -> None:
        self.account.store.db.execute(
            "UPDATE deliveries SET state = ? WHERE id = ?", (state, number)
        )

"""Delivery of events to webhook endpoints: signed, in parallel, retried, resumed after a restart.

Stripe retries in live mode for three days, at growing intervals. Here the intervals begin at one
second and double up to an hour, so that a mended endpoint gets its events while one is looking.
"""

import asyncio
import json
import logging
import sqlite3
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from localcloud.faults import Fault
from localcloud.stripe import announce, receivers, webhook_faults
from localcloud.stripe.store import Obj
from localcloud.stripe.webhook_post import NEVER_SENT, Attempt, post, session, signature

if TYPE_CHECKING:
    from localcloud.stripe.account import Account

FIRST_RETRY = 1.0
LONGEST_RETRY = 3600.0
GIVE_UP_SECONDS = 3 * 86400
PARALLEL = 8
FAULT_PAUSE = 5.0
LOG = logging.getLogger(__name__)


def retry_after(attempts: int) -> float:
    """Seconds to wait after that many failed attempts: 1, 2, 4, … up to an hour."""
    return min(FIRST_RETRY * 2.0 ** min(attempts - 1, 20), LONGEST_RETRY)


class Courier:
    """Sends what lies in the `deliveries` table. `wake` tells it that something was added."""

    def __init__(self, account: "Account") -> None:
        self.account = account
        self._bell = asyncio.Event()
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._copies: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Send at once what an earlier run left, whatever its turn: the endpoint may be mended."""
        with self.account.store.transaction():
            self.account.store.db.execute(
                "UPDATE deliveries SET next_at = ? WHERE state = 'pending'",
                (self.account.clock.wall(),),
            )
        self._session = session(self.account.config)
        self._loop = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Abandon what is under way; it is pending still, and is sent after the next start."""
        everything = (self._loop, *self._under_way.values(), *self._copies)
        tasks = [task for task in everything if task]
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
            "SELECT * FROM deliveries WHERE state = 'pending' ORDER BY next_at, id LIMIT ?",
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
        store, mishaps = self.account.store, self.account.mishaps
        event = store.get("event", row["event"])
        endpoint = store.get("webhook_endpoint", row["endpoint"])
        if event is None or endpoint is None or endpoint["status"] != "enabled":
            with store.transaction():
                self._end(row["id"], "abandoned")
        elif not self._put_off(row, mishaps.strike(row, event["type"])):
            shown = announce.show(self.account.work(), event, endpoint["api_version"])
            await self._send(row, endpoint, json.dumps(shown), mishaps.suffered(row))
        else:
            return
        self._let_go(mishaps.sent(row["id"]))

    def _put_off(self, row: sqlite3.Row, fault: Fault | None) -> bool:
        """Whether the fault that has just struck lets a delivery wait."""
        if fault is None or fault.kind not in webhook_faults.PUT_OFF:
            return False
        later = self.account.clock.wall() + fault.settings["seconds"]
        with self.account.store.transaction():
            self.account.store.db.execute(
                "UPDATE deliveries SET next_at = ? WHERE id = ?", (later, row["id"])
            )
        return True

    def _let_go(self, held: list[int]) -> None:
        """Send at once what was held back."""
        if held:
            now = self.account.clock.wall()
            with self.account.store.transaction():
                self.account.store.db.executemany(
                    "UPDATE deliveries SET next_at = ? WHERE id = ?",
                    [(now, number) for number in held],
                )

    async def _send(
        self, row: sqlite3.Row, endpoint: Obj, payload: str, fault: Fault | None
    ) -> None:
        kind = fault.kind if fault else None
        if fault and kind == "duplicate":
            for number in range(1, fault.settings["copies"] + 1):
                pause = number * fault.settings["seconds"]
                copy = asyncio.create_task(self._send_copy(row, endpoint, payload, pause))
                self._copies.add(copy)
                copy.add_done_callback(self._copies.discard)
        attempt = NEVER_SENT
        if kind != "drop":
            attempt = await self._post(endpoint, payload, fault)
        with self.account.store.transaction():
            self._record(row, attempt, kind)

    async def _send_copy(self, row: sqlite3.Row, endpoint: Obj, payload: str, pause: float) -> None:
        """What duplicates send beside the attempt itself."""
        await asyncio.sleep(pause)
        attempt = await self._post(endpoint, payload, None)
        with self.account.store.transaction():
            self._note(row, attempt, "duplicate")

    async def _post(self, endpoint: Obj, payload: str, fault: Fault | None) -> Attempt:
        if forbidden := receivers.problem(self.account.config, endpoint["url"]):
            # It was stored when more was permitted.
            return Attempt(None, forbidden, None, 0)
        wall = self.account.clock.wall()
        secrets = [
            each["secret"]
            for each in endpoint["_secrets"]
            if each["until"] is None or each["until"] > wall
        ]
        settings, age, cut_after = fault.settings if fault else {}, 0, None
        match fault.kind if fault else None:
            case "corrupt_signature":
                secrets = [f"not {secret}" for secret in secrets]
            case "old_timestamp":
                age = int(settings["age"])
            case "disconnect":
                size = len(payload.encode())
                cut_after = size if settings["after"] == "all" else size // 2
        signed = signature(payload, secrets, self._time_at(endpoint["url"]) - age)
        assert self._session is not None  # noqa: S101 - start() made it
        return await post(self._session, endpoint["url"], payload, signed, cut_after)

    def _time_at(self, url: str) -> int:
        """The time that a receiver goes by: functions follow the clock, nobody else can."""
        clock = self.account.clock
        ours = urlsplit(url).netloc in self.account.config.own_hosts
        return clock.now() if ours and clock.followed else int(clock.wall())

    def _record(self, row: sqlite3.Row, attempt: Attempt, fault: str | None) -> None:
        """Note the attempt, and what follows from it for the delivery."""
        if not self._note(row, attempt, fault):
            return
        db, now, count = self.account.store.db, self.account.clock.wall(), row["attempts"] + 1
        db.execute(
            "UPDATE deliveries SET attempts = ?, next_at = ? WHERE id = ?",
            (count, now + retry_after(count), row["id"]),
        )
        first = db.execute(
            "SELECT min(at) FROM attempts WHERE delivery = ?", (row["id"],)
        ).fetchone()[0]
        if not attempt.delivered and (attempt is NEVER_SENT or now - first > GIVE_UP_SECONDS):
            self._end(row["id"], "failed")

    def _note(self, row: sqlite3.Row, attempt: Attempt, fault: str | None) -> bool:
        """Keep an attempt; False if everything was forgotten meanwhile."""
        db = self.account.store.db
        if not db.execute("SELECT 1 FROM deliveries WHERE id = ?", (row["id"],)).fetchone():
            return False
        db.execute(
            "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                row["id"],
                self.account.clock.wall(),
                attempt.duration_ms,
                attempt.status,
                attempt.error,
                attempt.body,
                fault,
            ),
        )
        if attempt.delivered:
            self._end(row["id"], "succeeded")
        return True

    def _end(self, number: int, state: str) -> None:
        self.account.mishaps.over(number)
        self.account.store.db.execute(
            "UPDATE deliveries SET state = ? WHERE id = ?", (state, number)
        )

"""Reconcile: finds what no webhook told us, so that the stored state converges whatever got lost.

Every run walks all relevant events since its cursor less an hour (not only undelivered ones: an
event raised while the endpoint was missing or disabled never counts as undelivered), and once a day
all subscriptions. What a webhook or an earlier run recorded is skipped, so a run that has to stop
early is simply continued by the next.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from billing import events, store, stripe_api
from billing.stripe_errors import StripeMissing
from billing.stripe_objects import Event
from billing.sync import sync
from saas import clock, observability
from saas.errors import AppError
from saas.observability import logger
from saas.stripe_contract import HANDLED_EVENTS

OVERLAP_SECONDS = 3600
# Stripe lists events of the last 30 days ("List all events").
LONGEST_SECONDS = 30 * 86_400
BATCH = 100
# The run stops here: one more sync, slow and retried, still fits.
RESERVE_MS = 30_000


@dataclass
class Run:
    """One run: what it did, and whether there is time for more."""

    context: Any
    outcomes: dict[str, str] = field(default_factory=dict)
    missed: int = 0
    failed: set[str] = field(default_factory=set)

    def has_time(self) -> bool:
        return bool(self.context.get_remaining_time_in_millis() > RESERVE_MS)

    def attempt(self, customer_id: str, act: Callable[[], str]) -> None:
        """Bring one customer up to date; whatever fails is noted, and the others go on."""
        try:
            self.outcomes[customer_id] = act()
        except AppError as error:
            self.failed.add(customer_id)
            logger.warning("not synced", extra={"customer": customer_id, "code": error.code})
        except Exception:
            self.failed.add(customer_id)
            logger.exception("not synced", extra={"customer": customer_id})


def reconcile(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Scheduled entry point; answers counts, for the logs.

    An operator calls it with `{"adopt": […]}`, which is another matter: see `adoption.adopt`.

    Raises:
        RuntimeError: some customers could not be synced; the next run tries again.
        Exception: Stripe or the table could not be asked at all.
    """
    if "adopt" in event:
        from billing import adoption

        return adoption.adopt(event["adopt"], context)
    observability.begin(None, function_request_id=context.aws_request_id)
    run = Run(context)
    try:
        walked_events = walk_events(run)
        walked_all = walk_subscriptions(run)
    except Exception:
        observability.count("ReconcileFailed")
        raise
    finally:
        _measure_cursor()
    report = {
        "missedEvents": run.missed,
        "customers": len(run.outcomes),
        "failed": len(run.failed),
        "finished": walked_events and walked_all,
    }
    logger.info("reconciled", extra=report)
    if run.missed:
        observability.count("ReconcileMissedEvents", run.missed)
    if run.failed:
        observability.count("ReconcileFailed")
        raise RuntimeError(f"{len(run.failed)} customers could not be synced")
    return report


def walk_events(run: Run) -> bool:
    """Settle all relevant events since the cursor that nobody recorded; whether it came through."""
    started = int(clock.now().timestamp())
    since = int(store.cursor("events").get("since") or 0) - OVERLAP_SECONDS
    found = stripe_api.api().events(HANDLED_EVENTS, max(since, started - LONGEST_SECONDS))
    for batch in _batches(found):
        known = store.recorded([event.id for event in batch])
        for customer_id, missed in _by_customer(batch, known).items():
            if not run.has_time():
                return False
            _settle(run, customer_id, missed)
    if not run.failed:
        store.move_cursor("events", since=started)
    return not run.failed


def walk_subscriptions(run: Run) -> bool:
    """Once a day, sync the customer of every subscription; whether today's walk is complete."""
    today = clock.now().date().isoformat()
    cursor = store.cursor("subscriptions")
    if cursor.get("finished") == today:
        return True
    after = str(cursor.get("after") or "") if cursor.get("day") == today else ""
    while run.has_time():
        try:
            customer_ids, after = stripe_api.api().subscribed_customers(after)
        except StripeMissing:
            customer_ids, after = stripe_api.api().subscribed_customers("")
        for customer_id in dict.fromkeys(customer_ids):
            if not run.has_time():
                return False
            if customer_id and customer_id not in run.outcomes:
                run.attempt(customer_id, partial(_outcome, customer_id))
        if not after:
            store.move_cursor("subscriptions", finished=today)
            return True
        store.move_cursor("subscriptions", day=today, after=after)
    return False


def _measure_cursor() -> None:
    """Seconds back to where everything is known; as long as Stripe remembers before a first run."""
    since = store.cursor("events").get("since")
    age = int(clock.now().timestamp()) - int(since) if since else LONGEST_SECONDS
    observability.measure("ReconcileCursorAge", age, "Seconds")


def _settle(run: Run, customer_id: str, missed: list[Event]) -> None:
    ours = [event for event in missed if not events.is_foreign(event)]
    store.record([event for event in missed if event not in ours], "foreign")
    if ours:
        run.missed += len(ours)
        run.attempt(customer_id, partial(events.settle, customer_id, ours))


def _outcome(customer_id: str) -> str:
    return sync(customer_id).outcome


def _by_customer(batch: Iterable[Event], known: set[str]) -> dict[str, list[Event]]:
    groups: dict[str, list[Event]] = {}
    for event in batch:
        if event.id not in known:
            groups.setdefault(event.customer_id, []).append(event)
    return groups


def _batches(found: Iterator[Event]) -> Iterator[list[Event]]:
    while batch := list(islice(found, BATCH)):
        yield batch

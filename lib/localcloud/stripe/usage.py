"""What customers have used, as meter events report it, and what that adds up to.

Times are epoch seconds of the account's clock; periods include their start and not their end.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from localcloud.stripe.store import Obj, Store

WINDOWS = {"hour": 3600, "day": 86400}


@dataclass(frozen=True)
class Report:
    """One meter event: `value` units used by a customer at a moment."""

    meter: str
    customer: str
    at: int
    value: int
    identifier: str
    received: int


@dataclass(frozen=True)
class Use:
    """What counts of a report: when, and how much."""

    at: int
    value: int


FORMULAS: dict[str, Callable[[list[Use]], int]] = {
    "count": len,
    "last": lambda uses: uses[-1].value if uses else 0,
    "sum": lambda uses: sum(use.value for use in uses),
}


def record(store: Store, report: Report) -> None:
    """Keep a report."""
    store.db.execute(
        "INSERT INTO usage (meter, customer, at, value, identifier, received) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (
            report.meter,
            report.customer,
            report.at,
            report.value,
            report.identifier,
            report.received,
        ),
    )


def received_since(store: Store, identifier: str, moment: int) -> bool:
    """Whether a report with this identifier has come after that moment, cancelled or not."""
    found = store.db.execute(
        "SELECT 1 FROM usage WHERE identifier = ? AND received > ? LIMIT 1", (identifier, moment)
    )
    return found.fetchone() is not None


def cancel(store: Store, meter: str, identifier: str, since: int) -> bool:
    """Take back a report that came after `since`; False if there is none that counts."""
    done = store.db.execute(
        "UPDATE usage SET cancelled = 1 "
        "WHERE identifier = ? AND received > ? AND meter = ? AND NOT cancelled",
        (identifier, since, meter),
    )
    return done.rowcount > 0


def within(store: Store, meter: Obj, customer: str, start: int, end: int) -> list[Use]:
    """A customer's uses of a meter in a period, in order of time, then of arrival.

    Of a pre-aggregated meter (`event_time_window`) only the report that came last in every hour or
    day of UTC counts ("Create and configure a meter", event ingestion).
    """
    rows = store.db.execute(
        "SELECT id, at, value FROM usage "
        "WHERE meter = ? AND customer = ? AND at >= ? AND at < ? AND NOT cancelled "
        "ORDER BY at, id",
        (meter["id"], customer, start, end),
    ).fetchall()
    if meter["event_time_window"]:
        width = WINDOWS[meter["event_time_window"]]
        newest = {row["at"] // width: row for row in sorted(rows, key=lambda row: int(row["id"]))}
        rows = [newest[window] for window in sorted(newest)]
    return [Use(row["at"], row["value"]) for row in rows]


def total(meter: Obj, uses: Iterable[Use]) -> int:
    """What the meter's formula makes of uses in order of time; nothing used is 0."""
    return FORMULAS[meter["default_aggregation"]["formula"]](list(uses))

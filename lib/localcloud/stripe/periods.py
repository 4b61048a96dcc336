"""Billing periods by the calendar, in UTC, as Stripe counts them."""

import calendar
from datetime import UTC, datetime, timedelta

DAYS = {"day": 1, "week": 7}
MONTHS = {"month": 1, "year": 12}


def shift(anchor: int, interval: str, count: int) -> int:
    """`count` intervals after `anchor` (epoch seconds); the 31st becomes a month's last day."""
    moment = datetime.fromtimestamp(anchor, UTC)
    if interval in DAYS:
        return int((moment + timedelta(days=DAYS[interval] * count)).timestamp())
    month = moment.year * 12 + moment.month - 1 + MONTHS[interval] * count
    year, month = month // 12, month % 12 + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return int(moment.replace(year=year, month=month, day=day).timestamp())


def next_end(anchor: int, interval: str, count: int, start: int) -> int:
    """The first end of a period after `start`; ends lie whole intervals from `anchor`."""
    step = 1
    while (end := shift(anchor, interval, count * step)) <= start:
        step += 1
    return end

"""When a clock shall stand: `{"to": moment}` or `{"by": duration}`, in the spellings people use."""

import re
from datetime import UTC, datetime
from typing import Any

from localcloud.stripe.periods import shift

LATEST = 4_102_444_800
"""2100-01-01: cards and calendars beyond it would be nobody's test."""
SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 7 * 86400}
SPELLINGS = {
    **{name: name for name in (*SECONDS, "month", "year")},
    **{"s": "second", "sec": "second", "min": "minute", "h": "hour", "d": "day", "w": "week"},
    **{"mo": "month", "y": "year"},
}
ISO_DURATION = re.compile(
    r"P(?:([0-9]{1,12})Y)?(?:([0-9]{1,12})M)?(?:([0-9]{1,12})W)?(?:([0-9]{1,12})D)?(?:T(?:([0-9]{1,12})H)?(?:([0-9]{1,12})M)?(?:([0-9]{1,12})S)?)?"
)
ISO_UNITS = ("year", "month", "week", "day", "hour", "minute", "second")
WORDS = re.compile(r"\s*([0-9]{1,12})\s*([a-z]+)\s*")
FORMS = '{"to": "2027-01-31T12:00:00Z"} or {"by": "1 month"}'


def target(body: Any, now: int) -> int:
    """The moment (epoch seconds) that a request names, after `now`.

    `to` is ISO 8601 (UTC unless it says otherwise) or epoch seconds; `by` seconds, words such as
    `1 month` and `30d`, or an ISO duration such as `P1M`. Months are the calendar's: one after
    31 January is the last of February. Raises ValueError with a sentence.
    """
    if not isinstance(body, dict) or len(body) != 1 or not body.keys() <= {"to", "by"}:
        raise ValueError(f"Say when: {FORMS}.")
    moment = _moment(body["to"]) if "to" in body else _later(body["by"], now)
    if moment <= now:
        raise ValueError(f"The clock only moves forward, and stands at {iso(now)} already.")
    if moment > LATEST:
        raise ValueError(f"The clock moves no further than {iso(LATEST)}.")
    return moment


def iso(moment: int) -> str:
    """Epoch seconds as ISO 8601 in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(value: Any) -> int:
    if (seconds := _whole(value)) is not None:
        return seconds
    try:
        moment = datetime.fromisoformat(value)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (TypeError, ValueError, OverflowError):
        sentence = 'to is a moment such as "2027-01-31T12:00:00Z", or epoch seconds'
        raise ValueError(f"{sentence}, not {value!r}."[:300]) from None


def _later(value: Any, now: int) -> int:
    parts = {"second": seconds} if (seconds := _whole(value)) is not None else _parts(value)
    try:
        for unit in ("year", "month"):
            now = shift(now, unit, parts.pop(unit, 0))
    except (ValueError, OverflowError):
        return LATEST + 1
    return now + sum(SECONDS[unit] * count for unit, count in parts.items())


def _parts(value: Any) -> dict[str, int]:
    """How many of each unit a duration has."""
    text = value.strip() if isinstance(value, str) else ""
    if (match := ISO_DURATION.fullmatch(text.upper())) and any(match.groups()):
        return {
            unit: int(n) for unit, n in zip(ISO_UNITS, match.groups(), strict=True) if n is not None
        }
    found: dict[str, int] = {}
    place = 0
    while match := WORDS.match(text.lower(), place):
        unit = SPELLINGS.get(match[2]) or SPELLINGS.get(match[2].removesuffix("s"))
        if unit is None or unit in found:
            break
        found[unit], place = int(match[1]), match.end()
    if not found or place != len(text):
        sentence = 'by is seconds, or a duration such as "1 month", "30d" or "P1M"'
        raise ValueError(f"{sentence}, not {value!r}."[:300])
    return found


def _whole(value: Any) -> int | None:
    """A whole number of seconds, also one in digits."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,15}\s*", value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None

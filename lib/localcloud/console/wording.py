"""How figures and moments are written on the pages."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape

_DAY = 86400


def usd(micro: int) -> str:
    """`$0.000123` for micro-USD, to the last micro."""
    return f"${Decimal(micro) / 1_000_000:,.6f}"


def cents(amount: int, currency: str = "usd") -> str:
    """`$29.00` for cents."""
    sign = "$" if currency == "usd" else f"{currency.upper()} "
    return f"{sign}{Decimal(amount) / 100:,.2f}"


def count(number: int) -> str:
    return f"{number:,}"


def moment(value: Any) -> datetime | None:
    """A time from epoch seconds or ISO 8601; None for anything else."""
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def when(value: Any) -> Markup:
    """A `<time>` element, in UTC; a dash for no time. Only years other than this one are named."""
    then = moment(value)
    if then is None:
        return Markup('<span class="muted">–</span>')
    year = "" if then.year == datetime.now(UTC).year else f"{then:%Y} "
    shown = f"{then.day} {then:%b} {year}{then:%H:%M:%S}"
    whole = f"{then.isoformat(sep=' ')[:19]} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(then.isoformat(), whole, shown)


def spans(text: str) -> Markup:
    """A description of the contract's: `code` in backticks becomes an element."""
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part)
        for number, part in enumerate(text.split("`"))
    )


def day(value: Any) -> str:
    """`5 March 2027`, in UTC."""
    then = moment(value)
    return f"{then.day} {then:%B %Y}" if then else "–"


def lasting(milliseconds: int | None) -> str:
    """`31 ms`, `1.2 s`."""
    if milliseconds is None:
        return "–"
    return f"{milliseconds} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def ahead(seconds: int) -> str:
    """`31 days, 2 hours`: how far the clock is ahead."""
    days, rest = divmod(seconds, _DAY)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    parts = ((days, "day"), (hours, "hour"), (minutes, "minute"), (rest, "second"))
    named = [f"{n:,} {unit}{'' if n == 1 else 's'}" for n, unit in parts if n]
    return ", ".join(named[:2]) or "0 seconds"

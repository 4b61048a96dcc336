"""Time: aware UTC datetimes inside, ISO 8601 with milliseconds and `Z` outside."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """`2026-01-31T09:30:00.000Z`, the form that the frontend and all stored items use."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """Read an ISO 8601 time back; a time without a zone is taken as UTC.

    Raises:
        ValueError: the text is no ISO 8601 time.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def from_epoch(seconds: int) -> datetime:
    """A Stripe timestamp (whole seconds since 1970) as an aware datetime."""
    return datetime.fromtimestamp(seconds, UTC)

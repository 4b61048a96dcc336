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
        ValueError: the text is no ISO 8601 time, or one that UTC cannot express.
    """
    moment = datetime.fromisoformat(text)
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time is out of range") from error


def from_epoch(seconds: float) -> datetime:
    """Seconds since 1970, such as Stripe's timestamps, as an aware datetime."""
    return datetime.fromtimestamp(seconds, UTC)

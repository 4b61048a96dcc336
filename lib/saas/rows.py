"""Stored items, read by type: absent, null and older shapes give a default instead of an error.

Rows outlive the code that wrote them, and an adopted table holds what an earlier backend let
anybody write. Whatever reads an item reads it through this.
"""

import dataclasses
import logging
from datetime import datetime
from typing import Any, TypeVar

from saas import clock

# The functions' logger by its name: the local console reads items without Powertools.
logger = logging.getLogger("groundwork")

# Above this an epoch time is in milliseconds: in seconds it would be the year 5138.
_SECONDS_LIMIT = 100_000_000_000


T = TypeVar("T")


class Row:
    """One stored item. What cannot be read is logged by the attribute's name, never its value."""

    def __init__(self, item: dict[str, Any] | None) -> None:
        self.item = item or {}

    def text(self, name: str, default: str = "") -> str:
        """A string; a stored number is given as its digits."""
        value = self.item.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        return self._instead(name, value, default)

    def integer(self, name: str, default: int = 0) -> int:
        """A whole number; digits stored as a string count as one."""
        value = self.item.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
            return int(value)
        return self._instead(name, value, default)

    def flag(self, name: str) -> bool:
        """A boolean; anything but true is false."""
        return self.item.get(name) is True

    def mapping(self, name: str) -> dict[str, Any]:
        """A map."""
        value = self.item.get(name)
        return value if isinstance(value, dict) else self._instead(name, value, {})

    def moment(self, name: str) -> datetime | None:
        """A time from 1970 to 9000: ISO 8601, or seconds or milliseconds since 1970."""
        value = self.item.get(name)
        try:
            found = _moment(value)
        except (ValueError, OverflowError, OSError):
            found = None
        if found and 1970 <= found.year <= 9000:
            return found
        return self._instead(name, value or None, None)

    def iso(self, name: str, default: str = "") -> str:
        """A time in the form that answers use."""
        moment = self.moment(name)
        return clock.iso(moment) if moment else default

    def fields(self, kind: type) -> dict[str, Any]:
        """The values of a dataclass whose fields are strings and whole numbers, by their names."""
        return {
            field.name: self.integer(field.name) if field.type is int else self.text(field.name)
            for field in dataclasses.fields(kind)
        }

    def _instead(self, name: str, value: Any, default: T) -> T:
        if value is not None:
            kind = str(self.item.get("pk", "")).partition("#")[0]
            logger.warning(
                "a stored attribute cannot be read", extra={"attribute": name, "item": kind}
            )
        return default


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str) and value:
        return clock.parse(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return clock.from_epoch(value / 1000 if value > _SECONDS_LIMIT else value)
    return None

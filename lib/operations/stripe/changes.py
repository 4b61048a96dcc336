"""What a command is going to do, as lines to read before it is done."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Sign(StrEnum):
    """What a line means; `NOTE` and `LEFT` change nothing."""

    CREATED = "+"
    CHANGED = "~"
    RETIRED = "-"
    LEFT = "="
    NOTE = "!"


@dataclass(frozen=True)
class Change:
    """One step. Steps are carried out in the order in which they are shown, one after the other.

    Each leaves the account usable, so that a run that is killed is completed by the next one.
    """

    sign: Sign
    text: str
    act: Callable[[], object] | None = None

    def __str__(self) -> str:
        return f"  {self.sign} {self.text}"

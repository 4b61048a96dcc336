"""How webhooks go astray on purpose; `localcloud.faults` says whom a fault strikes.

A call is the delivery of an event to an endpoint, its name the event's type. Its fault strikes it
once, before the first attempt, in the order in which events were made: so one seed is one series.
Retries and an event sent again by hand are left alone, unless the fault spoils several `attempts`.
"""

import sqlite3
from dataclasses import dataclass, field

from localcloud.faults import Fault, Faults, Kind, one_of, seconds, whole

PART = "webhooks"
_SPOILT = {"attempts": whole(1, 1)}
KINDS = {
    "duplicate": Kind(
        "Sent `copies` more times, each `seconds` after the one before; 0: all at the same time.",
        {"copies": whole(1, 1, 100), "seconds": seconds(0)},
    ),
    "reorder": Kind(
        "Held back until `events` later ones went to the same endpoint, at most `seconds`.",
        {"events": whole(1, 1, 100), "seconds": seconds(10)},
    ),
    "delay": Kind("Sent `seconds` later.", {"seconds": seconds(5)}),
    "drop": Kind("Never sent: the delivery has failed for good, as after three days in vain."),
    "corrupt_signature": Kind("Signed with a wrong secret, in the first `attempts`.", _SPOILT),
    "old_timestamp": Kind(
        "Signed as if `age` seconds ago, in the first `attempts`.",
        {"age": seconds(600), **_SPOILT},
    ),
    "disconnect": Kind(
        "The connection ends `after` `half` or `all` of the event, in the first `attempts`.",
        {"after": one_of("half", ["half", "all"]), **_SPOILT},
    ),
}
PUT_OFF = ("delay", "reorder")


@dataclass
class Hold:
    """A delivery that is held back: `missing` later ones have not come yet, `ahead` are sent."""

    endpoint: str
    missing: int
    ahead: set[int] = field(default_factory=set)


class Mishaps:
    """What has struck deliveries that are still under way. Belongs to one thread.

    While one delivery is held back, the next ones to its endpoint are not held back as well: else
    none would be late.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._struck: dict[int, Fault] = {}
        self._holds: dict[int, Hold] = {}

    def clear(self) -> None:
        """There are no deliveries any more."""
        self._struck.clear()
        self._holds.clear()

    def strike(self, delivery: sqlite3.Row, event_type: str) -> Fault | None:
        """The fault that strikes a delivery now that it is about to be attempted."""
        number = delivery["id"]
        if delivery["attempts"] or number in self._struck:
            return None
        goes_ahead = self._go_ahead(number, delivery["endpoint"])
        kinds = KINDS.keys() - {"reorder"} if goes_ahead else KINDS.keys()
        fault = self._faults.strike(PART, event_type, kinds)
        if fault is None:
            return None
        self._struck[number] = fault
        if fault.kind == "reorder":
            self._holds[number] = Hold(delivery["endpoint"], fault.settings["events"])
        return fault

    def _go_ahead(self, number: int, endpoint: str) -> bool:
        for hold in self._holds.values():
            if hold.endpoint == endpoint and hold.missing:
                hold.missing -= 1
                hold.ahead.add(number)
                return True
        return False

    def suffered(self, delivery: sqlite3.Row) -> Fault | None:
        """The fault that the next attempt of a delivery suffers."""
        fault = self._struck.get(delivery["id"])
        lasts = fault is not None and delivery["attempts"] < fault.settings.get("attempts", 1)
        return fault if lasts else None

    def sent(self, number: int) -> list[int]:
        """An attempt was made: the deliveries that need not be held back any longer."""
        self._holds.pop(number, None)
        for hold in self._holds.values():
            hold.ahead.discard(number)
        free = [each for each, hold in self._holds.items() if not hold.missing and not hold.ahead]
        for each in free:
            del self._holds[each]
        return free

    def over(self, number: int) -> None:
        """The delivery has ended."""
        self._struck.pop(number, None)

"""Faults armed on purpose: which calls they strike, how often, and by which seed.

`POST /_local/faults` arms one, `GET` shows what is armed and what was spent, `DELETE` disarms. What
a kind of fault does is the business of the part that suffers it; this is who suffers when.
"""

import threading
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any
from urllib.parse import parse_qs

from saas import json_text

MOST = 1_000_000
SPENT_KEPT = 100


@dataclass(frozen=True)
class Setting:
    """A setting of a kind of fault: its default, what it may be, and that in words."""

    default: Any
    allows: Callable[[Any], bool]
    must: str


@dataclass(frozen=True)
class Kind:
    """A way to fail: its effect in words, and its own settings."""

    effect: str
    settings: Mapping[str, Setting] = field(default_factory=dict)


Kinds = Mapping[str, Kind]


def seconds(default: float) -> Setting:
    """A setting that is a time."""
    return Setting(
        default, lambda value: _is_number(value) and 0 <= value <= 3600, "a number from 0 to 3600"
    )


def one_of(default: str, names: Collection[str]) -> Setting:
    """A setting that is one of some names."""
    must = f"one of {', '.join(sorted(names))}"
    return Setting(default, lambda value: isinstance(value, str) and value in names, must)


def whole(default: int, lowest: int, highest: int = MOST) -> Setting:
    """A setting that is a count."""

    def allows(value: Any) -> bool:
        return _is_number(value) and isinstance(value, int) and lowest <= value <= highest

    return Setting(default, allows, f"a whole number from {lowest} to {highest:,}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


GENERAL: Mapping[str, Setting] = {
    "on": Setting("*", lambda value: isinstance(value, str) and value != "", "a pattern"),
    "nth": whole(1, 1),
    "count": Setting(
        1,
        lambda value: value is None or whole(1, 1).allows(value),
        f"a whole number from 1 to {MOST:,}, or null for every call",
    ),
    "probability": Setting(
        1.0, lambda value: _is_number(value) and 0 < value <= 1, "a number above 0, at most 1"
    ),
    "seed": whole(0, 0),
}


class Fault:
    """A fault that is armed.

    It strikes the calls whose name fits the pattern `on`, from the `nth` of them on, each with a
    `probability` that `seed` decides, until it has struck `count` times (None: until disarmed).
    """

    def __init__(self, number: int, part: str, kind: str, settings: dict[str, Any]) -> None:
        self.id = f"fault_{number}"
        self.part = part
        self.kind = kind
        self.settings = settings
        self.seen = 0
        self.struck = 0
        self._random = Random(settings["seed"])  # noqa: S311 - to be repeated, not to be secret

    @property
    def spent(self) -> bool:
        count: int | None = self.settings["count"]
        return count is not None and self.struck >= count

    def meets(self, call: str) -> bool:
        """Count a call; whether this fault may strike it."""
        if not fnmatchcase(call, self.settings["on"]):
            return False
        self.seen += 1
        if self.seen < self.settings["nth"]:
            return False
        # Drawn for each call, also if another fault strikes it: so one seed is one series.
        probability: float = self.settings["probability"]
        return self._random.random() < probability

    def shown(self) -> dict[str, Any]:
        """The fault as it was armed, with `seen` and `struck`: calls that fitted, and those hit."""
        about = {"id": self.id, "part": self.part, "kind": self.kind}
        return {**about, **self.settings, "seen": self.seen, "struck": self.struck}


class Faults:
    """The faults of one server, which may stand for several parts. Safe for threads."""

    def __init__(self, parts: Mapping[str, Kinds]) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._armed: list[Fault] = []
        self._spent: deque[Fault] = deque(maxlen=SPENT_KEPT)
        self._made = 0

    def arm(self, wanted: Any) -> dict[str, Any]:
        """Arm a fault: `{"part"?, "kind", "on"?, "nth"?, "count"?, "probability"?, "seed"?, …}`.

        The part is the server's first one unless it is named. Answers the fault as it is shown.

        Raises:
            ValueError: a sentence about what is wrong with it.
        """
        if not isinstance(wanted, dict):
            raise ValueError("A fault is a JSON object.")
        given = dict(wanted)
        part = given.pop("part", next(iter(self._parts)))
        kinds = _named(self._parts, part, "part")
        name = given.pop("kind", None)
        settings = _settings(given, name, _named(kinds, name, "kind"))
        with self._lock:
            self._made += 1
            fault = Fault(self._made, part, name, settings)
            self._armed.append(fault)
            return fault.shown()

    def disarm(self, wanted: str | None = None, part: str | None = None) -> int:
        """Disarm the fault of that id, or those of that part, or all; how many these were."""
        with self._lock:
            leaving = [
                fault
                for fault in self._armed
                if wanted in (None, fault.id) and part in (None, fault.part)
            ]
            self._armed = [fault for fault in self._armed if fault not in leaving]
            return len(leaving)

    def forget(self) -> None:
        """As if nothing had ever been armed."""
        with self._lock:
            self._armed.clear()
            self._spent.clear()
            self._made = 0

    def listing(self, part: str | None = None) -> dict[str, Any]:
        """`{"armed": […], "spent": […]}`: in the order of arming, the last spent first."""
        with self._lock:
            kept = {"armed": self._armed, "spent": self._spent}
            return {
                name: [fault.shown() for fault in faults if part in (None, fault.part)]
                for name, faults in kept.items()
            }

    @property
    def are_armed(self) -> bool:
        """Whether any is: a cheap question, to be asked before a call is even named."""
        return bool(self._armed)

    def strike(self, part: str, call: str, kinds: Collection[str]) -> Fault | None:
        """The fault of one of these kinds that strikes this call, the first that was armed."""
        if not self._armed:
            return None
        with self._lock:
            ready = [
                fault
                for fault in self._armed
                if fault.part == part and fault.kind in kinds and fault.meets(call)
            ]
            if not ready:
                return None
            ready[0].struck += 1
            if ready[0].spent:
                self._armed.remove(ready[0])
                self._spent.appendleft(ready[0])
            return ready[0]

    def answer(self, method: str, query: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Serve `/_local/faults`: status and JSON; errors are `{"message"}`.

        `GET` takes `?part=`, `DELETE` `?part=` and `?id=` and answers `{"disarmed"}`.
        """
        asked = parse_qs(query)
        wanted, part = asked.get("id", [None])[0], asked.get("part", [None])[0]
        if method == "POST":
            try:
                asked_for = json_text.read(body or b"null")
            except ValueError:
                return 400, {"message": "The body is not valid JSON."}
            try:
                return 200, self.arm(asked_for)
            except ValueError as error:
                return 400, {"message": str(error)}
        if method == "DELETE":
            return 200, {"disarmed": self.disarm(wanted, part)}
        return 200, self.listing(part)


def _named(known: Mapping[str, Any], name: Any, what: str) -> Any:
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"{what} must be one of {', '.join(sorted(known))}.")
    return known[name]


def _settings(given: dict[str, Any], name: str, kind: Kind) -> dict[str, Any]:
    known = {**GENERAL, **kind.settings}
    for each, value in given.items():
        if each not in known:
            raise ValueError(f"{name} knows no {each}; it takes {', '.join(known)}.")
        if not known[each].allows(value):
            raise ValueError(f"{each} must be {known[each].must}.")
    return {each: given.get(each, setting.default) for each, setting in known.items()}

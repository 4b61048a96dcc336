"""What functions have written and how their calls ended: the newest, in memory, for the console."""

import json
import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .invocation import Invocation, Result

LINES_KEPT = 5000
CALLS_KEPT = 1000
CHARACTERS_KEPT = 8_000_000
LONGEST_LINE = 20_000
_IDS = ("function_request_id", "correlation_id", "request_id")


@dataclass(frozen=True)
class Line:
    """One line of a function's output. `at` is epoch seconds; `request_id` names the call that
    wrote it, None outside any; `ids` are all that it names itself."""

    at: float
    function: str
    text: str
    request_id: str | None
    ids: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, Any] | None:
        """Its JSON object, if it is one."""
        return _object(self.text)

    def belongs_to(self, identifier: str) -> bool:
        """Whether it was written for this request, by any of the ids that a request has."""
        return self.request_id == identifier or identifier in self.ids


@dataclass
class Call:
    """One call of a function. `began` is epoch seconds; the rest becomes known when it ends.

    `error` is Lambda's error type and message, `status` and `route` are those of an HTTP answer.
    """

    id: str
    function: str
    began: float
    duration_ms: int | None = None
    error: str = ""
    status: int | None = None
    route: str = ""
    code: str = ""
    correlation_id: str = ""

    @property
    def outcome(self) -> str:
        """`running`, `failed`, `refused` (an HTTP answer of 400 to 499) or `answered`."""
        if self.duration_ms is None:
            return "running"
        status = self.status or 0
        if self.error or status >= 500:
            return "failed"
        return "refused" if status >= 400 else "answered"


class Journal:
    """The last lines and calls of all functions of a stack. Used from one thread."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque()
        self._characters = 0
        self._calls: OrderedDict[str, Call] = OrderedDict()

    def write(self, function: str, text: str, request_id: str | None = None) -> None:
        """Add a line; one in JSON says itself which request it belongs to."""
        text = text[:LONGEST_LINE]
        fields = _object(text)
        named = (fields or {}).get("function_request_id")
        ids = tuple(id for id in map((fields or {}).get, _IDS) if isinstance(id, str))
        line = Line(time.time(), function, text, named if named else request_id, ids)
        self._keep(line)
        if fields and (call := self._calls.get(line.request_id or "")):
            _learn(call, fields)

    def _keep(self, line: Line) -> None:
        self._lines.append(line)
        self._characters += len(line.text)
        while len(self._lines) > LINES_KEPT or self._characters > CHARACTERS_KEPT:
            self._characters -= len(self._lines.popleft().text)

    def follow(self, function: str, invocation: Invocation) -> None:
        """Note that a call begins, and how it ends once it does."""
        call = Call(invocation.request_id, function, time.time())
        began = time.monotonic()
        self._calls[call.id] = call
        if len(self._calls) > CALLS_KEPT:
            self._calls.popitem(last=False)

        def end() -> None:
            call.duration_ms = round((time.monotonic() - began) * 1000)
            if not invocation.result.cancelled():
                call.error = _error_of(invocation.result.result())

        invocation.result.add_done_callback(lambda _: end())

    def calls(self) -> Iterator[Call]:
        """All that are known, the newest first."""
        return reversed(self._calls.values())

    def lines(self) -> Iterator[Line]:
        """All that are kept, the newest first."""
        return reversed(self._lines)

    def calls_of(self, identifier: str) -> list[Call]:
        """The calls that an id stands for, the first first: one, or those of a correlation id."""
        found = {line.request_id for line in self._lines if line.belongs_to(identifier)}
        found.add(identifier)
        return [call for call in self._calls.values() if call.id in found]

    def lines_of(self, identifier: str) -> list[Line]:
        """The lines of a request, the first first, those included that carry no id themselves."""
        ids = {identifier, *(call.id for call in self.calls_of(identifier))}
        return [
            line for line in self._lines if line.request_id in ids or line.belongs_to(identifier)
        ]


def _learn(call: Call, fields: dict[str, Any]) -> None:
    """Take over what a function says of the call it answered."""
    if isinstance(correlation_id := fields.get("correlation_id"), str):
        call.correlation_id = correlation_id
    if fields.get("message") == "answered" and isinstance(fields.get("status"), int):
        call.status = fields["status"]
        call.route = str(fields.get("route") or "")
        call.code = str(fields.get("code") or "")


def _object(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _error_of(result: Result) -> str:
    if result.error is None:
        return ""
    found = _object(result.payload.decode(errors="replace")) or {}
    kind, message = found.get("errorType", result.error), found.get("errorMessage", "")
    return f"{kind}: {message}" if message else str(kind)

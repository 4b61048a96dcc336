"""Requests to the functions, and what was logged during each."""

from typing import Any

from localcloud.functions.journal import Line

from .redaction import Redaction
from .stage import Stage

CALLS_SHOWN = 100
LINES_SHOWN = 200
_IDS = ("function_request_id", "correlation_id", "request_id")
_BESIDE = frozenset({"level", "location", "message", "timestamp", "service", "exception", *_IDS})
_NOT_SHOWN = frozenset({"xray_trace_id", "sampling_rate", "exception_name", "stack_trace"})


def listing(stage: Stage, search: str) -> dict[str, Any]:
    """The newest calls; with `search`, the lines that hold it, letters of any case."""
    wanted = search.casefold()
    redaction = stage.redaction
    lines = [
        line
        for line in stage.journal.lines()
        if not wanted or wanted in line.text.casefold() or wanted == (line.request_id or "")
    ]
    calls = [
        call
        for call in stage.journal.calls()
        if not wanted or wanted in f"{call.id} {call.function} {call.route} {call.error}".casefold()
    ]
    return {
        "search": search,
        "calls": calls[:CALLS_SHOWN],
        "lines": [_shown(line, redaction) for line in lines[:LINES_SHOWN]],
        "found": len(lines),
        "containers": bool(stage.config.emulators),
    }


def one(stage: Stage, identifier: str) -> dict[str, Any] | None:
    """The calls and lines of a request or correlation id; None when nothing is kept of it."""
    calls, lines = stage.journal.calls_of(identifier), stage.journal.lines_of(identifier)
    if not calls and not lines:
        return None
    redaction = stage.redaction
    return {
        "identifier": identifier,
        "calls": calls,
        "lines": [_shown(line, redaction) for line in lines],
        "containers": bool(stage.config.emulators),
    }


def _shown(line: Line, redaction: Redaction) -> dict[str, Any]:
    """A line in pieces: what it says, how grave it is, and the fields beside that."""
    found = {"at": line.at, "function": line.function, "request_id": line.request_id, "trace": ""}
    own = line.fields
    if own is None:
        return {**found, "level": "", "message": redaction.text(line.text), "fields": []}
    fields = redaction.value(own)
    if "_aws" in fields:
        message, level = "metric", "METRIC"
        values = [(name, value) for name, value in fields.items() if name != "_aws"]
    else:
        message, level = str(fields.get("message", "")), str(fields.get("level", ""))
        left_out = _BESIDE | _NOT_SHOWN
        values = [(name, value) for name, value in fields.items() if name not in left_out]
    trace = str(fields.get("exception") or "")
    return {**found, "level": level, "message": message, "fields": values, "trace": trace}

"""What callers with policies did and tried, counted; administrators are not recorded."""

import threading
from typing import Any

from localcloud.aws.iam import gaps
from localcloud.aws.iam.policy import Access

LEADING_KEYS = "dynamodb:leadingkeys"
KEYS_KEPT = 1_000


class _Entry:
    """One decision: how often, and for which partition keys (the first of them)."""

    def __init__(self) -> None:
        self.count = 0
        self.keys: set[str] = set()


_calls: dict[tuple[str, str, str, bool], _Entry] = {}
_lock = threading.Lock()


def record(name: str, access: Access, allowed: bool) -> int:
    """Count one decision, and say how many there were; `name` is a role's, or `user/<name>`."""
    with _lock:
        entry = _calls.setdefault((name, access.action, access.resource, allowed), _Entry())
        entry.count += 1
        if len(entry.keys) < KEYS_KEPT:
            entry.keys.update(access.context.get(LEADING_KEYS, ()))
        return entry.count


def recorded() -> dict[str, Any]:
    """`{"calls": [{"role", "action", "resource", "allowed", "count", "keys"}], "gaps": [text]}`."""
    names = ("role", "action", "resource", "allowed")
    with _lock:
        listing = [
            dict(zip(names, call, strict=True)) | {"count": entry.count, "keys": sorted(entry.keys)}
            for call, entry in sorted(_calls.items(), key=lambda one: one[0])
        ]
    return {"calls": listing, "gaps": gaps.reported()}


def forget() -> None:
    """Empty the record; a gap is reported again when it is met again."""
    with _lock:
        _calls.clear()
    gaps.forget()

"""What callers with policies did and tried, counted; administrators are not recorded."""

import threading
from collections import Counter
from typing import Any

from localcloud.aws.iam import gaps

_calls: Counter[tuple[str, str, str, bool]] = Counter()
_lock = threading.Lock()


def record(name: str, action: str, resource: str, allowed: bool) -> None:
    """Count one decision; `name` is that of the role, or `user/<name>`."""
    with _lock:
        _calls[name, action, resource, allowed] += 1


def recorded() -> dict[str, Any]:
    """`{"calls": [{"role", "action", "resource", "allowed", "count"}], "gaps": [text]}`."""
    with _lock:
        calls = sorted(_calls.items())
    names = ("role", "action", "resource", "allowed")
    listing = [dict(zip(names, call, strict=True)) | {"count": count} for call, count in calls]
    return {"calls": listing, "gaps": gaps.reported()}


def forget() -> None:
    """Empty the record; a gap is reported again when it is met again."""
    with _lock:
        _calls.clear()
    gaps.forget()

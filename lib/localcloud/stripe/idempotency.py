"""Idempotency keys (https://docs.stripe.com/api/idempotent_requests).

The first answer of an endpoint that began to run is kept, success or failure, in the transaction
that made it. Requests refused before that (key, version, parameters) leave no trace.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from localcloud.stripe.errors import StripeError
from localcloud.stripe.work import Work

KEPT_SECONDS = 48 * 3600


@dataclass(frozen=True)
class Stored:
    """An answer given before: HTTP status, JSON text, and the request that it first answered."""

    status: int
    body: str
    request_id: str


@dataclass(frozen=True)
class Call:
    """What a key stands for: method, path and decoded parameters."""

    method: str
    path: str
    params: dict[str, Any]

    @property
    def fingerprint(self) -> str:
        """Equal for equal parameters, whatever their order."""
        return hashlib.sha256(json.dumps(self.params, sort_keys=True).encode()).hexdigest()


def check_key(key: str) -> None:
    """Raise Stripe's 400 for a key that is too long."""
    if len(key) > 255:
        raise StripeError(
            400,
            "Idempotency keys must be at most 255 characters long.",
            kind="idempotency_error",
        )


def replay(work: Work, call: Call) -> Stored | None:
    """The stored answer for the work's key; raises when the key belongs to another request."""
    key = work.idempotency_key
    row = work.store.db.execute(
        "SELECT * FROM idempotency WHERE key = ? AND created > ?", (key, work.wall - KEPT_SECONDS)
    ).fetchone()
    if row is None:
        return None
    other = f"Try using a key other than '{key}' if you meant to execute a different request."
    if (row["method"], row["path"]) != (call.method, call.path):
        raise StripeError(
            400,
            "Keys for idempotent requests can only be used for the same endpoint they were first "
            f"used for ('{call.path}' vs '{row['path']}'). {other}",
            kind="idempotency_error",
        )
    if row["fingerprint"] != call.fingerprint:
        raise StripeError(
            400,
            "Keys for idempotent requests can only be used with the same parameters they were "
            f"first used with. {other}",
            kind="idempotency_error",
        )
    return Stored(row["status"], row["body"], row["request"])


def remember(work: Work, call: Call, status: int, body: str) -> None:
    """Keep an answer under the work's key, and forget the ones that are too old."""
    work.store.db.execute("DELETE FROM idempotency WHERE created <= ?", (work.wall - KEPT_SECONDS,))
    work.store.db.execute(
        "INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            work.idempotency_key,
            call.method,
            call.path,
            call.fingerprint,
            status,
            body,
            work.request_id,
            work.wall,
        ),
    )

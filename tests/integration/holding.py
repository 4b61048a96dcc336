"""DynamoDB whose transactions take a while: who meets an item that one holds is refused.

Local AWS carries out one request after the other, so that nobody ever meets anybody. This stands
in front of it and does as DynamoDB does ("Transaction conflict handling"): a transaction, or a
single write, is refused at once while another transaction is at work on one of its items.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from saas.aws_http import DYNAMODB, AwsError, Client

HELD_SECONDS = (0.005, 0.010)
SINGLE = frozenset({"PutItem", "UpdateItem", "DeleteItem"})


class Held:
    """Which items transactions are at work on, and how often what was asked and refused."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._keys: set[str] = set()

    def take(self, keys: list[str], operation: str, *, hold: bool) -> list[bool]:
        """Which of the keys are held already; if none is and `hold`, they are from now on."""
        with self._lock:
            self.asked[operation] += 1
            met = [key in self._keys for key in keys]
            if any(met):
                self.refused[operation] += 1
            elif hold:
                self._keys.update(keys)
            return met

    def leave(self, keys: list[str]) -> None:
        with self._lock:
            self._keys.difference_update(keys)


@contextmanager
def transactions_hold_items() -> Iterator[Held]:
    """Until the block ends, each transaction holds its items for `HELD_SECONDS`."""
    held, real = Held(), Client.post

    def post(self: Client, path: str, payload: Any, **options: Any) -> Any:
        operation = (options.get("headers") or {}).get("x-amz-target", "").rpartition(".")[2]
        if self._service is not DYNAMODB or operation not in {*SINGLE, "TransactWriteItems"}:
            return real(self, path, payload, **options)
        if operation in SINGLE:
            if any(held.take([_key(payload)], operation, hold=False)):
                raise AwsError("TransactionConflictException", 400, {})
            return real(self, path, payload, **options)
        keys = [_key(*each.values()) for each in payload["TransactItems"]]
        met = held.take(keys, operation, hold=True)
        if any(met):
            reasons = [{"Code": "TransactionConflict" if each else "None"} for each in met]
            body = {"CancellationReasons": reasons}
            raise AwsError("TransactionCanceledException", 400, body)
        try:
            time.sleep(random.uniform(*HELD_SECONDS))
            return real(self, path, payload, **options)
        finally:
            held.leave(keys)

    with patch.object(Client, "post", post):
        yield held


def _key(write: dict[str, Any]) -> str:
    where = write.get("Key") or write["Item"]
    return json.dumps([where["pk"], where["sk"]])

"""The one DynamoDB table: items in and out as plain dicts, conditional writes, transactions, pages.

Conditions are DynamoDB expressions with every attribute written `#name` and every value `:name`;
`When("#callsUsed < :limit", limit=10)` fills both maps, so reserved words need no thought.
"""

import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from saas.attributes import marshal, unmarshal
from saas.aws_http import DYNAMODB, AwsError, client, token
from saas.observability import logger
from saas.settings import settings

Item = dict[str, Any]
CONFLICT_ATTEMPTS = 12
# Seconds between attempts, at most: each conflict doubles the span that the next is drawn from, so
# that it grows with the number of writers. With 100 of them on an item that each holds for some
# milliseconds, spans of a second let one in five attempts through.
FIRST_SPAN, LONGEST_SPAN = 0.02, 1.0
_NAME = re.compile(r"#([A-Za-z][A-Za-z0-9]*)")


@dataclass(frozen=True)
class Key:
    """Primary key of an item."""

    pk: str
    sk: str


class When:
    """A condition expression with its values."""

    def __init__(self, expression: str, **values: Any) -> None:
        self.expression = expression
        self.values = values


ABSENT = When("attribute_not_exists(#pk)")
EXISTS = When("attribute_exists(#pk)")
UNSET = {"null_type": "NULL"}
"""The value that an expression with `unset` in it needs."""


def unset(attribute: str) -> str:
    """An expression for an attribute that is absent, or NULL as adopted rows may have it."""
    return f"(attribute_not_exists(#{attribute}) OR attribute_type(#{attribute}, :null_type))"


@dataclass(frozen=True)
class Put:
    """Write a whole item, replacing what is there unless `when` forbids it."""

    item: Item
    when: When | None = None


@dataclass(frozen=True)
class Update:
    """Change attributes of an item, creating it when it does not exist (unless `when` forbids it).

    `default` sets attributes that do not exist yet; `add` adds to numbers (absent counts as 0) and
    to sets of strings, `discard` takes from such sets; one without members does not exist.
    """

    key: Key
    set: Item = field(default_factory=dict)
    default: Item = field(default_factory=dict)
    add: Mapping[str, int | frozenset[str]] = field(default_factory=dict)
    discard: Mapping[str, frozenset[str]] = field(default_factory=dict)
    remove: Sequence[str] = ()
    when: When | None = None


@dataclass(frozen=True)
class Delete:
    """Remove an item."""

    key: Key
    when: When | None = None


@dataclass(frozen=True)
class Check:
    """Only a condition, as part of a transaction."""

    key: Key
    when: When


Write = Put | Update | Delete | Check


@dataclass(frozen=True)
class Page:
    """Items of one query, and the sort key after which the next page begins."""

    items: list[Item]
    next_after: str | None


class ConditionFailed(Exception):
    """A single write's condition did not hold; `item` is what the table holds, if anything."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("condition failed")
        self.item = item


class TransactionRefused(Exception):
    """A transaction's conditions did not hold.

    `refused` maps the position of each write whose condition failed to the item it met.
    """

    def __init__(self, refused: dict[int, Item | None]) -> None:
        super().__init__(f"conditions failed at {sorted(refused)}")
        self.refused = refused


class Table:
    """Access to one table."""

    def __init__(self, name: str) -> None:
        self.name = name

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return client(DYNAMODB).call(operation, request)

    def get(self, key: Key) -> Item | None:
        """One item, strongly consistent; None when absent."""
        request = {"TableName": self.name, "Key": _marshal_key(key), "ConsistentRead": True}
        answer = self._call("GetItem", request)
        return unmarshal(answer["Item"]) if "Item" in answer else None

    def batch_get(self, keys: Sequence[Key]) -> dict[Key, Item]:
        """Up to 100 items in one request, strongly consistent; absent ones are left out."""
        found: dict[Key, Item] = {}
        pending: dict[str, Any] = {
            self.name: {"Keys": [_marshal_key(key) for key in keys], "ConsistentRead": True}
        }
        for _ in _attempts():
            answer = self._call("BatchGetItem", {"RequestItems": pending})
            for raw in answer["Responses"].get(self.name, []):
                item = unmarshal(raw)
                found[Key(item["pk"], item["sk"])] = item
            pending = answer.get("UnprocessedKeys") or {}
            if not pending:
                return found
        raise TimeoutError("DynamoDB left keys unprocessed")

    def query(
        self,
        pk: str,
        *,
        prefix: str,
        limit: int,
        newest_first: bool = False,
        after: str | None = None,
    ) -> Page:
        """Items of one partition whose sort key begins with `prefix`, in key order.

        Args:
            pk: partition key.
            prefix: begin of the sort keys, not empty.
            limit: items at the most, 1 or more.
            newest_first: descending order.
            after: sort key after which to begin (`Page.next_after`).
        """
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
            "ExpressionAttributeValues": marshal({":pk": pk, ":prefix": prefix}),
            "ScanIndexForward": not newest_first,
            "Limit": limit,
            "ConsistentRead": True,
        }
        if after is not None:
            request["ExclusiveStartKey"] = _marshal_key(Key(pk, after))
        answer = self._call("Query", request)
        last = answer.get("LastEvaluatedKey")
        return Page(
            [unmarshal(raw) for raw in answer["Items"]], unmarshal(last)["sk"] if last else None
        )

    def write(self, write: Put | Update | Delete, *, returning: bool = False) -> Item | None:
        """One conditional write; with `returning`, an update gives the item as it is afterwards.

        Conflicts with concurrent transactions are retried; the SDK does not do it.

        Raises:
            ConditionFailed: `when` did not hold.
            TimeoutError: transactions kept winning.
        """
        operation, request = _request(self.name, write)
        if write.when is not None:
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if returning:
            request["ReturnValues"] = "ALL_NEW"
        for _ in _attempts():
            try:
                answer = self._call(operation, request)
            except AwsError as error:
                if error.code == "ConditionalCheckFailedException":
                    raw = error.body.get("Item")
                    raise ConditionFailed(unmarshal(raw) if raw else None) from error
                if error.code != "TransactionConflictException":
                    raise
            else:
                return unmarshal(answer["Attributes"]) if returning else None
        raise TimeoutError("the write met concurrent transactions each time")

    def transact(self, *writes: Write, until: float | None = None) -> None:
        """All writes or none. Conflicts with concurrent writers are retried.

        Args:
            until: `time.monotonic()` at which to give up; without it, after some seconds.

        Raises:
            TransactionRefused: a condition did not hold.
            TimeoutError: other writers kept winning.
        """
        request = {
            "TransactItems": [_transaction_item(self.name, write) for write in writes],
            "ClientRequestToken": token(),
        }
        for _ in _attempts(until):
            try:
                self._call("TransactWriteItems", request)
            except AwsError as error:
                if error.code == "TransactionCanceledException":
                    _raise_if_refused(error.body.get("CancellationReasons", []), error)
                    request["ClientRequestToken"] = token()
                # Still at work under this token: under another one it would meet its own writes.
                elif error.code != "TransactionInProgressException":
                    raise
            else:
                return
        raise TimeoutError("the transaction met concurrent writers each time")

    def answers(self) -> bool:
        """Whether the table can be read (health checks); why not, the log tells."""
        try:
            self.get(Key("HEALTH#", "HEALTH#"))
        except Exception:
            logger.exception("the table does not answer")
            return False
        return True


@lru_cache(maxsize=1)
def table() -> Table:
    """The table of this deployment."""
    return Table(settings().table_name)


def _raise_if_refused(reasons: list[dict[str, Any]], error: Exception) -> None:
    refused = {
        index: unmarshal(reason["Item"]) if reason.get("Item") else None
        for index, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    }
    if refused:
        raise TransactionRefused(refused) from error
    codes = {reason.get("Code", "None") for reason in reasons} - {"None"}
    if not codes or codes - {
        "TransactionConflict",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    }:
        raise error


def _attempts(until: float | None = None) -> Iterator[None]:
    """One turn for each attempt, with a pause before every further one."""
    attempt = 0
    while True:
        yield
        attempt += 1
        if until is None and attempt == CONFLICT_ATTEMPTS:
            return
        span = min(LONGEST_SPAN, FIRST_SPAN * 2 ** min(attempt, 10))
        seconds = random.uniform(0, span)  # noqa: S311
        if until is not None and time.monotonic() + seconds >= until:
            return
        _pause(seconds)


def _pause(seconds: float) -> None:
    time.sleep(seconds)


def _request(name: str, write: Write) -> tuple[str, dict[str, Any]]:
    """The client operation of a write, and its arguments."""
    changes: list[str] = []
    values: Item = {}
    request: dict[str, Any] = {"TableName": name}
    match write:
        case Put():
            operation = "PutItem"
            request["Item"] = marshal(write.item)
        case Update():
            operation = "UpdateItem"
            changes, values = _changes(write)
            request |= {"Key": _marshal_key(write.key), "UpdateExpression": " ".join(changes)}
        case Delete():
            operation = "DeleteItem"
            request["Key"] = _marshal_key(write.key)
        case Check():
            operation = "ConditionCheck"
            request["Key"] = _marshal_key(write.key)
    return operation, request | _expressions(changes, values, write.when)


def _expressions(changes: list[str], values: Item, when: When | None) -> dict[str, Any]:
    request: dict[str, Any] = {}
    texts = list(changes)
    if when is not None:
        request["ConditionExpression"] = when.expression
        texts.append(when.expression)
        values = values | {f":{name}": value for name, value in when.values.items()}
    if names := {f"#{found}": found for text in texts for found in _NAME.findall(text)}:
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = marshal(values)
    return request


def _changes(update: Update) -> tuple[list[str], Item]:
    sets = [f"#{name} = :set_{name}" for name in update.set]
    sets += [f"#{name} = if_not_exists(#{name}, :default_{name})" for name in update.default]
    clauses = []
    if sets:
        clauses.append("SET " + ", ".join(sets))
    if update.add:
        clauses.append("ADD " + ", ".join(f"#{name} :add_{name}" for name in update.add))
    if update.discard:
        clauses.append("DELETE " + ", ".join(f"#{name} :discard_{name}" for name in update.discard))
    if update.remove:
        clauses.append("REMOVE " + ", ".join(f"#{name}" for name in update.remove))
    values = {f":set_{name}": value for name, value in update.set.items()}
    values |= {f":default_{name}": value for name, value in update.default.items()}
    values |= {f":add_{name}": value for name, value in update.add.items()}
    values |= {f":discard_{name}": value for name, value in update.discard.items()}
    return clauses, values


def _transaction_item(name: str, write: Write) -> dict[str, Any]:
    operation, request = _request(name, write)
    verb = operation.removesuffix("Item")
    if write.when is not None:
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return {verb: request}


def _marshal_key(key: Key) -> dict[str, Any]:
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}

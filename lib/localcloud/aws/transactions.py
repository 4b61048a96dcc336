"""DynamoDB transactions: all or nothing, one reason an item, one write a client token.

Stock moto copies the whole table before each transaction and, when it fails, puts the copy back
over what others wrote meanwhile.
"""

import hashlib
import json
import time
from collections import OrderedDict
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    MockValidationException,
    MultipleTransactionsException,
    ProvidedKeyDoesNotExist,
    TooManyTransactionsException,
    TransactionCanceledException,
    TransactWriteSingleOpException,
)
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from localcloud.aws.dynamodb import Undo, remember
from localcloud.aws.repair import repair

Reason = tuple[str | None, str | None, dict[str, Any] | None]

OPERATIONS = ("ConditionCheck", "Put", "Delete", "Update")
# DynamoDB remembers a token for ten minutes (TransactWriteItems, ClientRequestToken).
TOKEN_SECONDS = 600.0


@repair(DynamoDBBackend, "transact_write_items")
def transact_write_items(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """Every condition is checked first; a late failure undoes the touched items only."""
    if len(transact_items) > 100:
        raise TooManyTransactionsException()
    operations = [_operation(self, item) for item in transact_items]
    names = {
        (id(table), json.dumps(key, sort_keys=True, default=str)) for _, _, table, key in operations
    }
    if len(names) < len(operations):
        raise MultipleTransactionsException()
    _cancel_unless_clean([_check(self, op, table, key) for _, op, table, key in operations])
    undos: list[Undo] = []
    reasons: list[Reason] = []
    try:
        for kind, op, table, key in operations:
            undos.append(remember(self, table, key))
            reasons.append(_apply(self, kind, op, key))
        _cancel_unless_clean(reasons)
    except BaseException:
        for undo in reversed(undos):
            undo()
        raise


def _operation(
    backend: DynamoDBBackend, item: dict[str, Any]
) -> tuple[str, dict[str, Any], Table, dict[str, Any]]:
    if len(item) != 1:
        raise TransactWriteSingleOpException()
    kind, op = next(iter(item.items()))
    if kind not in OPERATIONS:
        raise MockValidationException("Unsupported transaction operation")
    table = backend.get_table(op["TableName"])
    source = op["Item"] if kind == "Put" else op["Key"]
    if kind == "Put":
        for name in table.table_key_attrs:
            if name not in source:
                raise MockValidationException(
                    f"One or more parameter values were invalid: Missing the key {name} in the item"
                )
    elif set(source) != set(table.table_key_attrs):
        raise ProvidedKeyDoesNotExist()
    return kind, op, table, {name: source[name] for name in table.table_key_attrs}


def _check(
    backend: DynamoDBBackend, op: dict[str, Any], table: Table, key: dict[str, Any]
) -> Reason:
    condition = op.get("ConditionExpression")
    if condition is None:
        return None, None, None
    current = backend.get_item(table.name, key)
    expression = get_filter_expression(
        condition, op.get("ExpressionAttributeNames"), op.get("ExpressionAttributeValues")
    )
    if expression.expr(current):
        return None, None, None
    wanted = op.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    item = current.to_json()["Attributes"] if wanted and current is not None else None
    return "ConditionalCheckFailed", str(ConditionalCheckFailed().message), item


def _apply(backend: DynamoDBBackend, kind: str, op: dict[str, Any], key: dict[str, Any]) -> Reason:
    names, values = op.get("ExpressionAttributeNames"), op.get("ExpressionAttributeValues")
    try:
        if kind == "Put":
            backend.put_item(op["TableName"], op["Item"])
        elif kind == "Delete":
            backend.delete_item(op["TableName"], key)
        elif kind == "Update":
            backend.update_item(
                op["TableName"], key, op["UpdateExpression"], names or {}, values or {}
            )
    except MockValidationException as error:
        return "ValidationError", str(error.message), None
    return None, None, None


def _cancel_unless_clean(reasons: list[Reason]) -> None:
    if any(code for code, _, _ in reasons):
        raise TransactionCanceledException(reasons)


class TokenMismatchError(JsonRESTError):  # type: ignore[misc]  # moto has no types
    """The same `ClientRequestToken` with other parameters."""

    def __init__(self) -> None:
        super().__init__(
            "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request.",
        )


# Token -> (when, hash of the parameters) of transactions that succeeded, oldest first.
_TOKENS: OrderedDict[str, tuple[float, bytes]] = OrderedDict()


def forget_tokens() -> None:
    """Forget all `ClientRequestToken`s, as a reset of the service does."""
    _TOKENS.clear()


def is_written(token: str) -> bool:
    """Whether a transaction with this `ClientRequestToken` has succeeded lately."""
    return token in _TOKENS


@repair(DynamoHandler, "transact_write_items")
def transact_write_items_once(self: DynamoHandler) -> Any:
    """A repeated `ClientRequestToken` succeeds without writing again; stock moto writes twice."""
    body: dict[str, Any] = self.body
    token, now = body.get("ClientRequestToken"), time.monotonic()
    while _TOKENS and next(iter(_TOKENS.values()))[0] < now - TOKEN_SECONDS:
        _TOKENS.popitem(last=False)
    text = json.dumps(body["TransactItems"], sort_keys=True, default=repr)
    parameters = hashlib.sha256(text.encode()).digest()
    if token and token in _TOKENS:
        if _TOKENS[token][1] != parameters:
            raise TokenMismatchError()
        return ActionResult({})
    result = transact_write_items_once.stock(self)  # type: ignore[attr-defined]
    if token:
        _TOKENS[token] = (now, parameters)
    return result

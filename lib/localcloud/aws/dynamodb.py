"""DynamoDB repairs: one lock, atomic transactions and updates, idempotency tokens.

Stock moto has no locks: concurrent conditional updates overspend, and `TransactWriteItems` copies the
whole table and puts the copy back over other writers. Items past their TTL stay until they are deleted,
as in AWS, where deletion is late by up to days.
"""

import base64
import copy
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model
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
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from localcloud.aws.repair import repair
from localcloud.aws.routing import LOCKS, LocalRequest


@repair(Table, "query")
def query(
    self: Table,
    hash_key: DynamoType | None,
    range_comparison: str | None,
    range_objs: list[DynamoType],
    limit: int,
    exclusive_start_key: dict[str, Any],
    scan_index_forward: bool,
    projection_expressions: list[list[str]] | None,
    index_name: str | None = None,
    consistent_read: bool = False,
    filter_expression: Any = None,
    hash_key_conditions: list[tuple[str, DynamoType]] | None = None,
    range_key_conditions: list[tuple[str, str, list[DynamoType]]] | None = None,
    **filter_kwargs: Any,
) -> tuple[list[Item], int, dict[str, Any] | None]:
    """Looks at one partition; stock moto sorts and walks the whole table."""
    table = self
    if not index_name and self.has_range_key and hash_key is not None:
        table = copy.copy(self)
        table.items = {hash_key: self.items.get(hash_key, {})}
    return query.stock(  # type: ignore[attr-defined]
        table,
        hash_key,
        range_comparison,
        range_objs,
        limit,
        exclusive_start_key,
        scan_index_forward,
        projection_expressions,
        index_name,
        consistent_read,
        filter_expression,
        hash_key_conditions,
        range_key_conditions,
        **filter_kwargs,
    )


Undo = Callable[[], None]
Reason = tuple[str | None, str | None, dict[str, Any] | None]

OPERATIONS = ("ConditionCheck", "Put", "Delete", "Update")
# DynamoDB remembers a client request token for ten minutes (TransactWriteItems, ClientRequestToken).
TOKEN_SECONDS = 600.0


def handle(request: LocalRequest) -> Any:
    """Answer one DynamoDB call; calls run one after the other."""
    with LOCKS.of("dynamodb"):
        return QuickHandler.dispatch(request, request.raw_url, request.headers)


class QuickHandler(DynamoHandler):  # type: ignore[misc]  # moto has no types
    """Answers items as they are stored.

    They are DynamoDB's wire format already; stock moto sends each value through a general serializer,
    which is most of the time that reading takes.
    """

    def serialized(self, action_result: ActionResult) -> Any:
        """The JSON of a result; errors and descriptions of tables go moto's way."""
        result, action = action_result.result, self._get_action()
        if action not in ITEM_ACTIONS or not isinstance(result, dict):
            return super().serialized(action_result)
        members = get_service_model("dynamodb").operation_model(action).output_shape.members
        wanted = {k: v for k, v in result.items() if k in members and v is not None}
        headers = {"Content-Type": "application/x-amz-json-1.0", **self.response_headers}
        return 200, headers, json.dumps(wanted, default=_base64)


ITEM_ACTIONS = frozenset(
    "GetItem PutItem UpdateItem DeleteItem Query Scan BatchGetItem TransactGetItems "
    "TransactWriteItems".split()
)


def _base64(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} in a DynamoDB answer")


def _remember(backend: DynamoDBBackend, table: Table, key: dict[str, Any]) -> Undo:
    """A function that puts one item, and the table's stream, back as they are now."""
    hash_key, range_key = backend.get_keys_value(table, key)
    before = copy.deepcopy(table.get_item(hash_key, range_key))
    shard = table.stream_shard
    records = len(shard.items) if shard else 0

    def undo() -> None:
        if before is None:
            table.items[hash_key].pop(range_key, None) if range_key else table.items.pop(
                hash_key, None
            )
        elif range_key:
            table.items[hash_key][range_key] = before
        else:
            table.items[hash_key] = before
        if shard:
            del shard.items[records:]

    return undo


@repair(DynamoDBBackend, "update_item")
def update_item(
    self: DynamoDBBackend,
    table_name: str,
    key: dict[str, dict[str, Any]],
    update_expression: str,
    expression_attribute_names: dict[str, Any],
    expression_attribute_values: dict[str, Any],
    attribute_updates: dict[str, Any] | None = None,
    expected: dict[str, Any] | None = None,
    condition_expression: str | None = None,
    return_values_on_condition_check_failure: str | None = None,
) -> Item:
    """A failing update changes nothing; stock moto leaves what it did before the failure."""
    undo = _remember(self, self.get_table(table_name), key)
    try:
        return update_item.stock(  # type: ignore[attr-defined,no-any-return]
            self,
            table_name,
            key,
            update_expression,
            expression_attribute_names,
            expression_attribute_values,
            attribute_updates,
            expected,
            condition_expression,
            return_values_on_condition_check_failure,
        )
    except BaseException:
        undo()
        raise


@repair(DynamoDBBackend, "transact_write_items")
def transact_write_items(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """All or nothing: every condition is checked first, and a late failure undoes the touched items only."""
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
            undos.append(_remember(self, table, key))
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


class TokenMismatchError(JsonRESTError):
    """The same `ClientRequestToken` with other parameters."""

    def __init__(self) -> None:
        super().__init__(
            "com.amazonaws.dynamodb.v20120810#IdempotentParameterMismatchException",
            "The request uses the same client token as a previous, but non-identical request.",
        )


# Token -> (when, parameters) of transactions that succeeded, oldest first.
_TOKENS: OrderedDict[str, tuple[float, str]] = OrderedDict()


def forget_tokens() -> None:
    """Forget all `ClientRequestToken`s, as a reset of the service does."""
    _TOKENS.clear()


@repair(DynamoHandler, "transact_write_items")
def transact_write_items_once(self: DynamoHandler) -> Any:
    """A repeated `ClientRequestToken` succeeds without writing again; stock moto writes twice."""
    body: dict[str, Any] = self.body
    token, now = body.get("ClientRequestToken"), time.monotonic()
    while _TOKENS and next(iter(_TOKENS.values()))[0] < now - TOKEN_SECONDS:
        _TOKENS.popitem(last=False)
    parameters = json.dumps(body["TransactItems"], sort_keys=True, default=repr)
    if token and token in _TOKENS:
        if _TOKENS[token][1] != parameters:
            raise TokenMismatchError()
        return ActionResult({})
    result = transact_write_items_once.stock(self)  # type: ignore[attr-defined]
    if token:
        _TOKENS[token] = (now, parameters)
    return result

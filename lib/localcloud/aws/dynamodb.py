"""DynamoDB repairs: one lock, updates that fail whole; see also `partitions` and `transactions`.

Stock moto has no locks, so concurrent conditional updates overspend. Items past their TTL stay
until they are deleted, as in AWS, where deletion is late by up to days.
"""

import base64
import copy
import json
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import get_service_model
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler

from localcloud.aws.repair import repair
from localcloud.aws.routing import LOCKS, LocalRequest

Undo = Callable[[], None]


def handle(request: LocalRequest) -> Any:
    """Answer one DynamoDB call; calls run one after the other."""
    with LOCKS.of("dynamodb"):
        return QuickHandler.dispatch(request, request.raw_url, request.headers)


class QuickHandler(DynamoHandler):  # type: ignore[misc]  # moto has no types
    """Answers items as they are stored.

    They are DynamoDB's wire format already; stock moto sends each value through a general
    serializer, which is most of the time that reading takes.
    """

    def serialized(self, action_result: ActionResult) -> Any:
        """The JSON of a result; errors and descriptions of tables go moto's way."""
        result, action = action_result.result, self._get_action()
        if action not in ITEM_ACTIONS or not isinstance(result, dict):
            return super().serialized(action_result)
        members = get_service_model("dynamodb").operation_model(action).output_shape.members
        wanted = {k: v for k, v in result.items() if k in members and v is not None}
        headers = {"Content-Type": "application/x-amz-json-1.0", **self.response_headers}
        return 200, headers, as_json(wanted)


ITEM_ACTIONS = frozenset(
    {"GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan"}
    | {"BatchGetItem", "TransactGetItems", "TransactWriteItems"}
)


def as_json(answer: Any) -> str:
    """An answer with items, whose binary values may be bytes."""
    return json.dumps(answer, default=_base64)


def _base64(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} in a DynamoDB answer")


def remember(backend: DynamoDBBackend, table: Table, key: dict[str, Any]) -> Undo:
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
def update_item(  # noqa: PLR0917 - moto's parameters
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
    undo = remember(self, self.get_table(table_name), key)
    try:
        return update_item.stock(  # type: ignore[attr-defined]
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

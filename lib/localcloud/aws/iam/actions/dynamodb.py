"""DynamoDB: tables, indexes, and the partition keys that a request names.

After "Actions, resources, and condition keys for Amazon DynamoDB" and "Using IAM policy conditions
for fine-grained access control" (`dynamodb:LeadingKeys`). A transaction needs the actions that it
consists of.
"""

import re
import sys
from collections.abc import Callable
from typing import Any

from localcloud.aws.iam.call import Call
from localcloud.aws.iam.policy import Access
from localcloud.aws.iam.recorder import LEADING_KEYS

WITH_ITEM = {"PutItem": "Item", "GetItem": "Key", "UpdateItem": "Key", "DeleteItem": "Key"}
IN_TRANSACTION = {
    # operation: (action, where its key is)
    "Get": ("GetItem", "Key"),
    "Put": ("PutItem", "Item"),
    "Update": ("UpdateItem", "Key"),
    "Delete": ("DeleteItem", "Key"),
    "ConditionCheck": ("ConditionCheckItem", "Key"),
}
# In a key condition only `=` can bind the partition key.
_EQUALITY = re.compile(r"(#?[\w.-]+)\s*=\s*(:\w+)")


def accesses(call: Call) -> list[Access]:
    """What an operation needs; those on a whole table are named as their action."""
    if mapping := _MAPPINGS.get(call.operation):
        return mapping(call)
    if "TableName" in call.parameters:
        return [call.access(call.operation, _arn(call, call.parameters["TableName"]))]
    raise call.unmapped()


def _single(call: Call) -> list[Access]:
    body, where = call.parameters, WITH_ITEM[call.operation]
    return [_on_items(call, call.operation, body["TableName"], [body[where]])]


def _transaction(call: Call) -> list[Access]:
    return [
        _in_transaction(call, kind, op)
        for item in call.parameters["TransactItems"]
        for kind, op in item.items()
    ]


def _batch_read(call: Call) -> list[Access]:
    requests: dict[str, Any] = call.parameters["RequestItems"]
    return [_on_items(call, "BatchGetItem", name, one["Keys"]) for name, one in requests.items()]


def _batch_write(call: Call) -> list[Access]:
    requests: dict[str, Any] = call.parameters["RequestItems"]
    return [
        _on_items(call, "BatchWriteItem", name, [_written(one) for one in many])
        for name, many in requests.items()
    ]


def _list_tables(call: Call) -> list[Access]:
    return [call.access("ListTables", "*")]


def _in_transaction(call: Call, kind: str, op: dict[str, Any]) -> Access:
    action, where = IN_TRANSACTION[kind]
    return _on_items(call, action, op["TableName"], [op[where]])


def _written(request: dict[str, Any]) -> dict[str, Any]:
    put: dict[str, Any] = request.get("PutRequest") or {}
    return dict(put["Item"] if put else request["DeleteRequest"]["Key"])


def _on_items(call: Call, action: str, table: str, items: list[dict[str, Any]]) -> Access:
    name = partition_key(call, table)
    leading = tuple(dict.fromkeys(_text(item[name]) for item in items if name in item))
    return call.access(action, _arn(call, table), {LEADING_KEYS: leading})


def _on_table_or_index(call: Call) -> list[Access]:
    body, action = call.parameters, call.operation
    table, index = body["TableName"], body.get("IndexName")
    arn = _arn(call, table)
    # A Scan names no partition key, so that ForAllValues holds: grant no Scan with LeadingKeys.
    leading = () if action == "Scan" else _queried(call, partition_key(call, table, index))
    resource = f"{arn}/index/{index}" if index else arn
    return [call.access(action, resource, {LEADING_KEYS: leading})]


def _queried(call: Call, name: str | None) -> tuple[str, ...]:
    """The one partition that a Query reads."""
    if name is None:
        return ()
    body = call.parameters
    names = body.get("ExpressionAttributeNames") or {}
    for written, value in _EQUALITY.findall(body.get("KeyConditionExpression") or ""):
        if names.get(written, written) == name:
            return (_text(body["ExpressionAttributeValues"][value]),)
    if name in (body.get("KeyConditions") or {}):
        return tuple(_text(one) for one in body["KeyConditions"][name]["AttributeValueList"])
    # An empty set would satisfy ForAllValues.
    raise call.unmapped()


def partition_key(call: Call, table: str, index: str | None = None) -> str | None:
    """The name of the attribute; None: there is no such table or index, so nothing to protect."""
    models = sys.modules.get("moto.dynamodb.models")
    if models is None:
        return None
    tables = models.dynamodb_backends[call.account_id][call.region].tables
    found = tables.get(table.rpartition("/")[2])
    if found is None:
        return None
    if index is None:
        return str(found.hash_key_attr)
    for one in [*found.indexes, *found.global_indexes]:
        if one.name == index:
            return str(next(k["AttributeName"] for k in one.schema if k["KeyType"] == "HASH"))
    return None


def _arn(call: Call, table: str) -> str:
    return table if table.startswith("arn:") else call.arn(f"table/{table}")


def _text(value: dict[str, Any]) -> str:
    """A key's value as policies write it."""
    return str(next(iter(value.values())))


_MAPPINGS: dict[str, Callable[[Call], list[Access]]] = {
    **dict.fromkeys(WITH_ITEM, _single),
    "TransactGetItems": _transaction,
    "TransactWriteItems": _transaction,
    "BatchGetItem": _batch_read,
    "BatchWriteItem": _batch_write,
    "Query": _on_table_or_index,
    "Scan": _on_table_or_index,
    "ListTables": _list_tables,
}

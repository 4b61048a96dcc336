"""Items of a DynamoDB table in the order of their keys, so that a read looks at what it is about.

Stock moto sorts the whole table for each query, and looks at every item of it.
"""

import copy
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from localcloud.aws.repair import repair


def _value(key: DynamoType) -> Any:
    return key.cast_value


class Partition(dict[DynamoType, Item]):
    """The items of one partition key by their sort keys; `order` holds those in order."""

    __slots__ = ("order",)

    def __init__(self) -> None:
        super().__init__()
        self.order: list[DynamoType] = []

    def __setitem__(self, key: DynamoType, item: Item) -> None:
        if key not in self:
            insort(self.order, key, key=_value)
        super().__setitem__(key, item)

    def __delitem__(self, key: DynamoType) -> None:
        super().__delitem__(key)
        del self.order[bisect_left(self.order, _value(key), key=_value)]

    def pop(self, key: DynamoType, *default: Any) -> Any:
        """As a dict's."""
        if key not in self:
            return super().pop(key, *default)
        item = self[key]
        del self[key]
        return item

    def __reduce__(self) -> Any:
        return Partition, (), None, None, iter(self.items())

    def begins(self, prefix: str) -> tuple[int, int]:
        """Where in `order` the sort keys lie that begin so."""

        def cut(key: DynamoType) -> str:
            return str(key.cast_value)[: len(prefix)]

        return bisect_left(self.order, prefix, key=cut), bisect_right(self.order, prefix, key=cut)

    def within(self, comparison: str | None, values: list[Any]) -> tuple[int, int]:
        """Where in `order` the sort keys lie that fulfil a key condition."""
        if comparison == "BEGINS_WITH":
            return self.begins(values[0])
        left = [bisect_left(self.order, value, key=_value) for value in values]
        right = [bisect_right(self.order, value, key=_value) for value in values]
        match comparison:
            case "=":
                return left[0], right[0]
            case "BETWEEN":
                return left[0], right[1]
            case "<":
                return 0, left[0]
            case "<=":
                return 0, right[0]
            case ">":
                return right[0], len(self.order)
            case ">=":
                return left[0], len(self.order)
        return 0, len(self.order)

    def part(self, first: int, last: int) -> "Partition":
        """The items at these places of `order`, as a partition."""
        part = Partition()
        part.order = self.order[first:last]
        for key in part.order:
            dict.__setitem__(part, key, self[key])
        return part


@repair(Table, "__init__")
def init(  # noqa: PLR0917 - moto's parameters
    self: Table,
    table_name: str,
    account_id: str,
    region: str,
    schema: list[dict[str, Any]],
    attr: list[dict[str, str]],
    throughput: dict[str, int] | None = None,
    billing_mode: str | None = None,
    indexes: list[dict[str, Any]] | None = None,
    global_indexes: list[dict[str, Any]] | None = None,
    streams: dict[str, Any] | None = None,
    sse_specification: dict[str, Any] | None = None,
    tags: list[dict[str, str]] | None = None,
    deletion_protection_enabled: bool | None = False,
    warm_throughput: dict[str, Any] | None = None,
) -> None:
    """A table with sort keys keeps them in order."""
    init.stock(  # type: ignore[attr-defined]
        self,
        table_name,
        account_id,
        region,
        schema,
        attr,
        throughput,
        billing_mode,
        indexes,
        global_indexes,
        streams,
        sse_specification,
        tags,
        deletion_protection_enabled,
        warm_throughput,
    )
    if self.has_range_key:
        self.items = defaultdict(Partition)


@repair(Table, "all_items")
def all_items(self: Table) -> list[Item]:
    """By partition and sort key; stock moto compares every item with others."""
    ordered = sorted(self.items.items(), key=lambda pair: _value(pair[0]))
    if not self.has_range_key:
        return [item for _, item in ordered]
    return [items[key] for _, items in ordered for key in items.order]


@repair(Table, "query")
def query(  # noqa: PLR0917 - moto's parameters
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
    """Looks at the wanted part of one partition only."""
    table = self
    if not index_name and self.has_range_key and hash_key is not None:
        start = (exclusive_start_key or {}).get(self.range_key_attr)
        most = None if filter_kwargs else limit
        table = copy.copy(self)
        items = self.items.get(hash_key, Partition())
        if all(each.type == self.range_key_type for each in range_objs):
            items = _wanted(items, range_comparison, range_objs, start, scan_index_forward, most)
        table.items = {hash_key: items}
    found: tuple[list[Item], int, dict[str, Any] | None] = query.stock(  # type: ignore[attr-defined]
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
    return found


def _wanted(
    items: Partition,
    comparison: str | None,
    values: list[DynamoType],
    start: dict[str, Any] | None,
    forward: bool,
    most: int | None,
) -> Partition:
    """Items within the condition and after `start`, and one more: by it moto sees that there is one."""
    first, last = items.within(comparison, [_value(each) for each in values])
    backward = forward is False
    if start:
        after = _value(DynamoType(start))
        if backward:
            last = min(last, bisect_left(items.order, after, key=_value))
        else:
            first = max(first, bisect_right(items.order, after, key=_value))
    if first >= last:
        return Partition()
    if backward:
        return items.part(max(first - 1 if most is None else max(first, last - most) - 1, 0), last)
    return items.part(first, (last if most is None else min(last, first + most)) + 1)

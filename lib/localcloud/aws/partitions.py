"""Items of a DynamoDB table in the order of their keys, so that a read looks at what it is about.

Stock moto sorts the whole table for each query, and looks at every item of it.
"""

import copy
from bisect import bisect_left, bisect_right
from collections import defaultdict
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from localcloud.aws.repair import repair


class Partition(dict[DynamoType, Item]):
    """The items of one partition key by sort key; `sorts` are the sort keys' values in order, and
    `rows` the items in the same order."""

    __slots__ = ("rows", "sorts")

    def __init__(self) -> None:
        super().__init__()
        self.sorts: list[Any] = []
        self.rows: list[Item] = []

    def __setitem__(self, key: DynamoType, item: Item) -> None:
        value = key.cast_value
        place = bisect_left(self.sorts, value)
        if key in self:
            self.rows[place] = item
        else:
            self.sorts.insert(place, value)
            self.rows.insert(place, item)
        super().__setitem__(key, item)

    def __delitem__(self, key: DynamoType) -> None:
        super().__delitem__(key)
        place = bisect_left(self.sorts, key.cast_value)
        del self.sorts[place], self.rows[place]

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
        """Which of `rows` have a sort key that begins so: from the first to before the second."""

        def cut(value: str) -> str:
            return value[: len(prefix)]

        return bisect_left(self.sorts, prefix, key=cut), bisect_right(self.sorts, prefix, key=cut)

    def within(self, comparison: str | None, values: list[Any]) -> tuple[int, int]:
        """Which of `rows` fulfil a key condition, as `begins` answers."""
        if comparison == "BEGINS_WITH":
            return self.begins(values[0])
        left = [bisect_left(self.sorts, value) for value in values]
        right = [bisect_right(self.sorts, value) for value in values]
        if comparison in ("=", "BETWEEN"):
            return left[0], right[-1]
        first = {">": right, ">=": left}.get(comparison or "", [0])[0]
        last = {"<": left, "<=": right}.get(comparison or "", [len(self.sorts)])[0]
        return first, last

    def part(self, first: int, last: int) -> "Partition":
        """Some of `rows`, as a partition."""
        part = Partition()
        part.sorts, part.rows = self.sorts[first:last], self.rows[first:last]
        for item in part.rows:
            dict.__setitem__(part, item.range_key, item)
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
    ordered = sorted(self.items.items(), key=lambda pair: pair[0].cast_value)
    if not self.has_range_key:
        return [item for _, item in ordered]
    return [item for _, items in ordered for item in items.rows]


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
        table = copy.copy(self)
        items = self.items.get(hash_key, Partition())
        if all(each.type == self.range_key_type for each in range_objs):
            first, last = items.within(range_comparison, [each.cast_value for each in range_objs])
            start = (exclusive_start_key or {}).get(self.range_key_attr)
            first, last = _behind(items, start, scan_index_forward, first, last)
            most = None if filter_kwargs else limit
            items = items.part(*_and_one_more(first, last, most, scan_index_forward))
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


def _behind(
    items: Partition, start: dict[str, Any] | None, forward: bool, first: int, last: int
) -> tuple[int, int]:
    """The places from `first` to `last` that come after the sort key `start`."""
    if not start:
        return first, last
    after = DynamoType(start).cast_value
    if forward is False:
        return first, min(last, bisect_left(items.sorts, after))
    return max(first, bisect_right(items.sorts, after)), last


def _and_one_more(first: int, last: int, most: int | None, forward: bool) -> tuple[int, int]:
    """At most `most` places, and one behind them: moto sees by it that there is more."""
    if first >= last:
        return 0, 0
    if forward is False:
        return max((first if most is None else max(first, last - most)) - 1, 0), last
    return first, (last if most is None else min(last, first + most)) + 1

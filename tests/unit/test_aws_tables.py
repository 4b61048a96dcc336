"""Local AWS's tables: what a read finds, page by page, and that reading leaves nothing behind."""

import copy
import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table
from moto.s3.models import FakeKey

from localcloud.aws import instances, partitions  # noqa: F401 - repairs

TEXTS = st.text(alphabet="ab#\U0010ffff", max_size=4).filter(bool)


def _table() -> Table:
    schema = [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    names = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    return Table("table", "123456789012", "us-east-1", schema, names)


def _fill(table: Table, sorts: Iterator[str] | list[str], pk: str = "one") -> None:
    for sort in sorts:
        table.put_item({"pk": {"S": pk}, "sk": {"S": sort}, "body": {"S": "x" * 20}})


def _query(table: Table, comparison: str | None, values: list[str], **more: Any) -> Any:
    asked = {"limit": None, "exclusive_start_key": None, "scan_index_forward": True, **more}
    objects = [DynamoType({"S": value}) for value in values]
    return table.query(
        DynamoType({"S": "one"}), comparison, objects, projection_expressions=None, **asked
    )


def _sorts(items: list[Item]) -> list[str]:
    return [item.range_key.value for item in items]


CONDITIONS: dict[str | None, Callable[..., bool]] = {
    None: lambda _key: True,
    "=": lambda key, a: key == a,
    "<": lambda key, a: key < a,
    "<=": lambda key, a: key <= a,
    ">": lambda key, a: key > a,
    ">=": lambda key, a: key >= a,
    "BETWEEN": lambda key, a, b: a <= key <= b,
    "BEGINS_WITH": lambda key, a: key.startswith(a),
}
TAKES = {None: 0, "BETWEEN": 2}


@pytest.mark.parametrize("comparison", CONDITIONS)
@given(
    sorts=st.sets(TEXTS, max_size=12),
    gone=st.sets(TEXTS, max_size=6),
    bounds=st.tuples(TEXTS, TEXTS),
    limit=st.none() | st.integers(1, 5),
    forward=st.booleans(),
)
def test_a_query_finds_what_fits_in_order_page_by_page(  # noqa: PLR0917
    comparison: str | None,
    sorts: set[str],
    gone: set[str],
    bounds: tuple[str, str],
    limit: int | None,
    forward: bool,
) -> None:
    table = _table()
    _fill(table, list(sorts | gone))
    _fill(table, ["elsewhere"], pk="two")
    for sort in gone - sorts:
        table.delete_item(DynamoType({"S": "one"}), DynamoType({"S": sort}))
    values = list(bounds[: TAKES.get(comparison, 1)])
    expected = sorted(sort for sort in sorts if CONDITIONS[comparison](sort, *values))
    found: list[str] = []
    start = None
    while True:
        items, _, last = _query(
            table,
            comparison,
            values,
            limit=limit,
            scan_index_forward=forward,
            exclusive_start_key=start,
        )
        assert limit is None or len(items) <= limit
        found += _sorts(items)
        if last is None:
            break
        start = {name: {"S": key.value} for name, key in last.items()}
    assert found == (expected if forward else expected[::-1])


@given(st.lists(st.tuples(st.booleans(), TEXTS), max_size=30))
def test_the_order_of_a_partition_is_that_of_its_items(changes: list[tuple[bool, str]]) -> None:
    table = _table()
    for kept, sort in changes:
        if kept:
            _fill(table, [sort])
        else:
            table.delete_item(DynamoType({"S": "one"}), DynamoType({"S": sort}))
    (items,) = table.items.values() or (partitions.Partition(),)
    for each in (items, copy.deepcopy(items)):
        assert each.sorts == _sorts(each.rows) == sorted(key.value for key in each)
        assert {id(row) for row in each.rows} == {id(item) for item in each.values()}
    assert _sorts(table.all_items()) == sorted(key.value for key in items)


def test_numbers_are_ordered_as_numbers() -> None:
    schema = [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    names = [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "N"},
    ]
    table = Table("numbers", "123456789012", "us-east-1", schema, names)
    for number in ("10", "9", "-1.5", "1e2"):
        table.put_item({"pk": {"S": "one"}, "sk": {"N": number}})
    found, _, _ = table.query(
        DynamoType({"S": "one"}), ">", [DynamoType({"N": "8"})], 10, None, False, None
    )
    assert _sorts(found) == ["1e2", "10", "9"]


def _living(kind: type) -> int:
    gc.collect()
    return sum(isinstance(each, kind) for each in gc.get_objects())


def test_reading_leaves_nothing_behind() -> None:
    before = _living(Item)
    backend = DynamoDBBackend("us-east-1", "123456789012")
    table = backend.tables["table"] = _table()
    _fill(table, [f"{number:03}" for number in range(100)])
    for _ in range(3):
        _query(table, "BEGINS_WITH", ["0"])
        table.scan({}, None, None)
        table.scan({}, None, None, projection_expression=[["body"]])
        key = {"pk": {"S": "one"}, "sk": {"S": "001"}}
        backend.update_item("table", key, "SET body = :t", {}, {":t": {"S": "y"}})
    assert _living(Item) - before == 100
    for sort in range(100):
        table.delete_item(DynamoType({"S": "one"}), DynamoType({"S": f"{sort:03}"}))
    assert _living(Item) == before


def test_a_replaced_s3_object_closes_its_file_without_a_word() -> None:
    gone = FakeKey("name", b"value", "123456789012", "us-east-1")
    value = gone._value_buffer
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        del gone
        gc.collect()
    assert value.closed
    assert [each for each in said if each.category is ResourceWarning] == []

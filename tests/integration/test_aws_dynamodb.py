"""DynamoDB repairs, each shown through boto3."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.integration.aws_fixtures import LocalAws, aws  # noqa: F401

Key = dict[str, dict[str, str]]


@pytest.fixture
def table(aws: LocalAws) -> Iterator["Table"]:  # noqa: F811
    yield Table(aws)


class Table:
    """The stack's table, with keys that no other test uses."""

    def __init__(self, aws: LocalAws) -> None:  # noqa: F811
        self.client = aws.client("dynamodb")
        self.name = aws.config.table_name
        self.prefix = uuid4().hex

    def key(self, sort: str = "item") -> Key:
        return {"pk": {"S": f"TEST#{self.prefix}"}, "sk": {"S": sort}}

    def put(self, sort: str = "item", **numbers: int) -> None:
        values = {name: {"N": str(value)} for name, value in numbers.items()}
        self.client.put_item(TableName=self.name, Item={**self.key(sort), **values})

    def get(self, sort: str = "item") -> dict[str, Any]:
        answer = self.client.get_item(TableName=self.name, Key=self.key(sort), ConsistentRead=True)
        item: dict[str, Any] = answer.get("Item", {})
        return item

    def number(self, name: str, sort: str = "item") -> int:
        return int(self.get(sort)[name]["N"])

    def spend(self, amount: int = 1) -> dict[str, Any]:
        return {
            "TableName": self.name,
            "Key": self.key(),
            "UpdateExpression": "SET remaining = remaining - :n ADD spent :n",
            "ConditionExpression": "remaining >= :n",
            "ExpressionAttributeValues": {":n": {"N": str(amount)}},
        }


def in_threads(count: int, work: Callable[[int], bool]) -> int:
    """How many of `count` calls, all at once, returned true."""
    with ThreadPoolExecutor(50) as pool:
        return sum(pool.map(work, range(count)))


def refused_with(code: str, call: Callable[[], Any]) -> bool:
    """False when the call is refused with `code`, true when it succeeds."""
    try:
        call()
    except ClientError as error:
        assert error.response["Error"]["Code"] == code
        return False
    return True


def test_conditional_updates_never_overspend(table: Table) -> None:
    table.put(remaining=100, spent=0)
    code = "ConditionalCheckFailedException"
    succeeded = in_threads(
        250, lambda _: refused_with(code, lambda: table.client.update_item(**table.spend()))
    )
    assert (succeeded, table.number("remaining"), table.number("spent")) == (100, 0, 100)


def test_concurrent_transactions_are_exact(table: Table) -> None:
    table.put(remaining=60, spent=0)

    def reserve(index: int) -> bool:
        put = {"TableName": table.name, "Item": {**table.key(f"reservation#{index:03}")}}
        items = [{"Update": table.spend()}, {"Put": put}]
        return refused_with(
            "TransactionCanceledException",
            lambda: table.client.transact_write_items(TransactItems=items),
        )

    assert in_threads(150, reserve) == 60
    rows = table.client.query(
        TableName=table.name,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": table.key()["pk"], ":sk": {"S": "reservation#"}},
    )["Count"]
    assert (rows, table.number("remaining"), table.number("spent")) == (60, 0, 60)


def test_a_failing_transaction_leaves_other_writers_alone(table: Table) -> None:
    """Stock moto restores a copy of the whole table and so loses concurrent writes."""
    table.put("budget", remaining=0)
    table.put(total=0)
    add = {
        "TableName": table.name,
        "Key": table.key(),
        "UpdateExpression": "ADD #total :one",
        "ExpressionAttributeNames": {"#total": "total"},
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    failing = {
        "TableName": table.name,
        "Key": table.key("budget"),
        "ConditionExpression": "remaining > :zero",
        "ExpressionAttributeValues": {":zero": {"N": "0"}},
    }
    stray = {"TableName": table.name, "Item": table.key("stray")}

    def work(index: int) -> bool:
        if index % 2:
            table.client.update_item(**add)
            return True
        items = [{"Put": stray}, {"ConditionCheck": failing}]
        return refused_with(
            "TransactionCanceledException",
            lambda: table.client.transact_write_items(TransactItems=items),
        )

    assert in_threads(200, work) == 100
    assert table.number("total") == 100
    assert table.get("stray") == {}

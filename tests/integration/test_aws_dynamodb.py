"""DynamoDB repairs, each shown through boto3."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.integration.aws_fixtures import LocalAws, aws  # noqa: F401

Key = dict[str, dict[str, str]]


class Table:
    """The stack's table, with keys that no other test uses."""

    def __init__(self, client: Any, name: str) -> None:
        self.client, self.name = client, name
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


@pytest.fixture(scope="module")
def client(aws: LocalAws) -> Any:  # noqa: F811
    return aws.client("dynamodb")


@pytest.fixture
def table(aws: LocalAws, client: Any) -> Table:  # noqa: F811
    return Table(client, aws.config.table_name)


def in_threads(count: int, work: Callable[[int], bool]) -> int:
    """How many of `count` calls, all at once, returned true."""
    with ThreadPoolExecutor(50) as pool:
        return sum(pool.map(work, range(count)))


def refused_with(code: str, call: Callable[[], Any]) -> bool:
    """False when the call is refused with `code`, true when it succeeds."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
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


def cancelled(table: Table, items: list[dict[str, Any]], **options: str) -> list[dict[str, Any]]:
    """The cancellation reasons of a transaction that must fail."""
    with pytest.raises(table.client.exceptions.TransactionCanceledException) as refused:
        table.client.transact_write_items(TransactItems=items, **options)
    reasons: list[dict[str, Any]] = refused.value.response["CancellationReasons"]
    return reasons


def test_cancellation_reasons_name_each_item_and_show_the_old_one(table: Table) -> None:
    table.put(remaining=3)
    show = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    absent = {"ConditionExpression": "attribute_not_exists(pk)"}
    reasons = cancelled(
        table,
        [
            {"Put": {"TableName": table.name, "Item": table.key("new"), **absent}},
            {"Update": {**table.spend(5), **show}},
            {"Delete": {"TableName": table.name, "Key": table.key("none")}},
        ],
    )
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed", "None"]
    assert reasons[1]["Message"] == "The conditional request failed"
    assert reasons[1]["Item"]["remaining"] == {"N": "3"}
    assert (table.get("new"), table.number("remaining")) == ({}, 3)


def test_a_conditional_failure_shows_the_old_item_when_asked(table: Table) -> None:
    table.put(remaining=3)
    with pytest.raises(table.client.exceptions.ConditionalCheckFailedException) as refused:
        table.client.update_item(**table.spend(5), ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert refused.value.response["Item"]["remaining"] == {"N": "3"}


def test_a_late_failure_undoes_the_whole_transaction(table: Table) -> None:
    """All conditions hold, but the third operation adds a number to a string."""
    table.put(remaining=3)
    table.client.put_item(TableName=table.name, Item={**table.key("text"), "n": {"S": "three"}})
    add = {
        "TableName": table.name,
        "Key": table.key("text"),
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    reasons = cancelled(
        table,
        [
            {"Put": {"TableName": table.name, "Item": table.key("new")}},
            {"Update": table.spend(2)},
            {"Update": add},
        ],
    )
    assert [reason["Code"] for reason in reasons] == ["None", "None", "ValidationError"]
    assert (table.get("new"), table.number("remaining")) == ({}, 3)
    assert "spent" not in table.get()


def test_a_failing_update_changes_nothing(table: Table) -> None:
    """Stock moto keeps what it did before the failure."""
    item = {**table.key(), "remaining": {"N": "3"}, "label": {"S": "three"}}
    table.client.put_item(TableName=table.name, Item=item)
    with pytest.raises(ClientError) as refused:
        table.client.update_item(
            TableName=table.name,
            Key=table.key(),
            UpdateExpression="SET remaining = :zero ADD label :one",
            ExpressionAttributeValues={":zero": {"N": "0"}, ":one": {"N": "1"}},
        )
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert table.get() == item


def test_a_repeated_client_token_writes_once(table: Table) -> None:
    table.put(remaining=5)
    once = {"TransactItems": [{"Update": table.spend()}], "ClientRequestToken": uuid4().hex}
    for _ in range(3):
        table.client.transact_write_items(**once)
    assert table.number("remaining") == 4
    other = {**once, "TransactItems": [{"Update": table.spend(2)}]}
    with pytest.raises(table.client.exceptions.IdempotentParameterMismatchException):
        table.client.transact_write_items(**other)
    assert table.number("remaining") == 4


def test_a_token_of_a_cancelled_transaction_may_try_again(table: Table) -> None:
    table.put(remaining=0)
    token = {"ClientRequestToken": uuid4().hex}
    items = [{"Update": table.spend()}]
    cancelled(table, items, **token)
    table.put(remaining=1)
    table.client.transact_write_items(TransactItems=items, **token)
    assert table.number("remaining") == 0


@pytest.mark.parametrize(
    "items",
    [
        pytest.param(["same", "same"], id="the same item twice"),
        pytest.param([str(index) for index in range(101)], id="more than a hundred"),
    ],
)
def test_impossible_transactions_are_refused_whole(table: Table, items: list[str]) -> None:
    puts = [{"Put": {"TableName": table.name, "Item": table.key(sort)}} for sort in items]
    assert not refused_with(
        "ValidationException", lambda: table.client.transact_write_items(TransactItems=puts)
    )
    assert table.get(items[0]) == {}


def test_expired_items_stay_until_they_are_deleted(table: Table) -> None:
    table.put(ttl=int(time.time()) - 3600)
    assert table.number("ttl") < time.time()


def test_every_type_survives(table: Table) -> None:
    """Answers bypass moto's serializer: what was stored is what is read, in each kind of read."""
    item = {
        **table.key(),
        "gsi1pk": {"S": table.prefix},
        "gsi1sk": {"S": "x"},
        "binary": {"B": b"\x00\xff"},
        "binaries": {"BS": [b"a", b"b"]},
        "number": {"N": "12345678901234567890.123"},
        "numbers": {"NS": ["1", "2"]},
        "strings": {"SS": ["a", "b"]},
        "nothing": {"NULL": True},
        "truth": {"BOOL": False},
        "list": {"L": [{"S": "ü"}, {"M": {"deep": {"B": b"x"}}}]},
        "map": {"M": {"empty": {"L": []}, "text": {"S": ""}}},
    }
    client, name = table.client, table.name
    client.put_item(TableName=name, Item=item)
    key = table.key()
    where = {"ExpressionAttributeValues": {":k": key["pk"]}, "KeyConditionExpression": "pk = :k"}
    by_index = {
        "IndexName": "GSI1",
        "ExpressionAttributeValues": {":k": item["gsi1pk"]},
        "KeyConditionExpression": "gsi1pk = :k",
    }
    batch = {name: {"Keys": [key]}}
    get = {"Get": {"TableName": name, "Key": key}}
    update = {"UpdateExpression": "REMOVE nosuchthing", "ReturnValues": "ALL_NEW"}
    assert client.get_item(TableName=name, Key=key)["Item"] == item
    assert client.query(TableName=name, **where)["Items"] == [item]
    assert client.query(TableName=name, **by_index)["Items"] == [item]
    assert client.batch_get_item(RequestItems=batch)["Responses"][name] == [item]
    assert client.transact_get_items(TransactItems=[get])["Responses"] == [{"Item": item}]
    assert client.update_item(TableName=name, Key=key, **update)["Attributes"] == item
    assert client.delete_item(TableName=name, Key=key, ReturnValues="ALL_OLD")["Attributes"] == item


def test_queries_page_forwards_and_backwards(table: Table) -> None:
    for index in range(7):
        table.put(f"row#{index}", n=index)
    where: dict[str, Any] = {
        "TableName": table.name,
        "KeyConditionExpression": "pk = :pk AND begins_with(sk, :row)",
        "ExpressionAttributeValues": {":pk": table.key()["pk"], ":row": {"S": "row#"}},
        "Limit": 3,
    }
    for forward, expected in ((True, list(range(7))), (False, list(range(6, -1, -1)))):
        read: list[int] = []
        page: dict[str, Any] = {"ScanIndexForward": forward}
        while True:
            answer = table.client.query(**where, **page)
            read += [int(item["n"]["N"]) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                break
            page["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        assert read == expected

"""`POST /_local/items`: a table's items for the console, straight from memory.

A scan would copy the whole table into answers of 1 MB each; this finds the newest few of many, says
how many there are, and adds up.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from moto.dynamodb.exceptions import ResourceNotFoundException
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from localcloud.aws.connections import Answer
from localcloud.aws.dynamodb import as_json
from localcloud.aws.partitions import Partition
from localcloud.aws.routing import LOCKS

MOST = 1000
Position = tuple[str, str, str]


@dataclass(frozen=True)
class Question:
    """Which items, in which order, and what to say of all that fit.

    `pk` is the whole partition key, or with `many` its beginning; `sk` is the beginning of the sort
    key. `by` names the text that orders them (empty: the sort key); those without it count as "".
    `find` has to be in the rest of a partition key or in one of the texts `among`, letters of any
    case; the text `by` has to be greater than `above`. `sums` names whole numbers to add up.
    `after` is the `after` of an answer.
    """

    table: str
    pk: str
    many: bool = False
    sk: str = ""
    by: str = ""
    descending: bool = True
    limit: int = 100
    after: str = ""
    above: str = ""
    find: str = ""
    among: tuple[str, ...] = ()
    sums: tuple[str, ...] = ()


def answer(body: bytes, account_id: str, region: str) -> Answer:
    """The answer to a Question, or to `{"table", "keys": [[pk, sk], …]}`, as JSON.

    `{"Items"}` in DynamoDB's form; for a Question also `total`, `sums`, and `after`, from which the
    next page goes on (null on the last one).
    """
    try:
        asked = json.loads(body)
        with LOCKS.of("dynamodb"):
            table = dynamodb_backends[account_id][region].get_table(str(asked["table"]))
            if "keys" in asked:
                found: dict[str, Any] = {"Items": _of_keys(table, asked["keys"])}
            else:
                found = _found(table, Question(**asked))
            text = as_json(found)
    except ResourceNotFoundException:
        return _answer(404, json.dumps({"message": "The table does not exist."}))
    except (AttributeError, TypeError, ValueError, KeyError):
        return _answer(400, json.dumps({"message": "This is no question about a table."}))
    return _answer(200, text)


def _answer(status: int, text: str) -> Answer:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Answer(status, headers, text.encode())


def _of_keys(table: Table, keys: list[list[str]]) -> list[Any]:
    """The items with these keys that exist."""
    types = ([DynamoType({"S": part}) for part in key] for key in keys[:MOST])
    found = (table.items.get(pk, {}).get(sk) for pk, sk in types)
    return [_shown(item) for item in found if item is not None]


def _found(table: Table, question: Question) -> dict[str, Any]:
    wanted = question.find.casefold()
    fitting = [
        (_position(item, question.by), item)
        for item in _candidates(table, question)
        if (not wanted or _holds(item, question, wanted))
        and (not question.above or _text(item, question.by) > question.above)
    ]
    fitting.sort(key=lambda pair: pair[0], reverse=question.descending)
    first = _first(fitting, question) if question.after else 0
    last = first + min(max(question.limit, 1), MOST)
    page = fitting[first:last]
    return {
        "Items": [_shown(item) for _, item in page],
        "total": len(fitting),
        "sums": {name: sum(_numbers(fitting, name)) for name in question.sums},
        "after": _cursor(page[-1][0]) if len(fitting) > last else None,
    }


def _candidates(table: Table, question: Question) -> Iterator[Item]:
    if question.many:
        pairs = table.items.items()
        partitions = [items for pk, items in pairs if pk.value.startswith(question.pk)]
    else:
        partitions = [table.items.get(DynamoType({"S": question.pk}), Partition())]
    for items in partitions:
        first, last = items.begins(question.sk)
        yield from items.rows[first:last]


def _position(item: Item, by: str) -> Position:
    return (_text(item, by) if by else "", item.hash_key.value, item.range_key.value)


def _first(fitting: list[tuple[Position, Item]], question: Question) -> int:
    """Where a page begins: behind the position `after`, whether or not its item still exists."""
    after = tuple(json.loads(base64.urlsafe_b64decode(question.after)))
    if question.descending:
        return sum(position >= after for position, _ in fitting)
    return sum(position <= after for position, _ in fitting)


def _cursor(position: Position) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def _holds(item: Item, question: Question, wanted: str) -> bool:
    texts = [item.hash_key.value.removeprefix(question.pk)]
    texts += [_text(item, name) for name in question.among]
    return wanted in " ".join(texts).casefold()


def _text(item: Item, name: str) -> str:
    value = item.attrs.get(name)
    return value.value if value is not None and value.type == "S" else ""


def _numbers(fitting: list[tuple[Position, Item]], name: str) -> Iterator[int]:
    values = (item.attrs.get(name) for _, item in fitting)
    return (int(value.value) for value in values if value is not None and value.type == "N")


def _shown(item: Item) -> Any:
    return item.to_json()["Attributes"]

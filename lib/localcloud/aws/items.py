"""`POST /_local/items`: a table's items for the console, straight from memory.

A scan would copy the whole table into answers of 1 MB each; this finds the newest few of many, says
how many there are, and adds up.
"""

import base64
import json
from collections.abc import Iterable, Iterator
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
Place = tuple[str, str, str]


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
    return [item.to_json()["Attributes"] for item in found if item is not None]


def _found(table: Table, question: Question) -> dict[str, Any]:
    items = _fitting(table, question)
    places = _places(items, question.by)
    order = sorted(range(len(items)), key=places.__getitem__, reverse=question.descending)
    first = _first(places, question) if question.after else 0
    last = first + min(max(question.limit, 1), MOST)
    page = order[first:last]
    return {
        "Items": [items[number].to_json()["Attributes"] for number in page],
        "total": len(items),
        "sums": {name: _sum(items, name) for name in question.sums},
        "after": _cursor(places[page[-1]]) if len(items) > last else None,
    }


def _fitting(table: Table, question: Question) -> list[Item]:
    items: Iterable[Item] = _candidates(table, question)
    if question.find:
        wanted = question.find.casefold()
        items = (item for item in items if _holds(item, question, wanted))
    if question.above:
        items = (item for item in items if _text(item, question.by) > question.above)
    return list(items)


def _candidates(table: Table, question: Question) -> Iterator[Item]:
    if question.many:
        pairs = table.items.items()
        partitions = [items for pk, items in pairs if pk.value.startswith(question.pk)]
    else:
        partitions = [table.items.get(DynamoType({"S": question.pk}), Partition())]
    for items in partitions:
        first, last = items.begins(question.sk)
        yield from items.rows[first:last]


def _places(items: list[Item], by: str) -> list[Place]:
    """What each item is ordered by: first a text, then its keys."""
    return [
        (_text(item, by) if by else "", item.hash_key.value, item.range_key.value) for item in items
    ]


def _first(places: list[Place], question: Question) -> int:
    """Where a page begins: behind the place `after`, whether or not its item still exists."""
    after = tuple(json.loads(base64.urlsafe_b64decode(question.after)))
    if question.descending:
        return sum(place >= after for place in places)
    return sum(place <= after for place in places)


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _holds(item: Item, question: Question, wanted: str) -> bool:
    texts = [item.hash_key.value.removeprefix(question.pk)]
    texts += [_text(item, name) for name in question.among]
    return wanted in " ".join(texts).casefold()


def _text(item: Item, name: str) -> str:
    value = item.attrs.get(name)
    return value.value if value is not None and value.type == "S" else ""


def _sum(items: list[Item], name: str) -> int:
    values = [item.attrs.get(name) for item in items]
    return sum([int(value.value) for value in values if value is not None and value.type == "N"])

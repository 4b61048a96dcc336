"""The part of CloudWatch Logs Insights' query language that our runbook uses.

Source: CloudWatch Logs user guide, "CloudWatch Logs Insights query syntax". A word that is not
known here is an error, so that a query of the runbook cannot pass unread.
"""

import re
from collections.abc import Callable
from typing import Any

Row = dict[str, Any]
_COMPARISON = re.compile(r'([\w@]+) (=|!=|>=|<=|>|<) (?:"([^"]*)"|(-?\d+))')
_PRESENT = re.compile(r"ispresent\(([\w@]+)\)")
_AGGREGATE = re.compile(r"(count|sum|avg|max)\((\*|[\w@]+)\) as (\w+)")


def run(query: str, lines: list[Row]) -> list[Row]:
    """The rows that a query finds among structured log lines.

    Raises:
        ValueError: the query has a word that is not known here.
    """
    rows = lines
    for command in re.split(r"\s*\|\s*", query.strip()):
        name, _, rest = command.partition(" ")
        if name not in _COMMANDS:
            raise ValueError(f"unknown command {name}")
        rows = _COMMANDS[name](rest, rows)
    return rows


def _fields(rest: str, rows: list[Row]) -> list[Row]:
    return [dict(row) for row in rows if rest]


def _filter(rest: str, rows: list[Row]) -> list[Row]:
    """`and` binds closer than `or`."""
    ways = [[_test(term) for term in way.split(" and ")] for way in rest.split(" or ")]
    return [row for row in rows if any(all(test(row) for test in way) for way in ways)]


def _test(term: str) -> Callable[[Row], bool]:
    if present := _PRESENT.fullmatch(term.strip()):
        return lambda row: row.get(present[1]) is not None
    found = _COMPARISON.fullmatch(term.strip())
    if found is None:
        raise ValueError(f"unknown condition {term}")
    name, sign, text, number = found.groups()
    wanted: Any = int(number) if number is not None else text
    compare: dict[str, Callable[[Any], bool]] = {
        "=": lambda value: value == wanted,
        "!=": lambda value: value != wanted,
        ">=": lambda value: value >= wanted,
        "<=": lambda value: value <= wanted,
        ">": lambda value: value > wanted,
        "<": lambda value: value < wanted,
    }
    return lambda row: row.get(name) is not None and compare[sign](row[name])


def _stats(rest: str, rows: list[Row]) -> list[Row]:
    wanted, _, by = rest.partition(" by ")
    names = [name.strip() for name in by.split(",") if name.strip()]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(name) for name in names), []).append(row)
    found = []
    for key, members in groups.items():
        result: Row = dict(zip(names, key, strict=True))
        for part in wanted.split(", "):
            aggregate = _AGGREGATE.fullmatch(part.strip())
            if aggregate is None:
                raise ValueError(f"unknown aggregate {part}")
            function, name, alias = aggregate.groups()
            result[alias] = _aggregated(function, name, members)
        found.append(result)
    return found


def _aggregated(function: str, name: str, rows: list[Row]) -> float:
    if function == "count":
        return len(rows)
    values = [row[name] for row in rows if row.get(name) is not None]
    if function == "sum":
        return sum(values)
    return max(values, default=0) if function == "max" else sum(values) / max(len(values), 1)


def _sort(rest: str, rows: list[Row]) -> list[Row]:
    name, _, direction = rest.partition(" ")
    present = [row for row in rows if row.get(name) is not None]
    return sorted(present, key=lambda row: row[name], reverse=direction.strip() == "desc")


def _limit(rest: str, rows: list[Row]) -> list[Row]:
    return rows[: int(rest)]


_COMMANDS: dict[str, Callable[[str, list[Row]], list[Row]]] = {
    "fields": _fields,
    "filter": _filter,
    "stats": _stats,
    "sort": _sort,
    "limit": _limit,
}

"""Each question that the runbook asks the logs, asked of the log of a journey."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.config import ROOT
from localcloud.stack import Stack
from tests.e2e import insights
from tests.e2e.insights import Row
from tests.e2e.journey import Journey

RUNBOOK = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^([A-Z][^\n]*\?)[^\n]*\n\n```\n(.*?)```", RUNBOOK, re.DOTALL | re.MULTILINE)
ASKED = dict(QUERIES)


class Log:
    """What the functions of a stack wrote, as CloudWatch keeps it."""

    def __init__(self) -> None:
        self.lines: list[Row] = []

    def __call__(self, line: str) -> None:
        name, brace, rest = line.partition("{")
        try:
            row = json.loads(brace + rest)
        except ValueError:
            return
        if "level" in row:
            row |= {"@timestamp": row["timestamp"], "@log": name.strip(" |")}
            self.lines.append(row)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Log, Journey]]:
    log = Log()
    with Stack(port=0, state_dir=tmp_path_factory.mktemp("runbook"), log=log) as stack:
        journey = Journey(stack.endpoints())
        for _, step in journey.steps():
            step()
        yield log, journey


def ask(question: str, log: Log, **known: str) -> list[Row]:
    query = ASKED[question]
    for name, value in known.items():
        query = query.replace(f'{name} = "…"', f'{name} = "{value}"')
    return insights.run(query, log.lines)


def test_every_query_of_the_runbook_is_asked_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert len(QUERIES) == RUNBOOK.count("```\n") / 2 >= 6
    assert [question for question in ASKED if f'"{question}"' not in source] == []


def test_every_line_of_a_signed_in_request_says_who(told: tuple[Log, Journey]) -> None:
    log, journey = told
    admitted = {
        row["function_request_id"]
        for row in log.lines
        if row.get("route") not in (None, "GET /plans", "POST /stripe/webhook")
        and not str(row.get("route")).startswith("GET /health")
        and row.get("status") != 401
    }
    signed = [row for row in log.lines if row.get("function_request_id") in admitted]
    assert {row["@log"] for row in signed} >= {"ai-api", "billing-api", "users-api"}
    assert {row.get("user_id") for row in signed} == {journey.user_id}


def test_what_happened_to_one_request(told: tuple[Log, Journey]) -> None:
    log, journey = told
    (answered, *_) = [row for row in log.lines if row.get("code") == "subscription_required"]
    for name in ("correlation_id", "function_request_id"):
        rows = ask("What happened to one request?", log, **{name: answered[name]})
        assert {row["function_request_id"] for row in rows} == {answered["function_request_id"]}
        assert rows[-1]["user_id"] == journey.user_id


def test_what_one_user_did(told: tuple[Log, Journey]) -> None:
    log, journey = told
    routes = {
        row.get("route") for row in ask("What did one user do?", log, user_id=journey.user_id)
    }
    assert {"POST /ai/generate", "POST /stripe/checkout", "GET /subscription/status"} <= routes


def test_who_spends(told: tuple[Log, Journey]) -> None:
    log, journey = told
    rows: list[Any] = journey.rows(f"AI#{journey.user_id}", "CALL#")
    assert ask("Who spends?", log) == [
        {
            "user_id": journey.user_id,
            "calls": len(rows),
            "micro_usd": sum(row["costMicroUsd"] for row in rows),
        }
    ]


def test_who_is_refused(told: tuple[Log, Journey]) -> None:
    log, journey = told
    found = {
        (row["user_id"], row["code"]): row["times"] for row in ask("Who is refused, and why?", log)
    }
    assert found[journey.user_id, "subscription_required"] >= 1
    assert found[journey.user_id, "subscription_exists"] >= 1
    assert found[None, "authentication_required"] >= 1


def test_what_is_slow(told: tuple[Log, Journey]) -> None:
    log, _ = told
    rows = ask("What is slow?", log)
    assert rows[0]["slowest"] >= rows[-1]["slowest"] >= 0
    assert "POST /ai/generate" in {row["route"] for row in rows}


def test_nothing_of_a_journey_is_unhandled(told: tuple[Log, Journey]) -> None:
    log, _ = told
    assert ask("What do we not handle?", log) == []
    log.lines.append({"level": "ERROR", "@timestamp": "now", "exception": "KeyError"})
    assert len(ask("What do we not handle?", log)) == 1
    log.lines.pop()

"""`GET /ai/history` and `GET /ai/usage` against local AWS."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ai import bedrock, history, ledger, store
from ai.answer import Answer
from localcloud.functions import runtime
from localcloud.functions.invocation import MAX_PAYLOAD_BYTES
from saas import clock
from saas.aws_http import DYNAMODB
from saas.table import Put, table
from tests.factories import body_of
from tests.integration import domain_environment
from tests.integration.ai_stage import Caller
from tests.integration.aws_fixtures import LocalAws

ANSWER = Answer("Hello", "end_turn", 3, 5, 0, 0)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> Iterator[None]:
    domain_environment.enter(monkeypatch, aws, ALLOWED_ORIGINS="http://localhost:8000")
    monkeypatch.setattr(bedrock, "converse", lambda *_, **__: ANSWER)
    yield
    domain_environment.forget()


@pytest.fixture
def caller(aws: LocalAws) -> Caller:
    return Caller(aws)


def add_calls(
    caller: Caller, number: int, *, size: int = 10, texts: tuple[str, str] | None = None
) -> list[str]:
    """Finished calls, one a minute; returns their ids, newest first."""
    prompt, response = texts or ("p" * size, "r")
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    ids = []
    for index in range(number):
        call_id = f"00000000-0000-0000-0000-{index:012d}"
        created = clock.iso(begin + timedelta(minutes=index))
        key = store.call_key(caller.user_id, created, call_id)
        item = {
            "pk": key.pk,
            "sk": key.sk,
            "id": call_id,
            "prompt": ledger.shortened(prompt, ledger.MAX_STORED_PROMPT_BYTES),
            "response": ledger.shortened(response, ledger.MAX_STORED_RESPONSE_BYTES),
            "model": "fast",
            "inputTokens": 2,
            "outputTokens": 3,
            "createdAt": created,
        }
        table().write(Put(item))
        ids.insert(0, call_id)
    return ids


def page(caller: Caller, query: str = "") -> dict[str, Any]:
    status, body = caller.call("GET", "/ai/history", query=query)
    assert (status, body["success"]) == (200, True)
    answer: dict[str, Any] = body
    return answer


def test_nobodys_history_is_an_empty_list(caller: Caller) -> None:
    assert page(caller) == {"success": True, "data": []}


def test_a_call_as_the_frontend_knows_it(caller: Caller) -> None:
    caller.subscribe()
    _, body = caller.generate("What is a fjord?")
    (call,) = page(caller, f"userId={caller.user_id}")["data"]
    assert call == {
        "id": body["data"]["requestId"],
        "prompt": "What is a fjord?",
        "response": "Hello",
        "model": "fast",
        "tokens": 8,
        "createdAt": call["createdAt"],
        "finishReason": "stop",
    }
    assert abs(clock.parse(call["createdAt"]) - clock.now()) < timedelta(minutes=1)
    assert call["createdAt"].endswith("Z")


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ({}, None),
        ({"outcome": "max_tokens"}, "length"),
        ({"outcome": "unknown"}, None),
        ({"outcome": "estimated", "finishReason": "stop"}, "stop"),
    ],
)
def test_why_an_answer_ended_is_told_where_it_is_known(
    caller: Caller, row: dict[str, str], shown: str | None
) -> None:
    """Rows of earlier releases carry the provider's reason, or that nobody knows the end."""
    add_calls(caller, 1)
    (item,) = caller.rows()
    table().write(Put({**item, **row}))
    (call,) = page(caller)["data"]
    assert call.get("finishReason") == shown


def test_history_stays_readable_without_a_subscription(caller: Caller) -> None:
    caller.subscribe()
    caller.generate()
    caller.subscribe(stripe_status="canceled")
    assert len(page(caller)["data"]) == 1


def test_calls_in_flight_and_counters_are_no_history(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller.subscribe()
    seen: list[Any] = []

    def look(*_: Any, **__: Any) -> Answer:
        seen.append(page(caller)["data"])
        return ANSWER

    monkeypatch.setattr(bedrock, "converse", look)
    caller.generate()
    assert seen == [[]]


def test_the_newest_fifty_come_first(caller: Caller) -> None:
    ids = add_calls(caller, 52)
    first = page(caller)
    assert [call["id"] for call in first["data"]] == ids[:50]
    rest = page(caller, f"cursor={first['nextCursor']}")
    assert [call["id"] for call in rest["data"]] == ids[50:]
    assert "nextCursor" not in rest


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
def test_pages_are_complete_and_end(caller: Caller, limit: int) -> None:
    ids = add_calls(caller, 6)
    found: list[str] = []
    query = f"limit={limit}"
    for _ in range(-(-6 // limit)):
        answer = page(caller, query)
        found += [call["id"] for call in answer["data"]]
        query = f"limit={limit}&cursor={answer.get('nextCursor')}"
    assert found == ids
    assert "nextCursor" not in answer


def test_long_texts_make_shorter_pages(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = add_calls(caller, 7, size=200_000)
    monkeypatch.setattr(history, "MAX_PAGE_BYTES", 1_300_000)
    first = page(caller)
    assert len(first["data"]) == 6
    second = page(caller, f"cursor={first['nextCursor']}")
    assert [call["id"] for call in first["data"] + second["data"]] == ids
    monkeypatch.setattr(history, "MAX_PAGE_BYTES", 1)
    assert len(page(caller)["data"]) == 1


@pytest.mark.parametrize(
    "text",
    ["日本語", "🦊", "\x01", '"', "\\", "\n", "\u2028", "\x7f", "é", "plain", '日🦊\x00"\n'],
    ids=ascii,
)
def test_any_twenty_long_calls_fit_into_what_lambda_lets_through(caller: Caller, text: str) -> None:
    """Whatever is stored at full length, by the bytes that the runtime makes of it."""
    ids = add_calls(caller, 20, texts=(text * 280_000, text * 90_000))
    found: list[str] = []
    query, largest = "", 0
    while True:
        answer = caller.send("GET", "/ai/history", query=query)
        size = len(runtime._encode(answer))
        largest = max(largest, size)
        assert size <= MAX_PAYLOAD_BYTES
        body = body_of(answer)
        found += [call["id"] for call in body["data"]]
        if "nextCursor" not in body:
            break
        query = f"cursor={body['nextCursor']}"
    assert found == ids
    assert largest > 3_000_000, "pages are as long as they may be"


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "garbage",
        "%F0%9F",
        "====",
        "a",
        encoded("CALL#2026-01-01T00:00:00.000Z#x"),
        encoded("2026-01-01T00:00:00.000Z#../AI#someone"),
        encoded("2026-01-01T00:00:00.000Z#00000000-0000-0000-0000-000000000000x"),
        encoded("2026-01-01T00:00:00.000Z#00000000-0000-0000-0000-000000000000\n"),
    ],
)
def test_strange_cursors_are_refused(caller: Caller, cursor: str) -> None:
    status, body = caller.call("GET", "/ai/history", query=f"cursor={cursor}")
    assert (status, body["code"]) == (400, "invalid_cursor")


def test_a_cursor_of_another_user_shows_only_ones_own(caller: Caller, aws: LocalAws) -> None:
    add_calls(caller, 3)
    cursor = page(caller, "limit=1")["nextCursor"]
    assert caller.user_id not in base64.b64decode(cursor + "==").decode()
    other = Caller(aws)
    assert page(other, f"cursor={cursor}")["data"] == []


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=ten", "limit=-1", "limit=1.5"])
def test_limits_have_limits(caller: Caller, query: str) -> None:
    status, body = caller.call("GET", "/ai/history", query=query)
    assert (status, body["code"]) == (400, "validation_failed")


def test_another_users_history_is_refused(caller: Caller) -> None:
    status, body = caller.call("GET", "/ai/history", query="userId=somebody")
    assert (status, body["code"]) == (403, "user_mismatch")


def test_a_page_is_one_query(caller: Caller) -> None:
    add_calls(caller, 3)
    page(caller)
    with domain_environment.requests_to(DYNAMODB) as sent:
        page(caller)
    assert sent == ["BatchGetItem", "Query"]


EMPTY = {
    "planId": None,
    "period": None,
    "calls": {"used": 0, "limit": 0, "left": 0},
    "tokens": {"input": 0, "output": 0, "used": 0, "limit": 0, "left": 0},
    "resetAt": None,
}


def test_usage_without_a_subscription(caller: Caller) -> None:
    assert caller.usage() == EMPTY
    caller.subscribe(stripe_status="canceled")
    assert caller.usage() == EMPTY


def test_usage_of_a_fresh_month(caller: Caller) -> None:
    entitlement = caller.subscribe()
    begin, end = entitlement.quota_window(clock.now())
    assert caller.usage() == {
        "planId": "starter",
        "period": {"start": clock.iso(begin), "end": clock.iso(end)},
        "calls": {"used": 0, "limit": 1_000, "left": 1_000},
        "tokens": {"input": 0, "output": 0, "used": 0, "limit": 5_000_000, "left": 5_000_000},
        "resetAt": clock.iso(end),
    }


def test_usage_adds_up(caller: Caller) -> None:
    caller.subscribe()
    for _ in range(3):
        caller.generate()
    usage = caller.usage()
    assert usage["calls"] == {"used": 3, "limit": 1_000, "left": 997}
    assert usage["tokens"] == {
        "input": 9,
        "output": 15,
        "used": 24,
        "limit": 5_000_000,
        "left": 5_000_000 - 24,
    }
    assert usage.keys() == {"planId", "period", "calls", "tokens", "resetAt"}


def test_nothing_is_left_below_zero(caller: Caller) -> None:
    """A smaller plan after much use."""
    caller.subscribe()
    caller.generate()
    caller.fill(callsUsed=5_000, tokensUsed=9_000_000, costMicroUsd=99_000_000)
    usage = caller.usage()
    assert (usage["calls"]["left"], usage["tokens"]["left"]) == (0, 0)

"""Odd rows of the ai domain, left by another release or an accident: the others still work."""

import io
import json
import time
from typing import Any

import pytest

from ai import reservations, store
from saas import aws_http
from saas.attributes import marshal
from saas.aws_http import DYNAMODB
from saas.observability import logger
from saas.settings import settings
from tests.integration.ai_stage import Caller, caller, provider

__all__ = ["caller", "provider"]


def _write(item: dict[str, Any], **odd: Any) -> None:
    """Past the table's own writer; `odd` is in DynamoDB's own form."""
    request = {"TableName": settings().table_name, "Item": marshal(item) | odd}
    aws_http.client(DYNAMODB).call("PutItem", request)


@pytest.mark.parametrize(
    "odd",
    [
        {"finishReason": {"S": "tool"}},
        {"finishReason": {"NULL": True}},
        {"inputTokens": {"S": "many"}, "outputTokens": {"NULL": True}},
        {"prompt": {"NULL": True}, "response": {"L": []}, "model": {"N": "1"}},
    ],
    ids=str,
)
def test_an_odd_call_does_not_hide_the_others(caller: Caller, odd: dict[str, Any]) -> None:
    caller.subscribe()
    for _ in range(2):
        assert caller.generate()[0] == 200
    _write(caller.rows()[0], **odd)
    status, body = caller.call("GET", "/ai/history")
    assert (status, len(body["data"])) == (200, 2)


@pytest.mark.parametrize(
    "odd",
    [
        {"period": {"NULL": True}},
        {"period": {"S": ""}},
        {"input_bound": {"N": "1E+120"}},
        {"cost_bound": {"L": []}},
        {"created_at": {"S": "x" * 3_000}},
        {"expiresAt": {"S": "soon"}},
        {"state": {"NULL": True}},
    ],
    ids=lambda odd: next(iter(odd)),
)
@pytest.mark.parametrize("state", ["held", "sent"])
def test_an_odd_reservation_does_not_keep_the_others_open(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any], state: str
) -> None:
    caller.subscribe()
    with monkeypatch.context() as dying:
        dying.setattr(reservations, "mark_sent", _die)
        for _ in range(2):
            with pytest.raises(SystemExit):
                caller.generate()
    caller.expire()
    first, second = caller.open_calls()
    _write({**first, "state": state}, **odd)
    assert caller.call("GET", "/ai/usage")[0] == 200
    assert second["sk"] not in {item["sk"] for item in caller.open_calls()}
    assert caller.generate()[0] == 200


def test_a_settlement_that_outlives_its_answer_is_logged_for_its_own_caller(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    real = reservations.settle

    def slow(*args: Any, **more: Any) -> bool:
        time.sleep(3)
        return real(*args, **more)

    monkeypatch.setattr(reservations, "settle", slow)
    caller.subscribe()
    body = {"prompt": "How do tides work?", "maxTokens": 5}
    answer = caller.send("POST", "/ai/generate", body, remaining_ms=3_000)
    assert answer["statusCode"] == 200
    other = Caller(caller.local)
    assert other.call("GET", "/ai/usage")[0] == 200
    deadline = time.monotonic() + 10
    while '"call settled"' not in written.getvalue():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    lines = [json.loads(text) for text in written.getvalue().splitlines()]
    (settled,) = [line for line in lines if line["message"] == "call settled"]
    (call,) = caller.stored(store.CALLS)
    assert (settled["user_id"], settled["call_id"]) == (caller.user_id, call["id"])
    own = [line["correlation_id"] for line in lines if line.get("route") == "POST /ai/generate"]
    assert [settled["correlation_id"]] == own


def _die(_: Any) -> None:
    raise SystemExit

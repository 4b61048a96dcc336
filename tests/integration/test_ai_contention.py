"""Many callers of one user at once: luck decides nothing, and the ledger is exact."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ai import bedrock, generate, ledger, reservations
from ai.answer import Answer
from saas import clock
from saas.table import Put, Update, table
from tests.factories import body_of
from tests.integration import domain_environment
from tests.integration.ai_stage import Caller, limit_calls
from tests.integration.aws_fixtures import LocalAws
from tests.integration.holding import transactions_hold_items

ANSWER = Answer("Hello", "end_turn", 3, 5, 0, 0)


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> Iterator[Caller]:
    domain_environment.enter(monkeypatch, aws, ALLOWED_ORIGINS="http://localhost:8000")
    monkeypatch.setattr(bedrock, "converse", lambda *_, **__: ANSWER)
    caller = Caller(aws)
    caller.subscribe()
    caller.usage()
    yield caller
    domain_environment.forget()


LONG: dict[str, Any] = {"model": "balanced", "maxTokens": 8_000}


@pytest.mark.parametrize(
    ("callers", "asked"), [(1, {}), (10, {}), (50, {}), (100, {}), (25, LONG)], ids=str
)
def test_all_callers_are_answered_and_charged_what_they_used(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, callers: int, asked: dict[str, Any]
) -> None:
    """While each transaction holds its items for 5 to 10 ms, as DynamoDB does.

    The longest answer that `GET /plans` promises leaves the least time for reserving.
    """
    limit_calls(monkeypatch, calls_in_flight=200)
    began = time.monotonic()
    with transactions_hold_items() as held, ThreadPoolExecutor(callers) as pool:
        answers = list(
            pool.map(lambda n: caller.generate(f"Question {n}", **asked), range(callers))
        )
    seconds = time.monotonic() - began
    attempts = held.asked["TransactWriteItems"] / (2 * callers)
    # `pytest -s` shows the figures.
    sys.stdout.write(f"{callers} callers: {seconds:.1f} s, {attempts:.1f} attempts a transaction\n")
    assert Counter(body.get("code", "") for _, body in answers) == {"": callers}
    assert {row["outcome"] for row in caller.rows()} == {"end_turn"}
    caller.assert_ledger(callers)


@pytest.mark.parametrize("limit", [1, 3])
def test_only_so_many_calls_run_at_once(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    """Twelve callers while none of the answers comes: exactly `limit` calls are let in."""
    limit_calls(monkeypatch, calls_in_flight=limit)
    refused_all, asked = threading.Event(), []

    def answer_late(*_: Any, **__: Any) -> Answer:
        asked.append(1)
        assert refused_all.wait(20)
        return ANSWER

    monkeypatch.setattr(bedrock, "converse", answer_late)
    refused: list[dict[str, Any]] = []

    def call(number: int) -> dict[str, Any]:
        answer = caller.send("POST", "/ai/generate", {"prompt": f"Question {number}"})
        if answer["statusCode"] != 200:
            refused.append(answer)
            if len(refused) == 12 - limit:
                refused_all.set()
        return answer

    with transactions_hold_items(), ThreadPoolExecutor(12) as pool:
        statuses = Counter(each["statusCode"] for each in pool.map(call, range(12)))
    assert statuses == {200: limit, 429: 12 - limit}
    assert len(asked) == limit
    for answer in refused:
        body = body_of(answer)
        assert (body["code"], body["limit"]) == ("too_many_calls", limit)
        assert int(answer["headers"]["Retry-After"]) >= 1
    caller.assert_ledger(limit)
    assert caller.generate()[0] == 200


class Killed(BaseException):
    """What no `except Exception` catches, like a process that ends."""


def crash(caller: Caller, monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    def killed(*_: Any, **__: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(module, name, killed)
        with pytest.raises(Killed):
            caller.generate("Hi", maxTokens=100)


@pytest.mark.parametrize(
    ("module", "name", "charged"),
    [(reservations, "mark_sent", 0), (bedrock, "converse", 2), (generate, "_finish", 2)],
)
def test_calls_that_died_lock_nobody_out(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, charged: int
) -> None:
    limit_calls(monkeypatch, calls_in_flight=2)
    crash(caller, monkeypatch, module, name)
    crash(caller, monkeypatch, module, name)
    assert caller.generate()[1]["code"] == "too_many_calls"
    caller.expire()
    assert caller.generate()[0] == 200
    caller.assert_ledger(charged + 1)


def test_slots_without_a_reservation_expire_too(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a release leaves them that knows no slots."""
    limit_calls(monkeypatch, calls_in_flight=2)
    assert caller.generate()[0] == 200
    key = ledger.from_item(held_by(caller, monkeypatch)).period_key
    old, fresh = clock.iso(clock.now() - ledger.LIFETIME), clock.iso(clock.now())
    left = frozenset({f"{old}#one", f"{old}#two"})
    table().write(Update(key, add={"inFlight": left}))
    assert caller.generate()[0] == 200
    assert "inFlight" not in caller.period()
    table().write(Update(key, add={"inFlight": frozenset({f"{fresh}#one", f"{fresh}#two"})}))
    assert caller.generate()[1]["code"] == "too_many_calls"


def held_by(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The reservation of a call that died, which is taken away."""
    crash(caller, monkeypatch, reservations, "mark_sent")
    (item,) = caller.open_calls()
    assert reservations.release(ledger.from_item(item))
    return item


def test_a_refused_call_gives_its_slot_back_at_once(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_calls(monkeypatch, calls_in_flight=1)

    def refuse(*_: Any, **__: Any) -> Answer:
        raise bedrock.Refused("unavailable")

    with monkeypatch.context() as patched:
        patched.setattr(bedrock, "converse", refuse)
        assert [caller.generate()[0] for _ in range(3)] == [503] * 3
    assert caller.generate()[0] == 200
    caller.assert_ledger(1)


def test_rows_of_an_earlier_release_count_for_the_month_only(caller: Caller) -> None:
    """Its periods have no set of calls in flight."""
    assert caller.generate()[0] == 200
    period = caller.period()
    assert "inFlight" not in period
    table().write(Put(period))
    assert caller.generate()[0] == 200
    caller.assert_ledger(2)

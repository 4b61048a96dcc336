"""Calls that died on the way: whatever the step, a sweep leaves exact counters, once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ai import bedrock, closing, generate, ledger, reservations
from ai.answer import Answer
from saas import clock
from saas.table import Table
from tests.factories import metrics
from tests.integration import domain_environment
from tests.integration.ai_stage import Caller, limit_calls
from tests.integration.aws_fixtures import LocalAws

BOUND = len("Hi") + generate.OVERHEAD_TOKENS + 100
ANSWER = Answer("Hello", "end_turn", 3, 5, 0, 0)


class Killed(BaseException):
    """What no `except Exception` catches, like a process that ends."""


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> Iterator[Caller]:
    domain_environment.enter(monkeypatch, aws, ALLOWED_ORIGINS="http://localhost:8000")
    monkeypatch.setattr(bedrock, "converse", lambda *_, **__: ANSWER)
    caller = Caller(aws)
    caller.subscribe()
    yield caller
    domain_environment.forget()


def killed(*_: Any, **__: Any) -> Any:
    raise Killed


def die(caller: Caller, monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """One call whose process ends instead of running `module.name`."""
    with monkeypatch.context() as patch:
        patch.setattr(module, name, killed)
        with pytest.raises(Killed):
            caller.generate("Hi", maxTokens=100)


def test_died_before_sending(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    die(caller, monkeypatch, reservations, "mark_sent")
    (item,) = caller.open_calls()
    assert item["state"] == "held"
    period = caller.period()
    assert (period["callsUsed"], period["tokensUsed"]) == (1, BOUND)
    caller.expire()
    assert caller.usage()["calls"]["used"] == 0
    caller.assert_ledger(0)


def test_died_while_the_provider_worked(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    die(caller, monkeypatch, bedrock, "converse")
    (item,) = caller.open_calls()
    assert item["state"] == "sent"
    caller.expire()
    assert caller.usage()["calls"]["used"] == 1
    (row,) = caller.rows()
    assert (row["outcome"], row["prompt"], row["response"]) == ("estimated", "Hi", "")
    assert row["inputTokens"] + row["outputTokens"] == BOUND
    caller.assert_ledger(1)


def test_died_before_settling(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    die(caller, monkeypatch, generate, "_finish")
    assert metrics(capsys.readouterr().out) == []
    caller.expire()
    caller.usage()
    (row,) = caller.rows()
    assert row["outcome"] == "estimated"
    assert metrics(capsys.readouterr().out) == [("AiCost", row["costMicroUsd"])]
    caller.assert_ledger(1)


def test_calls_in_flight_are_not_swept(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    die(caller, monkeypatch, bedrock, "converse")
    assert caller.usage()["calls"]["used"] == 1
    assert caller.usage()["tokens"]["used"] == BOUND
    assert [item["state"] for item in caller.open_calls()] == ["sent"]
    assert caller.rows() == []


def test_a_refused_call_sweeps_and_then_succeeds(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_calls(monkeypatch, calls_per_month=2)
    die(caller, monkeypatch, reservations, "mark_sent")
    die(caller, monkeypatch, reservations, "mark_sent")
    assert caller.generate()[0] == 429
    caller.expire()
    assert [caller.generate()[0] for _ in range(3)] == [200, 200, 429]
    caller.assert_ledger(2)


def test_a_swept_charge_still_refuses(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    limit_calls(monkeypatch, calls_per_month=1)
    die(caller, monkeypatch, bedrock, "converse")
    caller.expire()
    status, body = caller.generate()
    assert (status, body["code"]) == (429, "calls_exhausted")
    caller.assert_ledger(1)


def test_many_sweeps_at_once_count_each_call_once(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        die(caller, monkeypatch, reservations, "mark_sent")
        die(caller, monkeypatch, bedrock, "converse")
    caller.expire()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: reservations.sweep(caller.user_id, clock.now()), range(8)))
    caller.assert_ledger(3)


def test_a_long_backlog_is_swept_in_parts(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reservations, "SWEEP_LIMIT", 3)
    monkeypatch.setattr(reservations, "SWEEP_PAGE", 2)
    for _ in range(7):
        die(caller, monkeypatch, reservations, "mark_sent")
    caller.expire()
    found = []
    while caller.open_calls():
        found.append(reservations.sweep(caller.user_id, clock.now()))
    assert sum(found) == 7
    assert len(found) > 1
    caller.assert_ledger(0)


def test_a_late_settle_after_the_sweep_charges_nothing_more(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any, **__: Any) -> Answer:
        caller.expire()
        reservations.sweep(caller.user_id, clock.now())
        return ANSWER

    monkeypatch.setattr(bedrock, "converse", slow)
    status, body = caller.generate("Hi", maxTokens=100)
    assert (status, body["data"]["response"]) == (200, "Hello")
    (row,) = caller.rows()
    assert row["outcome"] == "estimated"
    caller.assert_ledger(1)


def test_a_late_release_after_the_sweep_gives_nothing_back(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any, **__: Any) -> Answer:
        caller.expire()
        reservations.sweep(caller.user_id, clock.now())
        raise bedrock.Refused("throttled")

    monkeypatch.setattr(bedrock, "converse", slow)
    assert caller.generate("Hi", maxTokens=100)[0] == 503
    caller.assert_ledger(1)


def test_a_call_swept_before_it_was_sent_is_not_sent(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = reservations.mark_sent

    def late(reservation: Any) -> None:
        caller.expire()
        reservations.sweep(caller.user_id, clock.now())
        real(reservation)

    monkeypatch.setattr(reservations, "mark_sent", late)
    monkeypatch.setattr(bedrock, "converse", killed)
    status, body = caller.generate()
    assert (status, body["code"]) == (503, "reservation_expired")
    caller.assert_ledger(0)


def test_marking_twice_is_marking_once(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK repeats a write whose answer was lost."""
    real = reservations.mark_sent

    def twice(reservation: Any) -> None:
        real(reservation)
        real(reservation)

    monkeypatch.setattr(reservations, "mark_sent", twice)
    assert caller.generate()[0] == 200
    caller.assert_ledger(1)


def test_settling_twice_is_settling_once(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    real = reservations.settle
    results: list[bool] = []

    def twice(reservation: Any, charge: Any, **more: Any) -> bool:
        results.extend([real(reservation, charge, **more), real(reservation, charge, **more)])
        return results[0]

    monkeypatch.setattr(reservations, "settle", twice)
    assert caller.generate()[0] == 200
    assert results == [True, False]
    caller.assert_ledger(1)


def _hang(*_: Any, **__: Any) -> None:
    raise TimeoutError("other writers won")


def _fail(*_: Any, **__: Any) -> None:
    raise ConnectionError("DynamoDB is down")


@pytest.mark.parametrize("trouble", [_hang, _fail])
def test_an_answer_survives_a_table_that_fails(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, trouble: Callable[..., None]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(bedrock, "converse", _then_break_the_table(patch, trouble))
        status, body = caller.generate("Hi", maxTokens=100)
    assert (status, body["data"]["response"]) == (200, "Hello")
    assert [item["state"] for item in caller.open_calls()] == ["answered"]
    assert caller.usage()["tokens"]["used"] == 8
    (row,) = caller.rows()
    assert (row["outcome"], row["response"]) == ("end_turn", "Hello")
    caller.assert_ledger(1)


def test_an_answer_does_not_wait_for_a_table_that_hangs(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    released = threading.Event()
    real = Table.transact

    def hang(self: Table, *writes: Any, until: float | None = None) -> None:
        released.wait(10)
        real(self, *writes, until=until)

    monkeypatch.setattr(generate, "ANSWER_MARGIN", 28.5)
    with monkeypatch.context() as patch:
        patch.setattr(bedrock, "converse", _then_break_the_table(patch, hang))
        assert caller.generate("Hi", maxTokens=100)[0] == 200
        released.set()
        closing._workers().shutdown()
        closing._workers.cache_clear()
    caller.assert_ledger(1)


def _then_break_the_table(patch: pytest.MonkeyPatch, trouble: Any) -> Callable[..., Any]:
    def converse(*_: Any, **__: Any) -> Answer:
        patch.setattr(Table, "transact", trouble)
        return ANSWER

    return converse


def test_a_busy_period_is_told_so(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Table, "transact", _hang)
    status, body = caller.generate()
    assert (status, body["code"]) == (503, "busy")


def test_a_call_counts_in_the_month_it_began(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer arrives after the window has ended."""
    begin = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    caller.subscribe(current_period_start=begin, current_period_end=begin + timedelta(days=70))
    later = datetime.now(UTC) + timedelta(days=33)

    def slow(*_: Any, **__: Any) -> Answer:
        monkeypatch.setattr(clock, "now", lambda: later)
        return ANSWER

    monkeypatch.setattr(bedrock, "converse", slow)
    assert caller.generate("Hi", maxTokens=100)[0] == 200
    caller.assert_ledger(1)
    assert caller.period()["sk"] == f"PERIOD#{clock.iso(begin)}"
    usage = caller.usage()
    assert usage["calls"]["used"] == 0
    assert usage["period"]["start"] > clock.iso(begin)
    monkeypatch.setattr(bedrock, "converse", lambda *_, **__: ANSWER)
    assert caller.generate()[0] == 200
    assert [item["callsUsed"] for item in caller.stored("PERIOD#")] == [1, 1]


def test_an_abandoned_call_is_swept_into_its_own_month(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller.subscribe(current_period_end=datetime.now(UTC) + timedelta(days=70))
    die(caller, monkeypatch, bedrock, "converse")
    die(caller, monkeypatch, reservations, "mark_sent")
    later = datetime.now(UTC) + timedelta(days=33)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert caller.usage()["calls"]["used"] == 0
    caller.assert_ledger(1)


def test_what_was_given_back_cannot_be_charged(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = reservations.settle
    results: list[bool] = []

    def release_first(reservation: Any, charge: Any, **more: Any) -> bool:
        results.extend([reservations.release(reservation), real(reservation, charge, **more)])
        return results[-1]

    monkeypatch.setattr(reservations, "settle", release_first)
    assert caller.generate()[0] == 200
    assert results == [True, False]
    caller.assert_ledger(0)


def test_what_was_not_sent_cannot_be_charged(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reservations, "mark_sent", lambda _: None)
    assert caller.generate("Hi", maxTokens=100)[0] == 200
    assert [item["state"] for item in caller.open_calls()] == ["held"]
    caller.expire()
    caller.usage()
    caller.assert_ledger(0)


def test_a_settle_needs_a_reservation(caller: Caller) -> None:
    """Nothing can be settled that was never held."""
    assert caller.generate("Hi", maxTokens=100)[0] == 200
    (row,) = caller.rows()
    reservation = ledger.Reservation(
        id=row["id"],
        user_id=caller.user_id,
        period=row["period"],
        model="fast",
        input_bound=1,
        output_bound=1,
        cost_bound=1,
        created_at=row["createdAt"],
        prompt_preview="",
    )
    assert not reservations.settle(reservation, ledger.estimated(reservation, ""))
    assert not reservations.release(reservation)
    caller.assert_ledger(1)

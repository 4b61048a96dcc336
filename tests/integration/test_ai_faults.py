"""`POST /ai/generate` while DynamoDB and Bedrock fail: no call and no token is lost or doubled."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ai import generate
from tests.integration.ai_stage import Caller, caller, provider
from tests.integration.bedrock_server import LocalBedrock
from tests.integration.breaking import Breaker, breaker
from tests.integration.stripe_fixtures import until

__all__ = ["breaker", "caller", "provider"]

READ = "dynamodb:BatchGetItem"
TRANSACTION = "dynamodb:TransactWriteItems"
MARK = "dynamodb:UpdateItem"
LOST = ("throttle", "error_before", "error_after", "disconnect_before", "disconnect_after")
# Each request of a call by its operation, and which of its kind it is.
REQUESTS = [(READ, 1), (TRANSACTION, 1), (MARK, 1), (TRANSACTION, 2)]
# A throttled client asks at most so often.
ATTEMPTS = 4


@pytest.fixture(autouse=True)
def _subscribed(caller: Caller) -> None:
    """The session's secret is read now, and not while something is armed."""
    caller.subscribe()
    assert caller.usage()["calls"]["used"] == 0


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize(("operation", "nth"), REQUESTS)
def test_one_fault_anywhere_is_not_noticed(
    caller: Caller, breaker: Breaker, operation: str, nth: int, kind: str
) -> None:
    breaker.arm(kind, operation, nth=nth)
    assert caller.generate()[0] == 200
    assert breaker.struck() == 1
    caller.assert_ledger(1)


@pytest.mark.parametrize("nth", [1, 2])
def test_a_transaction_that_was_written_unnoticed_is_not_taken_for_somebody_elses(
    caller: Caller, breaker: Breaker, nth: int
) -> None:
    """Its answer is lost, and DynamoDB says of its repetition that it is still at work."""
    breaker.arm("error_after", TRANSACTION, nth=nth)
    at_work = {"code": "TransactionInProgressException", "status": 400}
    breaker.arm("error_before", TRANSACTION, nth=nth + 1, count=2, **at_work)
    assert caller.generate()[0] == 200
    assert breaker.shown()["armed"] == []
    caller.assert_ledger(1)


@pytest.mark.parametrize(("operation", "nth"), REQUESTS[1:])
def test_another_transaction_on_the_item_is_waited_for(
    caller: Caller, breaker: Breaker, operation: str, nth: int
) -> None:
    breaker.arm("conflict", operation, nth=nth, count=3)
    assert caller.generate()[0] == 200
    assert breaker.struck() == 3
    caller.assert_ledger(1)


@pytest.mark.parametrize("kind", LOST)
@pytest.mark.parametrize("place", REQUESTS)
def test_an_outage_anywhere_ends_in_an_exact_ledger(
    caller: Caller, provider: LocalBedrock, breaker: Breaker, place: tuple[str, int], kind: str
) -> None:
    """As long as all attempts of one request fail; whatever stays open, the sweep finishes."""
    assert caller.generate()[0] == 200
    breaker.arm(kind, place[0], nth=place[1], count=ATTEMPTS)
    status, body = caller.generate()
    assert breaker.struck() == ATTEMPTS
    answered = place == REQUESTS[-1]
    if answered:
        assert status == 200
    else:
        busy = "The service is busy. Please try again"
        assert (status, body["code"], body["error"]) == (503, "unavailable", busy)
    assert len(provider.calls()) == 1 + answered
    caller.expire()
    caller.usage()
    caller.assert_ledger(1 + answered)


def test_the_answer_does_not_wait_for_a_table_that_hangs(
    caller: Caller, breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker.arm("latency", TRANSACTION, nth=2, seconds=4.5)
    monkeypatch.setattr(generate, "ANSWER_MARGIN", 28.5)
    began = time.monotonic()
    assert caller.generate()[0] == 200
    assert time.monotonic() - began < 4
    until(lambda: not caller.open_calls(), 20)
    caller.assert_ledger(1)


def test_many_calls_in_bad_weather_leave_an_exact_ledger(
    caller: Caller, provider: LocalBedrock, breaker: Breaker
) -> None:
    for number, kind in enumerate((*LOST, "conflict")):
        breaker.arm(kind, "dynamodb:*", count=None, probability=0.06, seed=number)
    for number, kind in enumerate(("throttle", "error", "disconnect")):
        provider.fault(kind, count=None, probability=0.1, seed=number)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda n: caller.generate(f"Question {n}", maxTokens=40), range(60))
        )
    assert {status for status, _ in answers} <= {200, 503, 504}
    assert all(body["error"] and body["code"] for status, body in answers if status != 200)
    breaker.disarm()
    provider.reset()
    caller.expire()
    caller.usage()
    delivered = sum(status == 200 for status, _ in answers)
    charged = len(caller.rows())
    assert delivered <= charged <= 60
    caller.assert_ledger(charged)

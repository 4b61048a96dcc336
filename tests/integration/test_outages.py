"""What callers are told while local AWS fails: sentences of the contract, never an inner text."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration import domain_environment
from tests.integration.ai_stage import Caller
from tests.integration.aws_fixtures import LocalAws
from tests.integration.breaking import Breaker, breaker

__all__ = ["breaker"]

BUSY = {"error": "The service is busy. Please try again", "code": "unavailable"}


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> Iterator[Caller]:
    """Nothing is cached yet: the first call reads the session's secret."""
    domain_environment.enter(monkeypatch, aws, ALLOWED_ORIGINS="http://localhost:8000")
    yield Caller(aws)
    domain_environment.forget()


def assert_busy(status: int, body: dict[str, Any]) -> None:
    assert status == 503
    assert body.pop("requestId")
    assert body == {"success": False, **BUSY}


@pytest.mark.parametrize("kind", ["throttle", "error_before", "disconnect_before"])
@pytest.mark.parametrize("call", ["ssm:*", "dynamodb:*"])
def test_an_outage_is_told_as_one(caller: Caller, breaker: Breaker, call: str, kind: str) -> None:
    breaker.arm(kind, call, count=None)
    assert_busy(*caller.call("GET", "/ai/usage"))
    breaker.disarm()
    assert caller.call("GET", "/ai/usage")[0] == 200


@pytest.mark.parametrize("call", ["ssm:*", "dynamodb:*"])
def test_a_refusal_of_ours_is_no_outage_and_its_text_stays_here(
    caller: Caller, breaker: Breaker, call: str
) -> None:
    breaker.arm("error_before", call, count=None, code="AccessDeniedException", status=400)
    status, body = caller.call("GET", "/ai/usage")
    assert (status, body["code"]) == (500, "internal_error")
    assert body["error"] == "Something went wrong on our side. Please try again"


def test_an_address_to_upload_to_needs_no_answer_of_s3(caller: Caller, breaker: Breaker) -> None:
    breaker.arm("error_before", "s3:*", count=None)
    wanted = {"filename": "a.pdf", "contentType": "application/pdf", "size": 3}
    assert caller.call("POST", "/upload/url", wanted)[0] == 200
    assert breaker.shown()["armed"][0]["seen"] == 0


def test_an_upload_is_counted_once_though_its_answer_is_lost(
    caller: Caller, breaker: Breaker
) -> None:
    wanted = {"filename": "a.pdf", "contentType": "application/pdf", "size": 3}
    breaker.arm("disconnect_after", "dynamodb:TransactWriteItems")
    assert caller.call("POST", "/upload/url", wanted)[0] == 200
    (day,) = caller.stored("UPLOADS#")
    assert (day["files"], day["bytes"]) == (1, 3)
    assert len(caller.stored("DOC#")) == 1

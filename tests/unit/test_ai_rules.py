"""Rules of the ai domain that need no network: names, quotas, classification."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from ai import bedrock, uploads
from ai.quota import Quota
from saas.aws_http import AwsError, AwsNoAnswer, AwsUnreachable
from saas.errors import BadRequest
from saas.plans import catalogue

BEGIN, END = datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "shown", "stored"),
    [
        ("report.pdf", "report.pdf", "report.pdf"),
        ("My Résumé.PDF", "My Résumé.PDF", "My-Resume.PDF"),
        ("日本語.pdf", "日本語.pdf", "file.pdf"),
        ("日本語", "日本語", "file"),
        ("README", "README", "README"),
        ("family 👨\u200d👩\u200d👧.png", "family 👨\u200d👩\u200d👧.png", "family.png"),
        ("नमस्\u200cते.txt", "नमस्\u200cते.txt", "file.txt"),
        ("new \U0001fae9\U0001fbff.txt", "new \U0001fae9\U0001fbff.txt", "new.txt"),
        (
            "🏴\U000e0067\U000e007f.txt",
            "🏴\U000e0067\U000e007f.txt",
            "file.txt",
        ),
        (".env", ".env", "file.env"),
        ("a..b", "a..b", "a.b"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf", "x" * 96 + ".pdf"),
        ("y" * 300, "y" * 255, "y" * 100),
        ("tail. ", "tail.", "tail"),
    ],
)
def test_names(given: str, shown: str, stored: str) -> None:
    assert uploads.display_name(given) == shown
    assert uploads.key_name(shown) == stored


@pytest.mark.parametrize("name", ["", "\u200b", " \t", "\u00a0"])
def test_no_name_is_left(name: str) -> None:
    with pytest.raises(BadRequest, match="Filename is required"):
        uploads.display_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("/", "a/", "a/b.txt", "..\\b.txt", "C:\\b.txt", "..", ".", "..."),
        *("a\x00b.txt", "a\x1fb", "\x7f", "a\x85b", "a\r\nb.pdf"),
        *("evil\u202egpj.exe", "a\u2066b", "a\u2028b"),
    ],
)
def test_parts_of_paths_and_control_characters_are_refused(name: str) -> None:
    with pytest.raises(BadRequest) as refused:
        uploads.display_name(name)
    assert refused.value.code == "invalid_filename"


def quota(**limits: int) -> Quota:
    plan = catalogue().plans[0]
    return Quota(replace(plan, **limits), BEGIN, END)


@pytest.mark.parametrize(
    ("used", "code"),
    [
        ({"callsUsed": 1_000}, "calls_exhausted"),
        ({"callsUsed": 999, "tokensUsed": 4_999_991}, "token_guard"),
        ({"callsUsed": 999, "tokensUsed": 4_999_990, "costMicroUsd": 14_999_996}, "cost_guard"),
    ],
)
def test_a_refusal_names_the_limit(used: dict[str, int], code: str) -> None:
    assert not quota().allows(used, tokens=10, cost=5)
    refusal = quota().refusal(used, tokens=10, cost=5, now=BEGIN)
    assert (refusal.status, refusal.code) == (429, code)
    assert "28 February 2026" in refusal.message
    assert refusal.details["resetAt"] == "2026-02-28T00:00:00.000Z"
    assert refusal.headers == {"Retry-After": str(28 * 86_400)}


def test_the_last_call_that_fits() -> None:
    used = {"callsUsed": 999, "tokensUsed": 4_999_990, "costMicroUsd": 14_999_995}
    assert quota().allows(used, tokens=10, cost=5)
    assert not quota().allows(used, tokens=11, cost=5)
    assert not quota().allows(used, tokens=10, cost=6)
    assert not quota(calls_per_month=0).allows({}, tokens=1, cost=1)


class Provider:
    """A client whose every call ends in `error`."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.calls = 0

    def post(self, *_: Any, **__: Any) -> Any:
        self.calls += 1
        raise self.error


def refused(code: str, status: int) -> AwsError:
    return AwsError(code, status, {"message": "your prompt was: secret"})


def outcome(
    monkeypatch: pytest.MonkeyPatch, error: Exception, deadline: float = 1e12
) -> tuple[Exception, int]:
    provider = Provider(error)
    monkeypatch.setattr(bedrock, "client", lambda _: provider)
    monkeypatch.setattr(bedrock, "FIRST_PAUSE", 0)
    with pytest.raises((bedrock.Refused, bedrock.Unanswered)) as caught:
        bedrock.converse(
            catalogue().models["fast"],
            "secret",
            max_tokens=10,
            temperature=0,
            metadata={},
            deadline=deadline,
        )
    return caught.value, provider.calls


@pytest.mark.parametrize(
    ("error", "reason", "calls"),
    [
        (refused("ThrottlingException", 429), "throttled", 4),
        (refused("ModelNotReadyException", 429), "throttled", 4),
        (refused("TooManyRequestsException", 429), "throttled", 4),
        (refused("ServiceUnavailableException", 503), "unavailable", 1),
        (refused("502", 502), "unavailable", 1),
        (refused("ServiceQuotaExceededException", 400), "unavailable", 1),
        (refused("AccessDeniedException", 403), "failed", 1),
        (refused("ValidationException", 400), "failed", 1),
        (AwsUnreachable("ConnectionRefusedError"), "unavailable", 1),
    ],
)
def test_what_is_not_billed(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str, calls: int
) -> None:
    found, made = outcome(monkeypatch, error)
    assert isinstance(found, bedrock.Refused)
    assert (found.reason, made) == (reason, calls)


@pytest.mark.parametrize(
    "error",
    [refused("ModelTimeoutException", 408), refused("504", 504), AwsNoAnswer("IncompleteRead")],
)
def test_what_may_be_billed_is_never_repeated(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    found, made = outcome(monkeypatch, error)
    assert isinstance(found, bedrock.Unanswered)
    assert made == 1


def test_refusals_log_no_part_of_the_prompt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome(monkeypatch, refused("ValidationException", 400))
    assert "secret" not in capsys.readouterr().out

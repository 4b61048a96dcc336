"""`POST /ai/generate` against local AWS and local Bedrock."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ai import bedrock, ledger, reservations
from ai.answer import Answer
from saas import accounts, clock, plans
from saas.aws_http import DYNAMODB
from saas.table import Update, table
from tests.factories import body_of, metrics
from tests.integration import domain_environment
from tests.integration.ai_stage import Caller, caller, limit_calls, provider
from tests.integration.bedrock_server import LocalBedrock

__all__ = ["caller", "provider"]


def test_an_answer_is_charged_and_stored(
    caller: Caller, provider: LocalBedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    caller.subscribe()
    status, body = caller.generate("How do tides work?", maxTokens=1000, temperature=0.7)
    assert (status, body["success"]) == (200, True)
    data = body["data"]
    assert data.keys() == {"response", "tokens", "model", "requestId", "finishReason"}
    assert "tides" in data["response"]
    assert (data["model"], data["finishReason"]) == ("fast", "stop")
    (row,) = caller.rows()
    assert (row["id"], row["prompt"]) == (data["requestId"], "How do tides work?")
    assert (row["response"], row["outcome"]) == (data["response"], "end_turn")
    assert data["tokens"] == row["inputTokens"] + row["outputTokens"]
    (call,) = provider.calls()
    assert call["usage"]["totalTokens"] == data["tokens"]
    assert row["costMicroUsd"] == -(
        -(row["inputTokens"] * 60_000 + row["outputTokens"] * 240_000) // 1_000_000
    )
    assert metrics(capsys.readouterr().out) == [("AiCost", row["costMicroUsd"])]
    caller.assert_ledger(1)


def test_four_requests_to_dynamodb(caller: Caller) -> None:
    caller.subscribe()
    caller.generate()
    with domain_environment.requests_to(DYNAMODB) as sent:
        assert caller.generate()[0] == 200
    assert sent == ["BatchGetItem", "TransactWriteItems", "UpdateItem", "TransactWriteItems"]


def test_metadata_for_the_providers_logs(caller: Caller, provider: LocalBedrock) -> None:
    caller.subscribe()
    answer = caller.send("POST", "/ai/generate", {"prompt": "Hi"})
    (call,) = provider.calls()
    metadata = call["requestMetadata"]
    assert metadata["correlationId"] == answer["headers"]["X-Correlation-Id"]
    assert metadata["callId"] == body_of(answer)["data"]["requestId"]
    assert caller.user_id not in metadata["userId"]
    assert call["inferenceConfig"] == {"maxTokens": 1000, "temperature": 0.7}


@pytest.mark.parametrize(
    "body", [{}, {"prompt": None}, {"prompt": ""}, {"prompt": " \n\t "}, {"prompt": "\u00a0"}]
)
def test_a_prompt_is_required(caller: Caller, body: Any) -> None:
    caller.subscribe()
    status, answer = caller.call("POST", "/ai/generate", body)
    assert (status, answer["error"]) == (400, "Prompt is required")
    assert answer["code"] == "validation_failed"


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": 5},
        {"prompt": ["Hi"]},
        {"prompt": "\ud800"},
        {"prompt": "Hi", "maxTokens": 0},
        {"prompt": "Hi", "maxTokens": -1},
        {"prompt": "Hi", "maxTokens": "1000"},
        {"prompt": "Hi", "maxTokens": 1.5},
        {"prompt": "Hi", "maxTokens": True},
        {"prompt": "Hi", "temperature": 1.1},
        {"prompt": "Hi", "temperature": -0.1},
        {"prompt": "Hi", "temperature": "hot"},
        {"prompt": "Hi", "model": 5},
        {"prompt": "Hi", "model": {"id": "x"}},
    ],
)
def test_wrong_values_are_refused_and_cost_nothing(caller: Caller, body: Any) -> None:
    caller.subscribe()
    status, answer = caller.call("POST", "/ai/generate", body)
    assert (status, answer["code"]) == (400, "validation_failed")
    assert caller.stored("PERIOD#") == []


def test_nulls_stand_for_defaults(caller: Caller, provider: LocalBedrock) -> None:
    caller.subscribe()
    status, _ = caller.generate(maxTokens=None, temperature=None, model=None, userId=None)
    assert status == 200
    assert provider.calls()[0]["inferenceConfig"] == {"maxTokens": 1000, "temperature": 0.7}


@pytest.mark.parametrize(
    "changes",
    [
        None,
        {"stripe_status": "canceled"},
        {"stripe_status": "incomplete"},
        {"plan": "unknown-plan"},
        {"current_period_end": datetime.now(UTC) - timedelta(days=3)},
    ],
)
def test_without_a_subscription_there_is_no_answer(caller: Caller, changes: Any) -> None:
    if changes is not None:
        caller.subscribe(**changes)
    status, body = caller.generate(model="gpt-4")
    assert (status, body["code"]) == (403, "subscription_required")
    assert body["error"] == "Active subscription required for AI features"
    assert caller.stored("PERIOD#") == []


def test_a_forged_row_of_the_old_table_gives_nothing(caller: Caller) -> None:
    where = accounts.key(caller.user_id)
    table().write(Update(where, set={"subscriptionStatus": "active", "id": caller.user_id}))
    assert caller.generate()[0] == 403


def test_a_blocked_user_is_refused_despite_a_subscription(caller: Caller) -> None:
    caller.subscribe()
    table().write(Update(accounts.key(caller.user_id), set={"barred": "blocked"}))
    for method, path, body in (
        ("POST", "/ai/generate", {"prompt": "Hi"}),
        ("GET", "/ai/usage", None),
        ("GET", "/ai/history", None),
        ("POST", "/upload/url", {"filename": "a", "contentType": "text/plain", "size": 1}),
    ):
        status, answer = caller.call(method, path, body)
        assert (status, answer["code"]) == (403, "account_disabled")


def test_another_users_id_is_refused(caller: Caller) -> None:
    caller.subscribe()
    status, body = caller.generate(userId="somebody-else")
    assert (status, body["code"]) == (403, "user_mismatch")
    assert caller.generate(userId=caller.user_id)[0] == 200


def test_the_prompt_limit_counts_characters(caller: Caller) -> None:
    caller.subscribe()
    status, body = caller.generate("ß" * 20_001)
    assert (status, body["code"], body["limit"]) == (400, "prompt_too_long", 20_000)
    assert "20,000 characters" in body["error"]
    assert caller.generate("ß" * 20_000)[0] == 200


@pytest.mark.parametrize("model", ["gpt-4", "best", "us.amazon.nova-lite-v1:0", "claude-3-sonnet"])
def test_models_outside_the_plan_name_those_inside(caller: Caller, model: str) -> None:
    caller.subscribe("starter")
    status, body = caller.generate(model=model)
    assert (status, body["code"]) == (400, "model_not_allowed")
    assert body["error"].endswith("Choose one of: fast, balanced")
    assert body["allowed"] == ["fast", "balanced"]


@pytest.mark.parametrize(
    ("model", "alias"),
    [
        ("", "fast"),
        ("balanced", "balanced"),
        ("amazon.titan-text-express-v1", "fast"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "balanced"),
    ],
)
def test_models_go_by_alias_or_old_id(
    caller: Caller, provider: LocalBedrock, model: str, alias: str
) -> None:
    caller.subscribe()
    status, body = caller.generate(model=model)
    assert (status, body["data"]["model"]) == (200, alias)
    assert provider.calls()[0]["model"] == plans.catalogue().models[alias].id


@pytest.mark.parametrize(
    ("plan", "model", "cap"),
    [("starter", "fast", 2_000), ("professional", "best", 1_320), ("enterprise", "fast", 2_640)],
)
def test_max_tokens_is_capped_by_plan_and_time(
    caller: Caller, provider: LocalBedrock, plan: str, model: str, cap: int
) -> None:
    caller.subscribe(plan)
    assert caller.generate(model=model, maxTokens=10**30)[0] == 200
    assert provider.calls()[0]["inferenceConfig"]["maxTokens"] == cap


@pytest.mark.parametrize("prompt", ["Hi", "🦊" * 500, "日本語の質問" * 100, "\u0000x", "a" * 9_000])
def test_the_bound_is_never_below_real_usage(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, prompt: str
) -> None:
    held: list[ledger.Reservation] = []
    real = reservations.hold

    def spy(reservation: Any, *others: Any, **more: Any) -> None:
        held.append(reservation)
        real(reservation, *others, **more)

    monkeypatch.setattr(reservations, "hold", spy)
    caller.subscribe()
    assert caller.generate(prompt, maxTokens=40)[0] == 200
    (row,) = caller.rows()
    assert held[0].input_bound > len(prompt.encode()) >= row["inputTokens"]
    assert held[0].output_bound == 40 >= row["outputTokens"]
    assert held[0].cost_bound >= row["costMicroUsd"]
    assert row["prompt"] == prompt
    caller.assert_ledger(1)


def test_usage_above_the_bound_is_charged_truly(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Answer("Hello", "end_turn", 90_000, 7_000, 500, 300)
    monkeypatch.setattr(bedrock, "converse", lambda *_, **__: answer)
    caller.subscribe()
    _, body = caller.generate()
    assert body["data"]["tokens"] == 97_800
    assert caller.period()["tokensUsed"] == 97_800
    caller.assert_ledger(1)


def test_the_longest_prompt_of_the_largest_plan_is_stored_shortened(caller: Caller) -> None:
    caller.subscribe("enterprise")
    body = json.dumps({"prompt": "🦊" * 100_000}, ensure_ascii=False)
    assert caller.call("POST", "/ai/generate", body)[0] == 200
    (row,) = caller.rows()
    assert len(row["prompt"].encode()) == ledger.MAX_STORED_PROMPT_BYTES
    caller.assert_ledger(1)


def test_calls_are_what_is_sold(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    limit_calls(monkeypatch, calls_per_month=2)
    entitlement = caller.subscribe()
    assert [caller.generate()[0] for _ in range(2)] == [200, 200]
    answer = caller.send("POST", "/ai/generate", {"prompt": "One more"})
    body = body_of(answer)
    assert (answer["statusCode"], body["code"], body["limit"]) == (429, "calls_exhausted", 2)
    _, end = entitlement.quota_window(clock.now())
    assert body["resetAt"] == clock.iso(end)
    seconds = int(answer["headers"]["Retry-After"])
    assert abs(seconds - (end - clock.now()).total_seconds()) < 60
    assert "all 2 calls of your Starter plan" in body["error"]
    caller.assert_ledger(2)


@pytest.mark.parametrize(
    ("counters", "code", "limit"),
    [
        ({"tokensUsed": 5_000_000 - 1_000}, "token_guard", 5_000_000),
        ({"costMicroUsd": 15_000_000 - 100}, "cost_guard", None),
        ({"callsUsed": 1_000, "tokensUsed": 9_000_000}, "calls_exhausted", 1_000),
    ],
)
def test_each_guard_has_its_own_code(
    caller: Caller, counters: Any, code: str, limit: int | None
) -> None:
    caller.subscribe()
    caller.generate()
    caller.fill(**counters)
    before = caller.period()
    status, body = caller.generate()
    assert (status, body["code"], body.get("limit")) == (429, code, limit)
    assert body["resetAt"] > clock.iso(clock.now())
    assert caller.period() == before


def test_a_guard_lets_pass_what_just_fits(caller: Caller) -> None:
    caller.subscribe()
    caller.generate("Hi", maxTokens=10)
    bound = len("Hi") + 64 + 10
    caller.fill(tokensUsed=5_000_000 - bound)
    assert caller.generate("Hi", maxTokens=10)[0] == 200
    caller.fill(tokensUsed=5_000_000 - bound + 1)
    assert caller.generate("Hi", maxTokens=10)[0] == 429


@pytest.mark.parametrize("limits", [{"tokens_per_month": 100}, {"cost_per_month_micro_usd": 5}])
def test_the_first_call_of_a_period_respects_the_limits_too(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, limits: Any
) -> None:
    limit_calls(monkeypatch, **limits)
    caller.subscribe()
    assert caller.generate()[0] == 429
    assert caller.stored("PERIOD#") == []


def test_a_larger_plan_raises_the_limit_at_once(caller: Caller) -> None:
    entitlement = caller.subscribe("starter")
    caller.generate()
    caller.fill(callsUsed=1_000)
    assert caller.generate()[1]["code"] == "calls_exhausted"
    caller.subscribe("professional", current_period_start=entitlement.current_period_start)
    assert caller.generate()[0] == 200
    assert caller.usage()["calls"] == {"used": 1_001, "limit": 10_000, "left": 8_999}


def test_fifty_clients_share_exactly_what_is_left(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_calls(monkeypatch, calls_per_month=17)
    caller.subscribe()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda n: caller.generate(f"Question {n}"), range(50)))
    statuses = [status for status, _ in answers]
    assert sorted(set(statuses)) == [200, 429]
    assert statuses.count(200) == 17
    assert {body["code"] for status, body in answers if status == 429} == {"calls_exhausted"}
    caller.assert_ledger(17)


def test_faults_under_concurrency_neither_leak_nor_overspend(
    caller: Caller, provider: LocalBedrock, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_calls(monkeypatch, calls_per_month=20)
    caller.subscribe()
    provider.fault("disconnect", count=4)
    provider.fault("error", count=4)
    provider.fault("throttle", count=6)
    with ThreadPoolExecutor(30) as pool:
        statuses = [status for status, _ in pool.map(lambda _: caller.generate(), range(30))]
    assert statuses.count(504) == 4
    assert statuses.count(503) >= 4
    charged = statuses.count(200) + statuses.count(504)
    caller.assert_ledger(charged)
    left = [caller.generate()[0] for _ in range(20 - charged + 2)]
    assert left == [200] * (20 - charged) + [429, 429]
    caller.assert_ledger(20)


def test_tokens_held_by_calls_in_flight_are_not_promised_twice(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten calls at once, and room for the upper bounds of three."""
    bound = len("Hi") + 64 + 100
    limit_calls(monkeypatch, tokens_per_month=3 * bound + bound // 2)
    caller.subscribe()
    others_were_refused = threading.Event()

    def answer_late(*_: Any, **__: Any) -> Answer:
        assert others_were_refused.wait(20)
        return Answer("Hello", "end_turn", 1, 2, 0, 0)

    monkeypatch.setattr(bedrock, "converse", answer_late)
    with ThreadPoolExecutor(10) as pool:
        calls = [pool.submit(caller.generate, "Hi", maxTokens=100) for _ in range(10)]
        finished = as_completed(calls, timeout=20)
        refused = [next(finished).result() for _ in range(7)]
        others_were_refused.set()
        answered = [call.result() for call in finished]
    assert {(status, body["code"]) for status, body in refused} == {(429, "token_guard")}
    assert [status for status, _ in answered] == [200] * 3
    caller.assert_ledger(3)
    assert caller.generate("Hi", maxTokens=100)[0] == 200


def test_throttling_is_repeated_within_the_time_left(
    caller: Caller, provider: LocalBedrock
) -> None:
    caller.subscribe()
    provider.fault("throttle", count=2)
    assert caller.generate()[0] == 200
    caller.assert_ledger(1)


def test_lasting_throttling_costs_nothing_and_is_counted(
    caller: Caller, provider: LocalBedrock, capsys: pytest.CaptureFixture[str]
) -> None:
    caller.subscribe()
    provider.fault("throttle", count=bedrock.MAX_ATTEMPTS)
    answer = caller.send("POST", "/ai/generate", {"prompt": "Hi"})
    assert (answer["statusCode"], body_of(answer)["code"]) == (503, "ai_throttled")
    assert answer["headers"]["Retry-After"] == "5"
    assert provider.control("faults")["armed"] == []
    assert metrics(capsys.readouterr().out) == [("AiThrottled", 1)]
    caller.assert_ledger(0)


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("ServiceUnavailableException", 503, "ai_unavailable"),
        ("InternalServerException", 503, "ai_unavailable"),
        ("ValidationException", 502, "ai_failed"),
        ("AccessDeniedException", 502, "ai_failed"),
        ("ModelErrorException", 502, "ai_failed"),
    ],
)
def test_refusals_of_the_provider_cost_nothing_and_are_not_repeated(
    caller: Caller, provider: LocalBedrock, code: str, status: int, expected: str
) -> None:
    caller.subscribe()
    provider.fault("error", code=code)
    answered, body = caller.generate()
    assert (answered, body["code"]) == (status, expected)
    assert "Nothing was charged" in body["error"]
    caller.assert_ledger(0)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "disconnect"},
        {"kind": "error", "code": "ModelTimeoutException"},
        {"kind": "timeout", "seconds": 3},
    ],
)
def test_an_unknown_end_is_charged_as_estimated(
    caller: Caller, provider: LocalBedrock, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    monkeypatch.setattr(bedrock, "MARGIN", 27)
    caller.subscribe()
    provider.fault(**fault)
    status, body = caller.generate("Hi", maxTokens=100)
    assert (status, body["code"]) == (504, "ai_timeout")
    (row,) = caller.rows()
    assert (row["outcome"], row["prompt"], row["response"]) == ("estimated", "Hi", "")
    assert (row["inputTokens"], row["outputTokens"]) == (len("Hi") + 64, 100)
    caller.assert_ledger(1)


def test_a_provider_out_of_reach_costs_nothing(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://127.0.0.1:9")
    domain_environment.forget()
    caller.subscribe()
    status, body = caller.generate()
    assert (status, body["code"]) == (503, "ai_unavailable")
    caller.assert_ledger(0)


@pytest.mark.parametrize("remaining_ms", [1_500, 4_000, 9_000])
def test_a_call_that_cannot_end_in_time_is_not_begun(
    caller: Caller, provider: LocalBedrock, remaining_ms: int
) -> None:
    caller.subscribe()
    body = {"prompt": "Hi", "maxTokens": 1_000}
    status, answer = caller.call("POST", "/ai/generate", body, remaining_ms=remaining_ms)
    assert (status, answer["code"]) == (503, "ai_unavailable")
    assert provider.calls() == []
    caller.assert_ledger(0)
    assert caller.call("POST", "/ai/generate", body, remaining_ms=14_000)[0] == 200

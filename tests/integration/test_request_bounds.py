"""No body of any shape is an error of ours, and none takes a function long.

Legal bodies at their longest and ugliest, near misses of every schema, and no JSON at all, sent by
a subscriber; CPU is what the calling thread took.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration import domain_environment
from tests.integration.ai_stage import Caller, provider
from tests.integration.aws_fixtures import LocalAws
from tests.integration.bedrock_server import LocalBedrock
from tests.integration.billing_stage import Stage, stage
from tests.integration.every_operation import BODIES, SIGNED, Answer, Operation, send, session

__all__ = ["provider", "stage"]

CPU_SECONDS = 1.0
WITH_BODY = [each for each in SIGNED if each.has_body]
BY_NAME = {str(each): each for each in WITH_BODY}
# What costs most to normalise, encode, escape or compare.
UGLY = ["\u0344", "\u1fc1\u0345", "e\u0301\u0323", "\ufdfa", "\U0001f468\u200d", "日", "\u0000"]
UGLY += ["\\", '"', "%41", "%", "/", ".", " ", "\u202e", "<", "\x7f", "\ud800", "ﬃ", "İ"]
bounded = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Subscriber:
    """Somebody who may use everything."""

    cookies: list[str]

    def send(self, operation: Operation, body: Any) -> Answer:
        answer = send(operation, body=body, cookies=self.cookies)
        assert answer.status in operation.statuses, (operation, answer.body)
        assert answer.status != 401
        assert answer.code != "origin_not_allowed"
        assert answer.status < 500, (operation, answer.body)
        assert answer.cpu < CPU_SECONDS, (operation, answer.cpu)
        return answer


@pytest.fixture
def subscriber(
    stage: Stage, provider: LocalBedrock, monkeypatch: pytest.MonkeyPatch, aws: LocalAws
) -> Subscriber:
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", provider.url)
    domain_environment.forget()
    Caller(aws, stage.user_id).subscribe("enterprise")
    return Subscriber(session(aws, stage.user_id))


def repeated(limit: int) -> st.SearchStrategy[str]:
    """Texts of up to `limit` characters, of the same few over and over."""
    return st.builds(
        lambda parts, length: ("".join(parts) * length)[:length],
        st.lists(st.sampled_from(UGLY), min_size=1, max_size=3),
        st.sampled_from([1, limit // 2, limit]),
    )


LEGAL = {
    "POST /ai/generate": st.fixed_dictionaries(
        {"prompt": repeated(100_000), "maxTokens": st.just(5)}, optional={"model": repeated(200)}
    ),
    "POST /auth/session": st.fixed_dictionaries(
        {"action": st.one_of(st.just("createUser"), repeated(900_000))},
        optional={"userData": st.fixed_dictionaries({"name": repeated(200)})},
    ),
    "POST /stripe/checkout": st.fixed_dictionaries({"priceId": repeated(200)}),
    "POST /stripe/portal": st.fixed_dictionaries({"unknown": repeated(900_000)}),
    "POST /upload/url": st.fixed_dictionaries(
        {
            "filename": repeated(1_024),
            "contentType": st.one_of(st.just("application/pdf"), repeated(255)),
            "size": st.integers(1, 10**300),
        }
    ),
    "PATCH /users/me": st.fixed_dictionaries(
        {"name": repeated(200)},
        optional={"preferences": st.dictionaries(repeated(50), repeated(900_000), max_size=3)},
    ),
}
NESTED = "[" + ",".join(["[[[[]]]]"] * 110_000) + "]"
WIDE = [
    '{"preferences":{"a":' + NESTED + "}}",
    '{"action":' + NESTED + "}",
    '{"x":' + NESTED + "}",
    '{"preferences":{"a":[' + ",".join(["[]"] * 340_000) + "]}}",
    '{"action":[' + ",".join(["{}"] * 340_000) + "]}",
    {"prompt": "a", "x": [[] for _ in range(300_000)]},
    {"preferences": {"a": list(range(130_000))}},
    {"preferences": {str(n): n for n in range(60_000)}},
    {"preferences": {"a": [{"b": [0.1] * 8}] * 20_000}},
    {"userData": {str(n): "x" for n in range(60_000)}},
    {"userId": "%41" * 300_000},
    {"userId": "undefined" + " " * 900_000},
    {"filename": "\u0344" * 500_000, "contentType": "a", "size": 1},
    {"name": "\u0344" * 500_000},
    {"priceId": "\u0344" * 500_000},
    {"action": "\u0344" * 500_000},
]


def test_every_operation_with_a_body_is_tried() -> None:
    assert LEGAL.keys() == BY_NAME.keys()


@pytest.mark.parametrize("name", LEGAL)
def test_a_plain_body_gets_through(name: str, subscriber: Subscriber) -> None:
    """Otherwise the others would only see refusals."""
    answer = subscriber.send(BY_NAME[name], BODIES.get(name, {}))
    billing = name in ("POST /stripe/checkout", "POST /stripe/portal")
    assert answer.status == (409 if billing else 200)


@pytest.mark.parametrize("name", LEGAL)
def test_the_longest_and_ugliest_legal_body(name: str, subscriber: Subscriber) -> None:
    @bounded
    @given(LEGAL[name])
    def tried(body: Any) -> None:
        subscriber.send(BY_NAME[name], body)

    tried()


@pytest.mark.parametrize("name", LEGAL)
@pytest.mark.parametrize("body", WIDE, ids=range(len(WIDE)))
def test_a_megabyte_of_anything(name: str, body: Any, subscriber: Subscriber) -> None:
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    subscriber.send(BY_NAME[name], body if isinstance(body, str) else text)


ANY_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda parts: st.one_of(
        st.lists(parts, max_size=4), st.dictionaries(st.text(max_size=8), parts, max_size=4)
    ),
    max_leaves=12,
)
NAMES = ["prompt", "maxTokens", "temperature", "model", "userId", "action", "userData", "name"]
NAMES += ["preferences", "priceId", "filename", "contentType", "size", "id"]


@pytest.mark.parametrize("name", LEGAL)
def test_any_json_in_any_field(name: str, subscriber: Subscriber) -> None:
    @bounded
    @given(st.dictionaries(st.sampled_from(NAMES), ANY_JSON, max_size=6))
    def tried(body: Any) -> None:
        subscriber.send(BY_NAME[name], json.dumps(body))

    tried()


@pytest.mark.parametrize("name", LEGAL)
def test_any_text_as_a_body(name: str, subscriber: Subscriber) -> None:
    @bounded
    @given(st.text(max_size=200))
    def tried(body: str) -> None:
        subscriber.send(BY_NAME[name], body)

    tried()

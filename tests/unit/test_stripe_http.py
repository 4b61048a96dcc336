"""What the Stripe SDK is told of answers and failures."""

from typing import Any

import pytest
from stripe import APIConnectionError

from billing.stripe_http import StripeHttp
from saas.answers import Answer, Headers
from saas.connections import Connections, NoAnswer, Unreachable


def answering(monkeypatch: pytest.MonkeyPatch, result: Answer | Exception) -> list[tuple[Any, ...]]:
    """Connections that send nothing; returns what they were to send."""
    sent: list[tuple[Any, ...]] = []

    def send(_: Connections, *args: Any, seconds: float, repeatable: bool) -> Answer:
        sent.append((*args, seconds, repeatable))
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(Connections, "send", send)
    return sent


def test_an_answer_reaches_the_sdk_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    headers = Headers([("Request-Id", "req_1")])
    sent = answering(monkeypatch, Answer(402, headers, b"{}", reusable=True))
    content, status, found = StripeHttp("https://api.stripe.com", seconds=5).request(
        "get", "https://api.stripe.com/v1/subscriptions?customer=cus_1", {"Authorization": "x"}
    )
    assert (content, status, found["request-id"]) == (b"{}", 402, "req_1")
    path, wanted = "/v1/subscriptions?customer=cus_1", {"host": "api.stripe.com"}
    assert sent == [("GET", path, wanted | {"Authorization": "x"}, b"", 5, True)]


def test_a_body_is_sent_as_utf_8(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = answering(monkeypatch, Answer(200, Headers([]), b"{}", reusable=True))
    StripeHttp("https://api.stripe.com", seconds=5).request(
        "post", "https://api.stripe.com/v1/customers", {}, "name=Zo%C3%AB&x=ü"
    )
    assert sent[0][0] == "POST"
    assert sent[0][3] == "name=Zo%C3%AB&x=ü".encode()


@pytest.mark.parametrize(
    ("method", "headers", "repeatable"),
    [
        ("get", {}, True),
        ("post", {"Idempotency-Key": "checkout:1"}, True),
        ("post", {}, False),
        ("delete", {}, False),
    ],
)
def test_only_what_may_run_twice_uses_a_connection_that_rested_long(
    monkeypatch: pytest.MonkeyPatch, method: str, headers: dict[str, str], repeatable: bool
) -> None:
    sent = answering(monkeypatch, Answer(200, Headers([]), b"{}", reusable=True))
    StripeHttp("https://api.stripe.com", seconds=5).request(
        method, "https://api.stripe.com/v1/customers", headers
    )
    assert sent[0][-1] is repeatable


@pytest.mark.parametrize(
    ("failure", "repeated"),
    [
        (Unreachable("ConnectionRefusedError"), True),
        (Unreachable("SSLCertVerificationError", untrusted=True), False),
        (NoAnswer("TimeoutError"), True),
    ],
)
def test_only_an_untrusted_host_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, repeated: bool
) -> None:
    answering(monkeypatch, failure)
    with pytest.raises(APIConnectionError) as raised:
        StripeHttp("https://api.stripe.com", seconds=5).request("get", "https://x/v1", {})
    assert raised.value.should_retry is repeated

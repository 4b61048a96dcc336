"""The bench's stub: the functions' own clients get what they need of it, in this process."""

import http.client
import importlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from localcloud.config import functions
from saas import aws, aws_http, secrets, settings, table
from tests.bench import world
from tests.bench.cases import CASES, Case
from tests.bench.stub import Stub
from tests.factories import LambdaContext, body_of


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub("127.0.0.1", world.answer) as made:
        yield made


@pytest.fixture
def at_the_stub(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """Functions of this process see the bench's environment."""
    for name, value in (world.environment(stub.url) | world.aws_environment(stub.url)).items():
        monkeypatch.setenv(name, value)
    _forget()
    yield stub
    _forget()


def _forget() -> None:
    for cached in (settings.settings, settings.aws_environment, table.table, aws.s3):
        cached.cache_clear()
    secrets.forget()
    aws_http.forget_clients()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_works_against_the_stub(case: Case, at_the_stub: Stub) -> None:
    module, _, name = functions()[case.function]["command"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    answer = handler(case.event(), LambdaContext())
    assert answer["statusCode"] == 200
    assert case.worked(body_of(answer))
    assert at_the_stub.refused == []
    assert at_the_stub.requests >= 1


def test_the_webhook_case_really_syncs(at_the_stub: Stub) -> None:
    handled, ignored = (case for case in CASES if case.function == "billing-webhook")
    handler = importlib.import_module("billing.handler").webhook
    handler(handled.event(), LambdaContext())
    before = at_the_stub.requests
    handler(handled.event(), LambdaContext())
    # Recorded? Turn, Stripe's list, transaction.
    assert at_the_stub.requests - before == 4
    handler(ignored.event(), LambdaContext())
    assert at_the_stub.requests - before == 4


def test_unknown_requests_are_refused_and_remembered(stub: Stub) -> None:
    connection = http.client.HTTPConnection(urlsplit(stub.url).netloc)
    for method, path in (("GET", "/v1/charges"), ("POST", "/other")):
        connection.request(method, path, body=b"" if method == "GET" else b"{}")
        answer = connection.getresponse()
        assert answer.status == 400
        answer.read()
    connection.close()
    assert stub.refused == ["GET /v1/charges", "POST /other"]

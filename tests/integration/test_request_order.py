"""The order in which every operation checks a request, and that nothing skips a check.

Size and nesting of the body, credential, account, site and claims, schema, then the domain's own.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from saas import accounts
from saas.table import Put, table
from tests.integration import domain_environment
from tests.integration.aws_fixtures import LocalAws
from tests.integration.every_operation import SIGNED, Operation, operations, send, session

TOO_LARGE = '{"pad": "' + "x" * 1_048_576 + '"}'
TOO_DEEP = '{"a": ' * 65 + "1" + "}" * 65
WITH_BODY = [each for each in SIGNED if each.has_body]
CLAIMS = [{"userId": "other"}, {"userId": 5}, {"userId": ["a"]}, {"userData": {"id": "other"}}]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> Iterator[None]:
    domain_environment.enter(monkeypatch, aws, ALLOWED_ORIGINS="http://localhost:8000")
    yield
    domain_environment.forget()


@pytest.fixture
def user_id() -> str:
    return f"user-{uuid.uuid4().hex}"


@pytest.fixture
def barred(user_id: str) -> str:
    item = accounts.new_user(user_id, email="", name="")
    table().write(Put({**item, "barred": "blocked"}))
    return user_id


def test_there_are_operations_of_every_function() -> None:
    assert {each.function for each in SIGNED} == {"ai-api", "billing-api", "users-api"}


@pytest.mark.parametrize("operation", SIGNED, ids=str)
def test_nobody_gets_in_without_a_credential(operation: Operation) -> None:
    answer = send(operation)
    assert (answer.status, answer.code) == (401, "authentication_required")


@pytest.mark.parametrize("operation", SIGNED, ids=str)
@pytest.mark.parametrize("ending", ["", "\n"])
def test_the_default_route_is_no_way_around(
    operation: Operation, ending: str, aws: LocalAws, barred: str
) -> None:
    """An encoded slash makes API Gateway choose its default route, and the path is decoded."""
    wrong = {"name": 5, "prompt": 5, "priceId": 5, "userId": "other"}
    for sent in ({}, {"cookies": session(aws, barred)}):
        event = {"body": wrong if operation.has_body else None, **sent}
        answer = send(operation, route_key="$default", path=operation.path + ending, **event)
        assert answer.status == (403 if sent else 401)
        assert answer.code == ("account_disabled" if sent else "authentication_required")


@pytest.mark.parametrize("operation", SIGNED, ids=str)
@pytest.mark.parametrize("wrong", ["bearer", "cookie"])
def test_nobody_gets_in_with_a_wrong_credential(operation: Operation, wrong: str) -> None:
    sent: dict[str, Any] = {"headers": {"authorization": "Bearer a.b.c"}}
    if wrong == "cookie":
        sent = {"cookies": ["next-auth.session-token=a.b.c.d.e"]}
    answer = send(operation, **sent)
    assert (answer.status, answer.code) == (401, "invalid_credential")


@pytest.mark.parametrize("operation", SIGNED, ids=str)
def test_nobody_speaks_for_another_in_the_query(
    operation: Operation, aws: LocalAws, user_id: str
) -> None:
    for query in ("userId=other", f"userId={user_id}&userId=other", "userId=null"):
        answer = send(operation, query=query, cookies=session(aws, user_id))
        assert (answer.status, answer.code) == (403, "user_mismatch")


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_nobody_speaks_for_another_in_the_body(
    operation: Operation, aws: LocalAws, user_id: str
) -> None:
    for claim in CLAIMS:
        answer = send(operation, body=claim, cookies=session(aws, user_id))
        assert (answer.status, answer.code) == (403, "user_mismatch")


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
@pytest.mark.parametrize("origin", ["", "https://evil.test", "null"])
def test_no_other_site_uses_a_cookie(
    operation: Operation, origin: str, aws: LocalAws, user_id: str
) -> None:
    answer = send(operation, headers={"origin": origin}, cookies=session(aws, user_id))
    assert (answer.status, answer.code) == (403, "origin_not_allowed")


@pytest.mark.parametrize("operation", SIGNED, ids=str)
def test_a_disabled_account_learns_nothing_else(
    operation: Operation, aws: LocalAws, barred: str
) -> None:
    body = "no JSON" if operation.has_body else None
    answer = send(operation, body=body, query="userId=other", cookies=session(aws, barred))
    assert (answer.status, answer.code) == (403, "account_disabled")


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_size_and_nesting_come_before_the_credential(operation: Operation) -> None:
    too_large, too_deep = send(operation, body=TOO_LARGE), send(operation, body=TOO_DEEP)
    assert (too_large.status, too_large.code) == (413, "body_too_large")
    assert (too_deep.status, too_deep.code) == (400, "invalid_json")


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_the_credential_comes_before_what_the_body_says(operation: Operation) -> None:
    for body in ("no JSON", "[]", {"prompt": 5, "priceId": 5, "filename": 5, "name": 5}):
        assert send(operation, body=body).status == 401


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_site_and_claims_come_before_the_schema(
    operation: Operation, aws: LocalAws, user_id: str
) -> None:
    wrong = {"prompt": 5, "priceId": 5, "filename": 5, "name": 5, "userData": 5}
    cookies = session(aws, user_id)
    elsewhere = send(operation, body=wrong, headers={"origin": "https://e.test"}, cookies=cookies)
    assert elsewhere.code == "origin_not_allowed"
    claimed = send(operation, body={**wrong, "userId": "other"}, cookies=cookies)
    assert claimed.code == "user_mismatch"


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/ai/generate", {}, "Prompt is required"),
        ("/stripe/checkout", {}, "Price ID is required"),
        ("/upload/url", {"contentType": "application/pdf", "size": 1}, "Filename is required"),
    ],
)
def test_the_schema_comes_before_the_subscription(
    path: str, body: Any, sentence: str, aws: LocalAws, user_id: str
) -> None:
    (operation,) = [each for each in SIGNED if each.path == path]
    answer = send(operation, body=body, cookies=session(aws, user_id))
    assert (answer.status, answer.body["error"]) == (400, sentence)


@pytest.mark.parametrize("operation", [each for each in operations() if each.has_body], ids=str)
@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_no_depth_is_an_error_of_ours(
    operation: Operation, bracket: str, aws: LocalAws, user_id: str
) -> None:
    closing = "]" if bracket == "[" else "}"
    cookies = session(aws, user_id)
    for depth in (1, 63, 64, 65, 300, 490, 500, 950, 990, 1000, 2_500, 5_000):
        body = '{"preferences": ' + bracket * depth + "1" + closing * depth + "}"
        for sent in ({"cookies": cookies}, {}):
            assert send(operation, body=body, **sent).status < 500

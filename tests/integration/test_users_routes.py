"""The users domain against local AWS: first sight, changes, tombstones, Cognito's trigger."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from saas import accounts
from saas.table import Key, Put, Update, table
from tests.credentials import V4_COOKIE, claims, v4_token
from tests.factories import LambdaContext, body_of, http_event
from tests.integration import domain_environment
from tests.integration.aws_fixtures import LocalAws
from users import handler


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> Iterator[None]:
    domain_environment.enter(monkeypatch, aws, ALLOWED_ORIGINS="http://localhost:8000")
    yield
    domain_environment.forget()


@pytest.fixture
def user_id() -> str:
    return f"user-{uuid.uuid4().hex}"


def call(
    aws: LocalAws,
    user_id: str,
    method: str,
    path: str,
    body: Any = None,
    **extra: Any,
) -> tuple[int, dict[str, Any]]:
    token = v4_token(claims(user_id, **extra), secret=aws.config.nextauth_secret)
    event = http_event(method, path, body=body, cookies=[f"{V4_COOKIE}={token}"])
    answer = handler.api(event, LambdaContext())
    return answer["statusCode"], body_of(answer)


def stored(user_id: str) -> dict[str, Any] | None:
    return table().get(accounts.key(user_id))


def test_get_user_of_an_unknown_user_has_no_data_and_creates_nothing(
    aws: LocalAws, user_id: str
) -> None:
    answer = call(aws, user_id, "POST", "/auth/session", {"action": "getUser", "userId": user_id})
    assert answer == (200, {"success": True})
    assert stored(user_id) is None


def test_the_user_is_created_on_first_sight_from_the_identity(aws: LocalAws, user_id: str) -> None:
    status, body = call(aws, user_id, "GET", "/users/me")
    assert (status, body["data"]["id"], body["data"]["email"]) == (200, user_id, "ada@example.com")
    item = stored(user_id)
    assert item is not None
    assert (item["pk"], item["sk"]) == (f"USER#{user_id}", f"USER#{user_id}")
    assert (item["gsi1pk"], item["gsi1sk"]) == ("EMAIL#ada@example.com", f"USER#{user_id}")
    status, body = call(aws, user_id, "POST", "/auth/session", {"action": "getUser"})
    assert body["data"]["createdAt"] == item["createdAt"]
    assert not {"pk", "sk", "gsi1pk", "gsi1sk"} & body["data"].keys()


def test_many_first_sights_at_once_create_one_user(aws: LocalAws, user_id: str) -> None:
    from saas.auth import Identity

    identity = Identity(user_id, "ada@example.com", "Ada", "cookie")
    with ThreadPoolExecutor(16) as pool:
        users = list(pool.map(lambda _: accounts.ensure(identity, None), range(16)))
    assert {user.created_at for user in users} == {(stored(user_id) or {})["createdAt"]}


def test_create_user_takes_nothing_dangerous_from_the_body(aws: LocalAws, user_id: str) -> None:
    data = {
        "id": user_id,
        "name": "Body Name",
        "email": "victim@example.com",
        "pk": "USER#victim",
        "sk": "USER#victim",
        "subscriptionStatus": "active",
        "cognitoId": "victim",
        "barred": "",
        "stripeCustomerId": "cus_victim",
    }
    status, body = call(
        aws, user_id, "POST", "/auth/session", {"action": "createUser", "userData": data}
    )
    assert status == 200
    assert body["data"]["subscriptionStatus"] == "inactive"
    assert (body["data"]["email"], body["data"]["name"]) == ("ada@example.com", "Ada")
    item = stored(user_id)
    assert item is not None
    assert "stripeCustomerId" not in item
    assert stored("victim") is None


def test_create_user_may_name_a_nameless_identity(aws: LocalAws, user_id: str) -> None:
    request = {"action": "createUser", "userData": {"name": "Grace"}}
    _, body = call(aws, user_id, "POST", "/auth/session", request, name=None)
    assert body["data"]["name"] == "Grace"
    request = {"action": "createUser", "userData": {"name": "Other"}}
    _, body = call(aws, user_id, "POST", "/auth/session", request, name=None)
    assert body["data"]["name"] == "Grace"


def test_create_user_for_somebody_else_is_forbidden(aws: LocalAws, user_id: str) -> None:
    request = {"action": "createUser", "userData": {"id": "victim"}}
    status, body = call(aws, user_id, "POST", "/auth/session", request)
    assert (status, body["code"]) == (403, "user_mismatch")


@pytest.mark.parametrize("action", ["deleteUser", "", None, 5, ["getUser"]])
def test_an_unknown_action_is_answered_as_the_frontend_knows_it(
    aws: LocalAws,
    user_id: str,
    action: Any,
) -> None:
    status, body = call(aws, user_id, "POST", "/auth/session", {"action": action})
    assert (status, body["success"], body["error"]) == (200, False, "Invalid action")


def test_a_profile_changes_only_where_asked(aws: LocalAws, user_id: str) -> None:
    _, before = call(aws, user_id, "GET", "/users/me")
    _, named = call(aws, user_id, "PATCH", "/users/me", {"name": "Grace"})
    assert (named["data"]["name"], named["data"]["email"]) == ("Grace", "ada@example.com")
    preferences = {
        "theme": "dark",
        "volume": 0.25,
        "tags": ["a"],
        "nested": {"on": True, "off": None},
    }
    _, changed = call(aws, user_id, "PATCH", "/users/me", {"preferences": preferences})
    assert changed["data"]["preferences"] == preferences
    _, after = call(aws, user_id, "GET", "/users/me")
    assert after["data"] == changed["data"]
    assert after["data"]["createdAt"] == before["data"]["createdAt"]
    assert after["data"]["updatedAt"] >= before["data"]["updatedAt"]


@pytest.mark.parametrize(
    "body",
    [{"name": "x" * 201}, {"preferences": {str(n): n for n in range(51)}}, {"preferences": []}],
)
def test_a_profile_has_limits(aws: LocalAws, user_id: str, body: Any) -> None:
    status, answer = call(aws, user_id, "PATCH", "/users/me", body)
    assert (status, answer["code"]) == (400, "validation_failed")


POISON = [
    '{"a": 1e400}',
    '{"a": -1e400}',
    '{"a": 1e130}',
    '{"a": 1e-200}',
    '{"a": 123456789012345678901234567890123456789012345}',
    '{"a": "\\ud800"}',
    '{"\\ud800": 1}',
    '{"": 1}',
    '{"a": {"": 1}}',
    '{"a": ' + "[" * 9 + "]" * 9 + "}",
    '{"a": ' + '{"b":' * 200 + "1" + "}" * 200 + "}",
    '{"a": "' + "ü" * 5_000 + '"}',
]


@pytest.mark.parametrize("preferences", POISON, ids=lambda text: text[:24])
def test_what_cannot_be_stored_is_refused_and_harms_nobody(
    aws: LocalAws, user_id: str, preferences: str
) -> None:
    call(aws, user_id, "GET", "/users/me")
    before = stored(user_id)
    status, answer = call(aws, user_id, "PATCH", "/users/me", f'{{"preferences": {preferences}}}')
    assert (status, answer["success"]) == (400, False)
    assert answer["code"] in ("validation_failed", "invalid_json")
    assert stored(user_id) == before
    assert call(aws, user_id, "GET", "/users/me")[0] == 200


def test_the_first_identity_with_an_email_completes_a_user_without_one(
    aws: LocalAws, user_id: str
) -> None:
    call(aws, user_id, "GET", "/users/me", email=None, name=None)
    assert stored(user_id)["email"] == ""  # type: ignore[index]
    _, body = call(aws, user_id, "GET", "/users/me", email="late@example.com", name="Late")
    assert (body["data"]["email"], body["data"]["name"]) == ("late@example.com", "Late")
    item = stored(user_id)
    assert item is not None
    assert item["gsi1pk"] == "EMAIL#late@example.com"
    call(aws, user_id, "GET", "/users/me", email="late@example.com")
    assert stored(user_id) == item


def test_absurd_names_and_addresses_in_a_session_are_cut(aws: LocalAws, user_id: str) -> None:
    status, body = call(aws, user_id, "GET", "/users/me", email="x" * 3_000, name="n" * 3_000)
    assert (status, body["data"]["email"], len(body["data"]["name"])) == (200, "", 256)


UGLY = st.text(st.characters(codec=None, exclude_categories=()), max_size=300)
LONG = st.text("aé\u4e00\U0001f600", min_size=200, max_size=1100)
ANY_TEXT = UGLY | LONG | st.sampled_from(["Ada \ud83d", "\0", "\udc00\ud800", "x" * 5000])
some_examples = examples(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@some_examples
@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_any_text_in_a_credential_is_stored_or_refused(
    aws: LocalAws, sub: str, email: str, name: str
) -> None:
    unique = uuid.uuid4().hex
    for subject in (f"{unique}{sub}", unique):
        status, body = call(aws, subject, "GET", "/users/me", email=email, name=name)
        assert status == 200 or (status, body["code"]) == (401, "invalid_credential")
        if status == 200:
            item = stored(subject)
            assert item is not None
            assert (item["id"], item["name"]) == (subject, body["data"]["name"])
    assert status == 200


@some_examples
@given(ANY_TEXT)
def test_any_name_in_a_body_is_stored_or_refused(aws: LocalAws, name: str) -> None:
    user_id = uuid.uuid4().hex
    named = {"action": "createUser", "userData": {"name": name}}
    for method, path, body in (
        ("POST", "/auth/session", named),
        ("PATCH", "/users/me", {"name": name}),
    ):
        status, answer = call(aws, user_id, method, path, body, name=None)
        assert status == 200 or (status, answer["code"]) == (400, "validation_failed")
        if status == 200:
            assert stored(user_id)["name"] == answer["data"]["name"]  # type: ignore[index]


@some_examples
@given(ANY_TEXT | st.none(), ANY_TEXT | st.none(), ANY_TEXT | st.none())
def test_any_attribute_of_a_sign_up_is_stored_or_left_out(
    aws: LocalAws, sub: str | None, email: str | None, name: str | None
) -> None:
    event = confirmation(uuid.uuid4().hex)
    said = {"sub": sub, "email": email, "name": name}
    for changes in (said, {"email": email, "name": name}):
        attributes = event["request"]["userAttributes"] | changes
        attributes = {key: value for key, value in attributes.items() if value is not None}
        changed = {**event, "request": {"userAttributes": attributes}}
        assert handler.post_confirmation(changed, LambdaContext()) == changed
    assert stored(event["request"]["userAttributes"]["sub"]) is not None


@pytest.mark.parametrize("mark", ["blocked", "deleted"])
def test_a_tombstone_keeps_a_user_out_of_every_route(
    aws: LocalAws, user_id: str, mark: str
) -> None:
    call(aws, user_id, "GET", "/users/me")
    table().write(Update(accounts.key(user_id), set={"barred": mark}))
    for method, path, body in (
        ("GET", "/users/me", None),
        ("PATCH", "/users/me", {"name": "Back again"}),
        ("POST", "/auth/session", {"action": "getUser"}),
        ("POST", "/auth/session", {"action": "createUser"}),
    ):
        status, answer = call(aws, user_id, method, path, body)
        assert (status, answer["code"]) == (403, "account_disabled")
    assert stored(user_id)["name"] == "Ada"  # type: ignore[index]


def test_a_bare_tombstone_keeps_a_deleted_user_out(aws: LocalAws, user_id: str) -> None:
    where = accounts.key(user_id)
    table().write(Put({"pk": where.pk, "sk": where.sk, "barred": "deleted"}))
    assert call(aws, user_id, "GET", "/users/me")[0] == 403
    handler.post_confirmation(confirmation(user_id), LambdaContext())
    assert stored(user_id) == {"pk": where.pk, "sk": where.sk, "barred": "deleted"}


def test_a_forged_active_flag_of_the_old_table_gives_nothing(aws: LocalAws, user_id: str) -> None:
    call(aws, user_id, "GET", "/users/me")
    table().write(Update(accounts.key(user_id), set={"subscriptionStatus": "active"}))
    subscription = Key(f"USER#{user_id}", f"SUBSCRIPTION#{user_id}")
    table().write(Put({"pk": subscription.pk, "sk": subscription.sk, "status": "active"}))
    _, body = call(aws, user_id, "GET", "/users/me")
    assert body["data"]["subscriptionStatus"] == "inactive"


def confirmation(user_id: str, trigger: str = "PostConfirmation_ConfirmSignUp") -> dict[str, Any]:
    return {
        "version": "1",
        "region": "us-east-1",
        "userPoolId": "us-east-1_pool",
        "userName": user_id,
        "callerContext": {"awsSdkVersion": "x", "clientId": "c"},
        "triggerSource": trigger,
        "request": {
            "userAttributes": {
                "sub": user_id,
                "email": "new@example.com",
                "email_verified": "true",
                "cognito:user_status": "CONFIRMED",
            }
        },
        "response": {},
    }


def test_the_trigger_creates_the_user_and_answers_the_event(aws: LocalAws, user_id: str) -> None:
    event = confirmation(user_id)
    assert handler.post_confirmation(event, LambdaContext()) == event
    assert stored(user_id)["email"] == "new@example.com"  # type: ignore[index]
    again = confirmation(user_id)
    assert handler.post_confirmation(again, LambdaContext()) == again


@pytest.mark.parametrize("verified", ["false", "", "TRUE", None])
def test_the_trigger_believes_no_address_that_nobody_verified(
    aws: LocalAws, user_id: str, verified: str | None
) -> None:
    """An administrator may confirm a sign-up whose address was never tried."""
    event = confirmation(user_id)
    attributes = event["request"]["userAttributes"]
    del attributes["email_verified"]
    attributes |= {} if verified is None else {"email_verified": verified}
    assert handler.post_confirmation(event, LambdaContext()) == event
    row = stored(user_id)
    assert row is not None
    assert (row["email"], "gsi1pk" in row, "emailHistory" in row) == ("", False, False)
    call(aws, user_id, "GET", "/users/me")
    assert stored(user_id)["email"] == "ada@example.com"  # type: ignore[index]


def test_the_trigger_ignores_forgotten_passwords(aws: LocalAws, user_id: str) -> None:
    event = confirmation(user_id, "PostConfirmation_ConfirmForgotPassword")
    assert handler.post_confirmation(event, LambdaContext()) == event
    assert stored(user_id) is None


def test_health_names_the_image_that_runs(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = "sha256:" + "1" * 64
    domain_environment.enter(monkeypatch, aws, APP_VERSION="abc", IMAGE_DIGEST=digest)
    data = body_of(handler.api(http_event("GET", "/health/users"), LambdaContext()))["data"]
    assert (data["version"], data["imageDigest"]) == ("abc", digest)


def test_health_says_whether_the_table_answers(
    aws: LocalAws,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = handler.api(http_event("GET", "/health/users"), LambdaContext())
    assert (answer["statusCode"], body_of(answer)["data"]["service"]) == (200, "users")
    domain_environment.enter(monkeypatch, aws, TABLE_NAME="no-such-table")
    answer = handler.api(http_event("GET", "/health/users"), LambdaContext())
    assert (answer["statusCode"], body_of(answer)["code"]) == (503, "table_unavailable")

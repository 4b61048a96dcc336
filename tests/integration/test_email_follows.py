"""The user's e-mail follows the credential: row, index, and Stripe's customer in its own time."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from saas import accounts, issuer_keys, settings
from saas.auth import Identity
from saas.table import Delete, Put, Update, table
from tests.credentials import V4_COOKIE, Issuer, claims, v4_token
from tests.factories import LambdaContext, body_of, http_event
from tests.integration.billing_stage import Stage, failing, stage
from tests.integration.test_billing_status import LIST
from users import handler

__all__ = ["stage"]
OLD, NEW = "ada@example.com", "countess@example.com"
ISSUER = Issuer()


@pytest.fixture(autouse=True)
def _issuer(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("COGNITO_ISSUER", ISSUER.url)
    monkeypatch.setenv("COGNITO_CLIENT_ID", ISSUER.client_id)
    monkeypatch.setattr(issuer_keys, "_download", lambda _: json.dumps(ISSUER.jwks()).encode())
    settings.settings.cache_clear()
    yield
    settings.settings.cache_clear()


class Person:
    """A user with credentials of several ages and kinds."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self.user_id = stage, stage.user_id

    def cookie(self, email: str | None, *, age: int = 0, name: str = "Ada") -> dict[str, Any]:
        said = claims(self.user_id, email=email, name=name, iat=int(time.time()) - age)
        token = v4_token(said, secret=self._stage.aws.config.nextauth_secret)
        return {"cookies": [f"{V4_COOKIE}={token}"]}

    def token(self, use: str, **said: Any) -> dict[str, Any]:
        token = ISSUER.token(use, sub=self.user_id, **said)
        return {"headers": {"authorization": f"Bearer {token}"}}

    def sees(self, credential: dict[str, Any]) -> tuple[str, str]:
        """E-mail and name of the profile that a call with this credential gets."""
        answer = handler.api(http_event("GET", "/users/me", **credential), LambdaContext())
        assert answer["statusCode"] == 200, answer
        data = body_of(answer)["data"]
        return data["email"], data["name"]

    def renamed(self, name: str) -> None:
        origin = {"origin": self._stage.aws.config.site_url}
        body = {"name": name}
        event = http_event("PATCH", "/users/me", body=body, headers=origin, **self.cookie(OLD))
        assert handler.api(event, LambdaContext())["statusCode"] == 200

    @property
    def row(self) -> dict[str, Any]:
        found = table().get(accounts.key(self.user_id))
        assert found is not None
        return found


@pytest.fixture
def ada(stage: Stage) -> Person:
    return Person(stage)


def test_a_new_address_in_the_session_becomes_the_users(stage: Stage, ada: Person) -> None:
    assert ada.sees(ada.cookie(OLD, age=60)) == (OLD, "Ada")
    with stage.counted():
        assert ada.sees(ada.cookie(NEW, name="Ada L.")) == (NEW, "Ada L.")
    assert stage.dynamodb_requests == ["BatchGetItem", "UpdateItem"]
    assert (ada.row["email"], ada.row["gsi1pk"]) == (NEW, f"EMAIL#{NEW}")
    assert ada.row["gsi1sk"] == f"USER#{ada.user_id}"
    with stage.counted():
        assert ada.sees(ada.cookie(NEW)) == (NEW, "Ada L.")
    assert stage.dynamodb_requests == ["BatchGetItem"]


def test_an_older_session_and_other_tokens_change_nothing(stage: Stage, ada: Person) -> None:
    ada.sees(ada.cookie(OLD, age=60))
    ada.sees(ada.cookie(NEW))
    before = ada.row
    with stage.counted():
        for _ in range(3):
            assert ada.sees(ada.cookie(OLD, age=60))[0] == NEW
            assert ada.sees(ada.token("access"))[0] == NEW
            assert ada.sees(ada.token("id", email=OLD, email_verified=True))[0] == NEW
            assert ada.sees(ada.cookie(None))[0] == NEW
            assert ada.sees(ada.cookie(NEW))[0] == NEW
    assert set(stage.dynamodb_requests) == {"BatchGetItem"}
    assert ada.row == before


@pytest.mark.parametrize("verified", [False, None, "false", 1, "yes", []])
def test_an_address_that_nobody_verified_is_none(ada: Person, verified: Any) -> None:
    assert ada.sees(ada.token("id", email=NEW, email_verified=verified))[0] == ""
    ada.sees(ada.cookie(OLD))
    assert ada.sees(ada.token("id", email=NEW, email_verified=verified))[0] == OLD


@pytest.mark.parametrize("verified", [True, "true"])
def test_a_verified_address_of_an_id_token_counts(ada: Person, verified: Any) -> None:
    ada.sees(ada.cookie(OLD, age=60))
    assert ada.sees(ada.token("id", email=NEW, email_verified=verified))[0] == NEW
    assert ada.sees(ada.cookie(OLD))[0] == NEW
    assert ada.row["gsi1pk"] == f"EMAIL#{NEW}"


def test_somebody_may_go_back_to_the_address_before(ada: Person) -> None:
    ada.sees(ada.cookie(OLD, age=90))
    ada.sees(ada.cookie(NEW, age=60))
    assert ada.sees(ada.cookie(OLD, age=30))[0] == OLD
    assert ada.sees(ada.cookie(NEW, age=60))[0] == OLD


def test_a_session_that_caught_up_brings_no_stale_address_back(stage: Stage, ada: Person) -> None:
    third = "third@example.com"
    ada.sees(ada.cookie(OLD, age=90))
    ada.sees(ada.token("id", email=NEW, email_verified=True, iat=int(time.time()) - 80))
    before = ada.row
    with stage.counted():
        for _ in range(2):
            assert ada.sees(ada.cookie(NEW, age=70, name="Another")) == (NEW, before["name"])
    assert stage.dynamodb_requests == ["BatchGetItem", "UpdateItem", "BatchGetItem"]
    history = {**before["emailHistory"], "seen": {"cookie": NEW, "bearer": NEW}}
    assert ada.row == {**before, "emailHistory": history}
    ada.sees(ada.token("id", email=third, email_verified=True, iat=int(time.time()) - 60))
    settled = ada.row
    assert settled["email"] == third
    with stage.counted():
        assert ada.sees(ada.cookie(NEW, age=10))[0] == third
    assert stage.dynamodb_requests == ["BatchGetItem"]
    assert ada.row == settled


def test_old_and_new_sessions_at_once_end_in_the_new_address(ada: Person) -> None:
    ada.sees(ada.cookie(OLD, age=60))
    sessions = [ada.cookie(OLD, age=60), ada.cookie(NEW, age=5)] * 10
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ada.sees, sessions))
    assert (ada.row["email"], ada.row["gsi1pk"]) == (NEW, f"EMAIL#{NEW}")
    assert len(ada.row["emailHistory"]["taken"]) == 2
    assert ada.sees(ada.cookie(OLD, age=60))[0] == NEW


def test_several_new_addresses_at_once_end_in_one_of_them_and_stay(ada: Person) -> None:
    ada.sees(ada.cookie(OLD, age=60))
    sessions = [ada.cookie(f"n{each}@example.com", age=5) for each in range(accounts.ATTEMPTS)]
    with ThreadPoolExecutor(accounts.ATTEMPTS) as pool:
        list(pool.map(ada.sees, sessions))
    row = ada.row
    assert row["gsi1pk"] == f"EMAIL#{row['email']}"
    assert row["emailHistory"]["taken"][-1][0] == row["email"]
    for session in sessions:
        ada.sees(session)
    assert ada.row == row


def test_a_name_that_the_user_set_stays(ada: Person) -> None:
    ada.sees(ada.cookie(OLD, age=60))
    ada.renamed("Countess")
    assert ada.sees(ada.cookie(NEW, name="Somebody")) == (NEW, "Countess")
    ada.renamed("")
    assert ada.sees(ada.cookie("third@example.com", name="Somebody")) == ("third@example.com", "")


@pytest.mark.parametrize("history", [None, "x", 7, {"seen": [], "taken": {}}, {"taken": [[1]]}])
def test_rows_of_before_follow_too_and_keep_their_name(ada: Person, history: Any) -> None:
    row = accounts.new_user(ada.user_id, email=OLD, name="Grace")
    table().write(Put(row | ({} if history is None else {"emailHistory": history})))
    assert ada.sees(ada.cookie(OLD)) == (OLD, "Grace")
    assert ada.sees(ada.cookie(NEW)) == (NEW, "Grace")
    assert ada.sees(ada.cookie("third@example.com")) == ("third@example.com", "Grace")


def test_a_blocked_users_row_stays_as_it_is(ada: Person) -> None:
    ada.sees(ada.cookie(OLD, age=60))
    table().write(Update(accounts.key(ada.user_id), set={"barred": "blocked"}))
    before = ada.row
    event = http_event("GET", "/users/me", **ada.cookie(NEW))
    assert handler.api(event, LambdaContext())["statusCode"] == 403
    assert ada.row == before


@pytest.mark.parametrize("history", [True, False])
def test_a_row_that_was_removed_meanwhile_does_not_come_back(ada: Person, history: bool) -> None:
    if history:
        ada.sees(ada.cookie(OLD, age=60))
    else:
        table().write(Put(accounts.new_user(ada.user_id, email=OLD, name="Ada")))
    read = accounts.load(ada.user_id).user
    table().write(Delete(accounts.key(ada.user_id)))
    caller = Identity(ada.user_id, NEW, "Ada", "cookie", issued_at=int(time.time()))
    assert accounts.ensure(caller, read) == read
    assert table().get(accounts.key(ada.user_id)) is None


@pytest.mark.parametrize("none", ["", "   ", "not an address", "a b@example.com", "@", None])
def test_what_is_no_address_overwrites_none(ada: Person, none: str | None) -> None:
    ada.sees(ada.cookie(OLD, age=60))
    before = ada.row
    assert ada.sees(ada.cookie(none))[0] == OLD
    assert ada.sees(ada.token("id", email=none, email_verified=True))[0] == OLD
    assert ada.row == before


# Stripe


def changed(stage: Stage) -> str:
    """A subscriber whose address changed; the path of the Stripe customer."""
    stage.buy()
    stage.email = NEW
    with stage.counted():
        stage.status()
    assert (stage.stripe_requests, stage.dynamodb_requests) == ([], ["BatchGetItem", "UpdateItem"])
    with stage.counted():
        stage.status()
    assert (stage.stripe_requests, stage.dynamodb_requests) == ([], ["BatchGetItem"])
    assert stage.stripe.customers.retrieve(stage.customer_id)["email"] == OLD
    return f"/v1/customers/{stage.customer_id}"


def told(stage: Stage, path: str) -> int:
    return stage.stripe_requests.count(("POST", path))


def test_the_portal_tells_stripe_once(stage: Stage) -> None:
    path = changed(stage)
    with stage.counted():
        for _ in range(3):
            assert stage.call("POST", "/stripe/portal")[0] == 200
    assert told(stage, path) == 1
    assert stage.stripe.customers.retrieve(stage.customer_id)["email"] == NEW
    assert "customerEmailDue" not in stage.user_item


def test_a_sync_tells_stripe_once(stage: Stage) -> None:
    from billing.sync import sync

    path = changed(stage)
    with stage.counted():
        assert [sync(stage.customer_id).outcome for _ in range(3)] == ["applied"] * 3
    assert told(stage, path) == 1
    assert stage.stripe_requests.count(LIST) == 3
    assert stage.stripe.customers.retrieve(stage.customer_id)["email"] == NEW
    assert stage.status()["hasActiveSubscription"] is True


def test_a_checkout_tells_stripe_once(stage: Stage) -> None:
    stage.session_id()
    stage.email = NEW
    stage.status()
    path = f"/v1/customers/{stage.customer_id}"
    with stage.counted():
        stage.session_id("price_professional_monthly")
        stage.session_id("price_professional_monthly")
    assert told(stage, path) == 1
    assert stage.stripe.customers.retrieve(stage.customer_id)["email"] == NEW


def test_while_stripe_cannot_be_told_nothing_else_fails_and_it_hears_later(stage: Stage) -> None:
    from billing.sync import sync

    path = changed(stage)
    stage.before = lambda method, at: failing(503) if (method, at) == ("POST", path) else None
    assert sync(stage.customer_id).outcome == "applied"
    assert stage.call("POST", "/stripe/portal")[0] == 200
    assert stage.user_item["customerEmailDue"] is True
    stage.before = None
    assert sync(stage.customer_id).outcome == "applied"
    assert stage.stripe.customers.retrieve(stage.customer_id)["email"] == NEW
    assert "customerEmailDue" not in stage.user_item

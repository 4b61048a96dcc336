"""The webhook function: what counts as Stripe's word, and what is remembered of it."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from pydantic import SecretStr

from billing import store
from saas import secrets
from saas.settings import settings
from saas.table import table
from tests.factories import body_of
from tests.integration.billing_stage import Stage, failing, signed, stage

__all__ = ["stage"]
LIST = ("GET", "/v1/subscriptions")
COMPLETED = "checkout.session.completed"


@pytest.fixture
def event(stage: Stage) -> dict[str, Any]:
    """The event of a payment that nothing else has told us of."""
    assert stage.pay(stage.session_id()) == "complete"
    (found,) = stage.events(COMPLETED)
    return found


def untouched(stage: Stage, event: dict[str, Any]) -> bool:
    return stage.entitlement is None and stage.recorded(event) is None


def test_a_signed_event_activates_the_subscription(stage: Stage, event: dict[str, Any]) -> None:
    assert stage.deliver(event) == 200
    assert stage.answer == {"received": True}
    assert stage.recorded(event) == "applied"
    assert stage.entitlement
    assert stage.entitlement.stripe_status == "active"
    assert stage.user_item["subscriptionStatus"] == "active"
    assert stage.user_item["subscriptionId"] == stage.entitlement.stripe_subscription_id
    assert "checkoutFreshUntil" not in stage.user_item
    with stage.counted():
        assert stage.status()["hasActiveSubscription"] is True
    assert (stage.stripe_requests, stage.dynamodb_requests) == ([], ["BatchGetItem"])


def test_the_record_expires_and_names_no_more_than_ids(stage: Stage, event: dict[str, Any]) -> None:
    stage.deliver(event)
    item = table().get(store.event_key(event["id"])) or {}
    assert item.pop("ttl") == pytest.approx(time.time() + 90 * 86_400, abs=60)
    assert item.keys() == {"pk", "sk", "type", "customer", "outcome", "created", "receivedAt"}


@pytest.mark.parametrize("encoded", [True, False])
def test_the_signature_is_over_the_bytes_as_sent(
    stage: Stage, event: dict[str, Any], encoded: bool
) -> None:
    payload = json.dumps(event, indent=2, ensure_ascii=False) + "\n"
    signature = signed(payload, stage.secret)
    if encoded:
        body = base64.b64encode(payload.encode()).decode()
        assert stage.deliver_signed("", signature, body=body, isBase64Encoded=True) == 200
    else:
        assert stage.deliver_signed(payload, signature) == 200
    assert stage.recorded(event) == "applied"


MALFORMED = [
    None,
    "",
    "nonsense",
    "t=abc,v1=00",
    "v1=00",
    "t=1,v0=00",
    f"t={'9' * 5000},v1=00",
    "t=1,v1=" + "0" * 64,
    "t=1,v1=ü",
    ",,,===",
]


def test_a_missing_or_malformed_signature_is_400(stage: Stage, event: dict[str, Any]) -> None:
    for signature in MALFORMED:
        assert stage.deliver_signed(json.dumps(event), signature) == 400, signature
        assert (stage.answer["success"], stage.answer["code"]) == (False, "invalid_signature")
    assert untouched(stage, event)


def test_a_forged_signature_is_400(stage: Stage, event: dict[str, Any]) -> None:
    assert stage.deliver(event, secret="whsec_guessed") == 400
    assert untouched(stage, event)


def test_an_altered_payload_is_400(stage: Stage, event: dict[str, Any]) -> None:
    signature = signed(json.dumps(event), stage.secret)
    altered = json.dumps({**event, "type": "customer.subscription.deleted"})
    assert stage.deliver_signed(altered, signature) == 400
    assert untouched(stage, event)


def test_a_stale_signature_is_400(stage: Stage, event: dict[str, Any]) -> None:
    assert stage.deliver(event, at=int(time.time()) - 301) == 400
    assert untouched(stage, event)
    assert stage.deliver(event, at=int(time.time()) - 290) == 200


def rotate(*values: Any) -> None:
    name = settings().stripe_webhook_secret_name
    secrets._cache[name] = (time.monotonic(), SecretStr(json.dumps(values)))


def test_while_a_secret_is_rotated_both_are_good(stage: Stage, event: dict[str, Any]) -> None:
    rotate("whsec_new", "whsec_old")
    assert stage.deliver(event, secret="whsec_old") == 200
    assert stage.deliver({**event, "id": event["id"] + "2"}, secret="whsec_new") == 200
    rotate("whsec_new")
    assert stage.deliver({**event, "id": event["id"] + "3"}, secret="whsec_old") == 400


@pytest.mark.parametrize("entry", ["", " ", None, "unset", 0, [], "\ud800"])
def test_an_entry_that_is_no_secret_signs_nothing(
    stage: Stage, event: dict[str, Any], entry: Any
) -> None:
    rotate("whsec_new", entry)
    payload, stamp = json.dumps(event), int(time.time())
    for known in ("", " ", "None", "unset", "0", "[]", "null"):
        text = f"{stamp}.{payload}".encode()
        forged = hmac.new(known.encode(), text, hashlib.sha256).hexdigest()
        assert stage.deliver_signed(payload, f"t={stamp},v1={forged}") == 400
    assert untouched(stage, event)
    assert stage.deliver(event, secret="whsec_new") == 200
    rotate(entry)
    assert stage.deliver({**event, "id": event["id"] + "2"}, secret="whsec_new") == 503


def test_any_of_several_v1_values_may_hold(stage: Stage, event: dict[str, Any]) -> None:
    payload = json.dumps(event)
    good = signed(payload, stage.secret)
    stamp, _, mark = good.partition(",")
    bad = "v1=" + "0" * 64
    assert stage.deliver_signed(payload, f"{stamp},{bad},{mark}") == 200
    assert stage.recorded(event) == "applied"


def test_without_a_secret_nothing_is_accepted(stage: Stage, event: dict[str, Any]) -> None:
    """A deployment's mistake: Stripe keeps its events and delivers them later."""
    rotate("")
    assert stage.deliver_signed(json.dumps(event), signed(json.dumps(event), "")) == 503
    rotate()
    assert stage.deliver(event) == 503
    assert untouched(stage, event)


@pytest.mark.parametrize(
    "payload", ["", "no json", "[1]", '"text"', '{"object":"event"}', "\ud800"]
)
def test_what_is_signed_and_no_event_is_400_or_ignored(stage: Stage, payload: str) -> None:
    body = base64.b64encode(payload.encode("utf-8", "surrogatepass")).decode()
    signature = signed(payload, stage.secret) if payload != "\ud800" else "t=1,v1=0"
    assert stage.deliver_signed("", signature, body=body, isBase64Encoded=True) == 400
    assert stage.answer["code"] in ("invalid_event", "invalid_signature")


@pytest.mark.parametrize("kind", ["customer.created", "some.future.event"])
def test_other_kinds_of_events_are_answered_and_forgotten(
    stage: Stage, event: dict[str, Any], kind: str
) -> None:
    with stage.counted():
        assert stage.deliver({**event, "type": kind}) == 200
    assert (stage.stripe_requests, stage.dynamodb_requests) == ([], [])
    assert stage.deliver({"object": "v2.core.event", "id": "evt_thin", "type": "v1.x"}) == 200


def test_a_duplicate_is_answered_without_asking_stripe(stage: Stage, event: dict[str, Any]) -> None:
    stage.deliver(event)
    before = stage.entitlement
    with stage.counted():
        assert stage.deliver(event) == 200
    assert (stage.stripe_requests, stage.dynamodb_requests) == ([], ["BatchGetItem"])
    assert stage.entitlement == before


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_failure_makes_stripe_deliver_again(
    stage: Stage, event: dict[str, Any], status: int
) -> None:
    stage.before = lambda method, path: failing(status) if (method, path) == LIST else None
    assert stage.deliver(event) == 503
    assert stage.answer["code"] == "billing_unavailable"
    assert untouched(stage, event)
    stage.before = None
    assert stage.deliver(event) == 200
    assert stage.recorded(event) == "applied"
    assert stage.status()["hasActiveSubscription"] is True


def test_an_unexpected_error_is_500_and_delivered_again(
    stage: Stage, event: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr("billing.sync.choose", lambda _: 1 / 0)
        assert stage.deliver(event) == 500
    assert stage.answer["code"] == "internal_error"
    assert untouched(stage, event)
    assert stage.deliver(event) == 200
    assert stage.recorded(event) == "applied"


@pytest.mark.parametrize(
    "foreign",
    [
        {"livemode": True},
        {"account": "acct_1connected"},
        {"metadata": {"env": "prod"}},
        {"metadata": {"app": "another"}},
        {"customer": "cus_unknown"},
        {"customer": None},
    ],
)
def test_events_of_others_are_recorded_and_answered(
    stage: Stage, event: dict[str, Any], foreign: dict[str, Any]
) -> None:
    subject = {**event["data"]["object"], **foreign}
    outer = {key: value for key, value in foreign.items() if key in ("livemode", "account")}
    with stage.counted():
        assert stage.deliver({**event, **outer, "data": {"object": subject}}) == 200
    assert stage.recorded(event) == "foreign"
    assert stage.entitlement is None
    assert stage.stripe_requests == []


def test_an_event_with_an_expanded_customer_is_understood(
    stage: Stage, event: dict[str, Any]
) -> None:
    subject = {
        **event["data"]["object"],
        "customer": {"id": stage.customer_id, "object": "customer"},
    }
    assert stage.deliver({**event, "data": {"object": subject}}) == 200
    assert stage.recorded(event) == "applied"


def test_what_an_event_claims_of_a_subscription_is_not_believed(stage: Stage) -> None:
    """Only the customer's name is taken from an event: the state comes from Stripe."""
    subscription = stage.buy()
    stage.stripe.subscriptions.cancel(subscription)
    (event,) = stage.events("customer.subscription.created")
    assert event["data"]["object"]["status"] == "active"
    assert stage.deliver(event) == 200
    assert stage.status()["hasActiveSubscription"] is False


def test_an_unpaid_session_activates_nothing(stage: Stage) -> None:
    session = stage.session_id()
    assert stage.pay(session, "4000000000000002") == "declined"
    stage.stripe.checkout.sessions.expire(session)
    (expired,) = stage.events("checkout.session.expired")
    fabricated = {**expired, "type": COMPLETED, "id": expired["id"] + "c"}
    assert stage.deliver(fabricated) == 200
    assert stage.deliver(expired) == 200
    assert stage.status() == {"subscriptionStatus": "inactive", "hasActiveSubscription": False}


def test_logs_carry_no_bodies_and_no_secrets(
    stage: Stage, event: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    stage.deliver(event)
    stage.deliver(event, secret="whsec_guessed")
    written = str([vars(record) for record in caplog.records])
    assert event["id"] in written
    for hidden in (
        stage.secret,
        stage.aws.config.stripe_secret_key,
        "ada@example.com",
        "client_secret",
    ):
        assert hidden not in written


def test_the_webhook_function_has_no_other_route(stage: Stage) -> None:
    from billing import handler
    from tests.factories import LambdaContext, http_event

    answer = handler.webhook(http_event("GET", "/stripe/webhook"), LambdaContext())
    assert (answer["statusCode"], body_of(answer)["code"]) == (404, "route_not_found")

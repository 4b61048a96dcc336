"""Webhooks of the local Stripe: signed, retried, resumed, and visible."""

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import stripe

from localcloud.stripe import server, webhooks
from localcloud.stripe.webhook_post import signature
from localcloud.stripe.webhooks import retry_after
from tests.integration.stripe_fixtures import (
    BASIL,
    ENDIVE,
    LocalStripe,
    Receiver,
    config_for,
    fresh,
    local,
    receiver,
    running,
    until,
)

__all__ = ["fresh", "local", "receiver"]
ROOT = Path(__file__).resolve().parents[2]


def endpoint(local: LocalStripe, url: str, **more: Any) -> Any:
    """An endpoint of that address; the stack's own, which nobody answers, is put out of the way."""
    client = local.client()
    for other in client.v1.webhook_endpoints.list({"limit": 100}).data:
        client.v1.webhook_endpoints.delete(other.id)
    params: Any = {"url": url, "enabled_events": ["*"], **more}
    return client.v1.webhook_endpoints.create(params)


def deliveries(local: LocalStripe, event: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(
        each["deliveries"] for each in local.control("/_local/events") if each["id"] == event
    )
    return found


def test_event_arrives_signed(local: LocalStripe, receiver: Receiver) -> None:
    made = endpoint(local, receiver.url)
    assert made.secret.startswith("whsec_")
    customer = local.client().v1.customers.create({"name": "Hook"}, {"idempotency_key": "hook-key"})
    until(lambda: receiver.received)
    header, body = receiver.received[0]
    event = stripe.Webhook.construct_event(body, header, made.secret)  # type: ignore[no-untyped-call]
    assert event.type == "customer.created"
    assert event.data.object.id == customer.id
    assert event.request.idempotency_key == "hook-key"
    assert event.request.id == customer.last_response.request_id
    assert event.api_version == BASIL
    assert event.pending_webhooks == 1
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, header, "whsec_other")  # type: ignore[no-untyped-call]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body + b" ", header, made.secret)  # type: ignore[no-untyped-call]
    [delivery] = until(lambda: [d for d in deliveries(local, event.id) if d["attempts"]])
    assert (delivery["state"], delivery["url"]) == ("succeeded", receiver.url)
    assert [a["status"] for a in delivery["attempts"]] == [200]
    assert local.client().v1.events.retrieve(event.id).pending_webhooks == 0


def test_page_sends_the_events_of_what_was_due(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that comes before the ticker makes events, too: they must not wait for the next."""
    monkeypatch.setattr(server, "TICK_SECONDS", 3600)
    with running(config_for(tmp_path)) as own:
        endpoint(own, receiver.url, enabled_events=["checkout.session.expired"])
        session = own.checkout(expires_at=own.account.clock.now() + 1800)
        own.advance(1801)
        status, _, _ = own.http("GET", f"/c/pay/{session.id}")
        assert status == 410
        until(lambda: receiver.events("checkout.session.expired"))


def test_a_rolled_secret_signs_beside_the_old_one(local: LocalStripe, receiver: Receiver) -> None:
    made = endpoint(local, receiver.url, enabled_events=["customer.created"])
    rolled = local.control("/_local/roll", {"endpoint": made.id})
    assert rolled["secret"] != made.secret
    local.client().v1.customers.create()
    until(lambda: receiver.received)
    header, body = receiver.received[0]
    assert header.count("v1=") == 2
    for secret in (made.secret, rolled["secret"]):
        stripe.Webhook.construct_event(body, header, secret)  # type: ignore[no-untyped-call]


def test_secret_is_shown_once(local: LocalStripe, receiver: Receiver) -> None:
    made = endpoint(local, receiver.url, description="once")
    client = local.client()
    assert "secret" not in client.v1.webhook_endpoints.retrieve(made.id).to_dict()
    assert "secret" not in client.v1.webhook_endpoints.list().data[0].to_dict()
    disabled = client.v1.webhook_endpoints.update(made.id, {"disabled": True})
    assert disabled.status == "disabled"
    assert client.v1.webhook_endpoints.delete(made.id).deleted is True


def test_payload_has_the_endpoints_version(local: LocalStripe, receiver: Receiver) -> None:
    """The client's pin does not matter: a payload follows its endpoint."""
    endpoint(local, receiver.url, api_version=ENDIVE)
    session = local.checkout()
    local.client().v1.checkout.sessions.expire(session.id)
    [event] = until(lambda: receiver.events("checkout.session.expired"))
    assert event["api_version"] == ENDIVE
    assert event["data"]["object"]["ui_mode"] == "embedded_page"
    assert "allowed_payment_method_types" in event["data"]["object"]
    by_api = local.client(ENDIVE).v1.events.retrieve(event["id"])
    assert by_api.api_version == BASIL
    assert by_api.data.object["ui_mode"] == "embedded"


@pytest.mark.parametrize("name", ["customer.*", "customer.subscription", "customer.update", ""])
def test_types_that_do_not_exist_are_refused(local: LocalStripe, name: str) -> None:
    """Stripe has no patterns but `*`: an endpoint for `customer.*` would never get anything."""
    client = local.client()
    with pytest.raises(stripe.InvalidRequestError) as wrong:
        endpoint(local, "http://127.0.0.1:9/hook", enabled_events=["customer.created", name])
    assert wrong.value.param == "enabled_events[1]"
    made = endpoint(local, "http://127.0.0.1:9/hook", enabled_events=["invoice.upcoming"])
    with pytest.raises(stripe.InvalidRequestError, match="There are no patterns"):
        client.v1.webhook_endpoints.update(made.id, {"enabled_events": ["*", name]})  # type: ignore[list-item]
    client.v1.webhook_endpoints.delete(made.id)


def test_only_enabled_events_are_sent(local: LocalStripe, receiver: Receiver) -> None:
    endpoint(local, receiver.url, enabled_events=["customer.deleted"])
    client = local.client()
    customer = client.v1.customers.create()
    client.v1.customers.delete(customer.id)
    until(lambda: receiver.received)
    assert [event["type"] for event in receiver.events()] == ["customer.deleted"]
    created = client.v1.events.list({"type": "customer.created", "limit": 1}).data[0]
    assert deliveries(local, created.id) == []


def test_failures_are_retried_until_2xx(
    local: LocalStripe, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """500 and a redirect are failures; the third attempt is accepted."""
    monkeypatch.setattr(webhooks, "FIRST_RETRY", 0.5)
    answers = iter([500, 302])
    receiver.answer = lambda _: next(answers, 204)
    endpoint(local, receiver.url, enabled_events=["customer.created"])
    began = time.monotonic()
    local.client().v1.customers.create()
    until(lambda: len(receiver.received) == 3)
    assert time.monotonic() - began >= retry_after(1) + retry_after(2)
    [event] = {event["id"] for event in receiver.events()}
    [delivery] = until(lambda: [d for d in deliveries(local, event) if d["state"] == "succeeded"])
    assert [attempt["status"] for attempt in delivery["attempts"]] == [500, 302, 204]
    stamps = {header.partition(",")[0] for header, _ in receiver.received}
    assert len(stamps) > 1  # each attempt is signed anew, or a late one would be too old


def test_undelivered_events_can_be_listed(local: LocalStripe, receiver: Receiver) -> None:
    receiver.answer = lambda event: 500 if event["type"] == "customer.created" else 200
    endpoint(local, receiver.url, enabled_events=["customer.created", "customer.deleted"])
    client = local.client()
    customer = client.v1.customers.create()
    client.v1.customers.update(customer.id, {"name": "Nobody wants this"})
    client.v1.customers.delete(customer.id)
    until(lambda: len(receiver.received) >= 2)

    def listed(*, delivered: bool) -> set[str]:
        found = client.v1.events.list({"delivery_success": delivered, "limit": 20}).data
        return {e.type for e in found if e.data.object["id"] == customer.id}

    until(lambda: listed(delivered=True) == {"customer.updated", "customer.deleted"})
    assert listed(delivered=False) == {"customer.created"}


def test_deliveries_run_side_by_side(local: LocalStripe, receiver: Receiver) -> None:
    endpoint(local, receiver.url, enabled_events=["customer.created"])
    receiver.delay = 0.3
    for _ in range(12):
        local.client().v1.customers.create()
    began = time.monotonic()
    until(lambda: len(receiver.received) == 12)
    assert 4 <= receiver.most_at_once <= 8
    assert time.monotonic() - began < 12 * 0.3


def test_an_api_call_never_waits_for_a_webhook(local: LocalStripe, receiver: Receiver) -> None:
    endpoint(local, receiver.url)
    receiver.delay = 3
    began = time.monotonic()
    local.client().v1.customers.create()
    assert time.monotonic() - began < receiver.delay
    until(lambda: receiver.received)


def test_disabled_endpoint_gets_nothing_more(local: LocalStripe, receiver: Receiver) -> None:
    receiver.answer = lambda _: 500
    made = endpoint(local, receiver.url, enabled_events=["customer.created"])
    client = local.client()
    client.v1.customers.create()
    until(lambda: receiver.received)
    client.v1.webhook_endpoints.update(made.id, {"disabled": True})
    event = receiver.events()[0]["id"]
    until(lambda: deliveries(local, event)[0]["state"] == "abandoned")
    client.v1.customers.create()
    assert len(receiver.received) == 1


def test_pending_deliveries_survive_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    """The event is made while nobody listens; it arrives after the server was started again."""
    config = config_for(tmp_path)
    with running(config) as server:
        customer = server.client().v1.customers.create({"name": "Patient"})
        [event] = server.events(customer.id)
        until(lambda: deliveries(server, event.id)[0]["attempts"])
    moved = config.__class__(**{**config.__dict__, "gateway_port": receiver.port})
    with running(moved) as server:
        [arrived] = until(lambda: receiver.events("customer.created"))
        assert arrived["id"] == event.id
        header, body = receiver.received[0]
        stripe.Webhook.construct_event(body, header, config.webhook_secret)  # type: ignore[no-untyped-call]
        assert server.client().v1.customers.retrieve(customer.id).name == "Patient"
        attempts = until(
            lambda: [
                d["attempts"] for d in deliveries(server, event.id) if d["state"] == "succeeded"
            ]
        )
        assert [a["status"] for a in attempts[0]] == [None, 200]


def test_everything_committed_survives_kill_9(tmp_path: Path, receiver: Receiver) -> None:
    config = config_for(tmp_path, receiver.port)
    receiver.answer = lambda _: 500
    environment = {**os.environ, "GROUNDWORK_STACK": config.to_json(), "PYTHONPATH": "lib"}
    command = [sys.executable, "-m", "localcloud", "stripe"]

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, cwd=ROOT, env=environment)
        until(lambda: _healthy(config.stripe_url), 20)
        return process

    process = start()
    try:
        server = LocalStripe(config)
        customers = [server.client().v1.customers.create().id for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        receiver.answer = lambda _: 200
        receiver.received.clear()
        process = start()
        kept = server.client().v1.customers.list({"limit": 100}).data
        assert [customer.id for customer in kept] == customers[::-1]
        until(lambda: {e["data"]["object"]["id"] for e in receiver.events()} == set(customers), 12)
    finally:
        process.terminate()
        assert process.wait(10) == 0


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_health", timeout=1) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def test_both_secrets_sign_while_one_is_rolled() -> None:
    payload = json.dumps({"id": "evt_1", "object": "event"})
    now = int(time.time())
    header = signature(payload, ["whsec_new", "whsec_old"], now)
    assert header.count("v1=") == 2
    for secret in ("whsec_new", "whsec_old"):
        stripe.WebhookSignature.verify_header(payload, header, secret, tolerance=300)  # type: ignore[no-untyped-call]
    mac = hmac.new(b"whsec_new", f"{now}.{payload}".encode(), hashlib.sha256).hexdigest()
    assert header.startswith(f"t={now},v1={mac},v1=")


def test_retries_grow_to_an_hour() -> None:
    assert [retry_after(n) for n in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert retry_after(1000) == 3600

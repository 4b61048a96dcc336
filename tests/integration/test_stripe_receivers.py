"""Events stay on this machine: the address is judged when it is given and when it is used."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import stripe

from localcloud.stripe import receivers
from localcloud.stripe.receivers import Resolver, problem
from tests.integration.stripe_fixtures import (
    LocalStripe,
    Receiver,
    config_for,
    local,
    receiver,
    running,
    until,
)

__all__ = ["local", "receiver"]
ELSEWHERE = [
    "https://evil.example/hook",
    "http://localhost.evil.example/hook",
    "http://127.0.0.1.nip.io/hook",
    "http://localhost@evil.example/hook",
    "http://10.0.0.1/hook",
    "http://169.254.169.254/latest/meta-data",
    "http://[fd00::1]/hook",
    "http://0.0.0.0/hook",
    "http://2130706433/hook",
    "http://gateway:8000/hook",
    "http://host.docker.internal/hook",
]
HERE = [
    "http://localhost:3000/hook",
    "https://LOCALHOST/hook",
    "http://127.0.0.1:3000/hook",
    "http://127.9.8.7/hook",
    "http://[::1]:3000/hook",
]
EVENTS: Any = ["customer.created"]


@pytest.fixture
def account(tmp_path: Path) -> Iterator[LocalStripe]:
    with running(replace(config_for(tmp_path), stripe_unseeded=True)) as server:
        yield server


@pytest.mark.parametrize("url", ELSEWHERE)
def test_an_endpoint_on_another_machine_is_refused(account: LocalStripe, url: str) -> None:
    endpoints = account.client().v1.webhook_endpoints
    made = endpoints.create({"url": HERE[0], "enabled_events": EVENTS})
    for refused in (
        lambda: endpoints.create({"url": url, "enabled_events": EVENTS}),
        lambda: endpoints.update(made.id, {"url": url}),
    ):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            refused()
        error = caught.value
        assert (error.http_status, error.param, error.code) == (400, "url", "url_invalid")
        assert "GROUNDWORK_WEBHOOKS_ANYWHERE=1" in str(error)
    [kept] = endpoints.list().data
    assert (kept.id, kept.url) == (made.id, HERE[0])


@pytest.mark.parametrize("url", HERE)
def test_an_endpoint_on_this_machine_is_accepted(account: LocalStripe, url: str) -> None:
    endpoints = account.client().v1.webhook_endpoints
    made = endpoints.create({"url": url, "enabled_events": EVENTS})
    assert endpoints.retrieve(made.id).url == url


def test_composes_services_are_named_in_compose_alone(tmp_path: Path) -> None:
    config = config_for(tmp_path)
    composed = replace(config, service_names=("gateway",))
    url = "http://gateway:8000/hook"
    assert problem(config, url)
    assert problem(composed, url) is None
    assert problem(composed, "http://elsewhere:8000/hook")


def test_a_launcher_may_be_told_otherwise(tmp_path: Path) -> None:
    with running(replace(config_for(tmp_path), webhooks_anywhere=True)) as server:
        endpoints = server.client().v1.webhook_endpoints
        made = endpoints.create({"url": ELSEWHERE[0], "enabled_events": EVENTS})
        assert made.url == ELSEWHERE[0]


def failure_of(server: LocalStripe, customer: str) -> dict[str, Any]:
    """The first attempt of the customer's event that came to nothing."""

    def attempt() -> Any:
        [event] = server.events(customer)
        shown = next(each for each in server.control("/_local/events") if each["id"] == event.id)
        return next((a for d in shown["deliveries"] for a in d["attempts"]), None)

    found: dict[str, Any] = until(attempt)
    return found


def test_a_stored_address_elsewhere_gets_nothing(tmp_path: Path) -> None:
    open_to_all = replace(config_for(tmp_path), webhooks_anywhere=True, stripe_unseeded=True)
    with running(open_to_all) as server:
        params: Any = {"url": "http://192.0.2.1:9/hook", "enabled_events": EVENTS}
        server.client().v1.webhook_endpoints.create(params)
    with running(replace(open_to_all, webhooks_anywhere=False)) as server:
        customer = server.client().v1.customers.create({"name": "Kept here"})
        attempt = failure_of(server, customer.id)
    assert attempt["status"] is None
    assert "no events to 192.0.2.1" in attempt["error"]


def test_a_name_that_turns_elsewhere_gets_nothing(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rebound name: permitted as it is written, and leading to another machine when used."""
    asked = socket.getaddrinfo

    def rebound(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        found = asked("127.0.0.1" if host == "localhost" else host, port, *rest, **more)
        if host != "localhost":
            return found
        return [(*each[:4], ("192.0.2.1", each[4][1])) for each in found]

    with running(replace(config_for(tmp_path), stripe_unseeded=True)) as server:
        url = f"http://localhost:{receiver.port}/hook"
        endpoints = server.client().v1.webhook_endpoints
        endpoints.create({"url": url, "enabled_events": EVENTS})
        monkeypatch.setattr(socket, "getaddrinfo", rebound)
        customer = server.client().v1.customers.create({"name": "Rebound"})
        attempt = failure_of(server, customer.id)
        monkeypatch.undo()
        assert (attempt["status"], receiver.received) == (None, [])
        assert "localhost resolves to 192.0.2.1" in attempt["error"]


def test_a_redirect_leads_nowhere(local: LocalStripe, receiver: Receiver) -> None:
    receiver.answer = lambda _: 307
    client = local.client()
    client.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": EVENTS})
    customer = client.v1.customers.create({"name": "Led on"})
    until(lambda: receiver.received)
    until(lambda: failure_of(local, customer.id))
    # A second request would be the redirect's: the next attempt is a second away.
    assert len(receiver.events()) == 1


def test_names_resolve_to_permitted_addresses_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"localhost": ["127.0.0.1", "192.0.2.1"], "gateway": ["172.18.0.2"]}

    class Answering:
        async def resolve(self, host: str, port: int, _family: int) -> Any:
            return [{"host": each, "port": port, "hostname": host} for each in answers[host]]

    monkeypatch.setattr(receivers, "DefaultResolver", Answering)
    config = replace(config_for(tmp_path), service_names=("gateway",))

    async def look_up() -> None:
        resolver = Resolver(config)
        [found] = await resolver.resolve("gateway", 8000)
        assert found["host"] == "172.18.0.2"
        for name in ("localhost", "elsewhere"):
            with pytest.raises(OSError, match="GROUNDWORK_WEBHOOKS_ANYWHERE"):
                await resolver.resolve(name, 80)

    asyncio.run(look_up())

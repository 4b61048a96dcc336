"""Faults of webhooks as an endpoint suffers them that verifies with stripe-python."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe
from aiohttp.test_utils import make_mocked_request

from localcloud.config import HOST
from localcloud.console import render, timeline
from tests.integration.stripe_fixtures import (
    LocalStripe,
    config_for,
    fresh,
    running,
    until,
)

__all__ = ["fresh"]


class Endpoint:
    """A webhook endpoint as Stripe's documentation writes it: verified or 400."""

    def __init__(self) -> None:
        self.secret = ""
        self.arrived: list[tuple[float, stripe.Event]] = []
        self.refused: list[str] = []
        self.cut: list[int] = []
        self.delay = 0.0
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                try:
                    body = self.rfile.read(size)
                except ConnectionResetError:
                    body = b""
                if len(body) < size:
                    endpoint.cut.append(len(body))
                    return
                self.answer(endpoint.take(body, self.headers["Stripe-Signature"]))

            def answer(self, status: int) -> None:
                try:
                    self.send_response(status)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                except OSError:  # nobody waits for it any more
                    self.close_connection = True

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def take(self, body: bytes, signature: str) -> int:
        try:
            event = stripe.Webhook.construct_event(body, signature, self.secret)
        except stripe.SignatureVerificationError as error:
            self.refused.append(str(error))
            return 400
        time.sleep(self.delay)
        self.arrived.append((time.monotonic(), event))
        return 200

    def names(self) -> list[str]:
        """The customers' names in the order in which their events arrived."""
        return [event.data.object["name"] for _, event in list(self.arrived)]

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def endpoint(fresh: LocalStripe) -> Iterator[Endpoint]:
    made = Endpoint()
    listen(fresh, made)
    yield made
    fresh.stop()
    made.close()


def listen(local: LocalStripe, endpoint: Endpoint) -> None:
    """Alone, to what becomes of customers."""
    client = local.client()
    for other in client.v1.webhook_endpoints.list({"limit": 100}).data:
        client.v1.webhook_endpoints.delete(other.id)
    types: Any = ["customer.created", "customer.updated"]
    made = client.v1.webhook_endpoints.create({"url": endpoint.url, "enabled_events": types})
    endpoint.secret = str(made.secret)


def arm(local: LocalStripe, kind: str, **settings: Any) -> None:
    wanted = {"part": "webhooks", "kind": kind, "on": "customer.created", **settings}
    armed = local.control("/_local/faults", wanted)
    assert armed.get("kind") == kind, armed


def create(local: LocalStripe, *names: str) -> None:
    for name in names:
        local.client().v1.customers.create({"name": name})


def delivery(local: LocalStripe, name: str) -> dict[str, Any]:
    """The only delivery of the event that says the customer was created."""
    events = local.control("/_local/events?type=customer.created")
    [event] = [each for each in events if each["data"]["object"]["name"] == name]
    [found] = event["deliveries"]
    return dict(found)


def attempts(local: LocalStripe, name: str) -> list[tuple[int | None, str | None]]:
    """Status and fault of each."""
    found = delivery(local, name)["attempts"]
    return [(attempt["status"], attempt["fault"]) for attempt in found]


def settled(local: LocalStripe, name: str, state: str = "succeeded") -> dict[str, Any]:
    """The delivery when it has come to its end."""
    found: dict[str, Any] = until(
        lambda: (each := delivery(local, name))["state"] == state and each
    )
    return found


def test_without_a_fault_no_attempt_names_one(fresh: LocalStripe, endpoint: Endpoint) -> None:
    arm(fresh, "drop", on="customer.deleted")
    create(fresh, "Ada")
    settled(fresh, "Ada")
    assert attempts(fresh, "Ada") == [(200, None)]


def test_a_duplicate_arrives_several_times_at_once(fresh: LocalStripe, endpoint: Endpoint) -> None:
    endpoint.delay = 1.5
    arm(fresh, "duplicate", copies=3)
    create(fresh, "Ada", "Grace")
    until(lambda: len(endpoint.arrived) == 5)
    assert Counter(endpoint.names()) == {"Ada": 4, "Grace": 1}
    times = [when for when, event in endpoint.arrived if event.data.object["name"] == "Ada"]
    assert max(times) - min(times) < endpoint.delay
    assert len({event.id for _, event in endpoint.arrived}) == 2
    until(lambda: attempts(fresh, "Ada") == [(200, "duplicate")] * 4)
    assert delivery(fresh, "Ada")["state"] == "succeeded"


def test_a_late_duplicate_is_no_retry(fresh: LocalStripe, endpoint: Endpoint) -> None:
    arm(fresh, "duplicate", seconds=2)
    create(fresh, "Ada")
    settled(fresh, "Ada")
    assert endpoint.names() == ["Ada"]
    until(lambda: endpoint.names() == ["Ada", "Ada"])
    (first, _), (second, _) = endpoint.arrived
    assert second - first >= 1.9


def test_an_event_is_overtaken_by_the_next(fresh: LocalStripe, endpoint: Endpoint) -> None:
    arm(fresh, "reorder", seconds=30)
    create(fresh, "First", "Second", "Third")
    until(lambda: len(endpoint.arrived) == 3)
    order = endpoint.names()
    assert order.index("Second") < order.index("First")
    settled(fresh, "First")
    settled(fresh, "Second")
    assert attempts(fresh, "First") == [(200, "reorder")]
    assert attempts(fresh, "Second") == [(200, None)]


def test_an_event_is_overtaken_by_several(fresh: LocalStripe, endpoint: Endpoint) -> None:
    arm(fresh, "reorder", events=3, seconds=30)
    create(fresh, "1", "2", "3")
    until(lambda: len(endpoint.arrived) == 2)
    time.sleep(0.3)
    assert sorted(endpoint.names()) == ["2", "3"]
    create(fresh, "4")
    until(lambda: len(endpoint.arrived) == 4)
    assert endpoint.names()[-1] == "1"


def test_every_other_event_is_overtaken(fresh: LocalStripe, endpoint: Endpoint) -> None:
    """While one is held back the next goes ahead, however many would be struck."""
    arm(fresh, "reorder", count=None, seconds=30)
    for name in ("1", "2", "3", "4"):
        create(fresh, name)
        if name in ("2", "4"):
            until(lambda: len(endpoint.arrived) == int(name))  # noqa: B023 - called at once
    assert endpoint.names() == ["2", "1", "4", "3"]


def test_what_nothing_overtakes_is_not_held_forever(fresh: LocalStripe, endpoint: Endpoint) -> None:
    arm(fresh, "reorder", seconds=0.6)
    began = time.monotonic()
    create(fresh, "Alone")
    until(lambda: endpoint.arrived)
    assert time.monotonic() - began >= 0.6
    settled(fresh, "Alone")
    assert attempts(fresh, "Alone") == [(200, "reorder")]


def test_a_delayed_event_comes_later_and_once(fresh: LocalStripe, endpoint: Endpoint) -> None:
    arm(fresh, "delay", count=None, seconds=0.7)
    began = time.monotonic()
    create(fresh, "Late")
    settled(fresh, "Late")
    assert endpoint.arrived[0][0] - began >= 0.7
    assert attempts(fresh, "Late") == [(200, "delay")]


def test_a_dropped_event_is_listed_as_undelivered(fresh: LocalStripe, endpoint: Endpoint) -> None:
    arm(fresh, "drop")
    create(fresh, "Lost", "Found")
    lost = settled(fresh, "Lost", "failed")
    settled(fresh, "Found")
    assert lost["nextAt"] is None
    assert attempts(fresh, "Lost") == [(None, "drop")]
    client = fresh.client()
    [event] = client.v1.events.list({"delivery_success": False}).data
    assert event.data.object["name"] == "Lost"
    assert event.pending_webhooks == 0
    time.sleep(1.5)  # a first retry would have come after a second
    assert endpoint.names() == ["Found"]
    fresh.control(f"/_local/events/{event.id}/resend", {})
    until(lambda: endpoint.names() == ["Found", "Lost"])
    assert attempts(fresh, "Lost")[0] == (None, "drop")
    until(lambda: client.v1.events.list({"delivery_success": False}).data == [])


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        ("corrupt_signature", "No signatures found matching the expected signature"),
        ("old_timestamp", "Timestamp outside the tolerance zone"),
    ],
)
def test_a_spoilt_attempt_is_refused_and_repeated(
    fresh: LocalStripe, endpoint: Endpoint, kind: str, refusal: str
) -> None:
    arm(fresh, kind, attempts=2)
    create(fresh, "Ada", "Grace")
    settled(fresh, "Ada")
    assert attempts(fresh, "Ada") == [(400, kind), (400, kind), (200, None)]
    assert attempts(fresh, "Grace") == [(200, None)]
    assert len(endpoint.refused) == 2
    assert all(refusal in said for said in endpoint.refused)
    assert sorted(endpoint.names()) == ["Ada", "Grace"]


def test_a_young_enough_timestamp_is_accepted(fresh: LocalStripe, endpoint: Endpoint) -> None:
    arm(fresh, "old_timestamp", age=200)
    create(fresh, "Ada")
    settled(fresh, "Ada")
    assert attempts(fresh, "Ada") == [(200, "old_timestamp")]


@pytest.mark.parametrize("after", ["half", "all"])
def test_a_cut_connection_is_tried_again(
    fresh: LocalStripe, endpoint: Endpoint, after: str
) -> None:
    """After all was sent the endpoint has done its work, and gets the event once more."""
    arm(fresh, "disconnect", after=after)
    create(fresh, "Ada")
    settled(fresh, "Ada")
    assert attempts(fresh, "Ada") == [(None, "disconnect"), (200, None)]
    assert delivery(fresh, "Ada")["attempts"][0]["error"].startswith("Cut off on purpose")
    whole, parts = {"half": (["Ada"], 1), "all": (["Ada", "Ada"], 0)}[after]
    until(lambda: endpoint.names() == whole)
    assert len(endpoint.cut) == parts
    assert endpoint.refused == []


def test_the_console_names_the_faults_of_attempts(fresh: LocalStripe, endpoint: Endpoint) -> None:
    arm(fresh, "corrupt_signature")
    create(fresh, "Ada")
    settled(fresh, "Ada")
    [event] = fresh.control("/_local/events?type=customer.created")
    seen = timeline.shown(event, {})
    assert seen["faults"] == ["corrupt_signature"]
    request = make_mocked_request("GET", timeline.address(event["id"]))
    text = str(
        render.page(request, "event.html", event=seen, payload="", notice=None, moved=0).text
    )
    assert text.count("fault: corrupt signature") == 1


def test_one_seed_is_one_series_of_events(fresh: LocalStripe, endpoint: Endpoint) -> None:
    def series(seed: int, run: str) -> list[bool]:
        arm(fresh, "drop", count=None, probability=0.4, seed=seed)
        names = [f"{run} {number}" for number in range(25)]
        create(fresh, *names)
        until(lambda: all(delivery(fresh, name)["attempts"] for name in names))
        fresh.http("DELETE", "/_local/faults")
        return [delivery(fresh, name)["state"] == "failed" for name in names]

    first = series(3, "first")
    assert first == series(3, "again")
    assert first != series(4, "other")
    assert 3 < first.count(True) < 20


def test_retries_use_up_no_further_faults(fresh: LocalStripe, endpoint: Endpoint) -> None:
    arm(fresh, "corrupt_signature", count=2)
    create(fresh, "Ada")
    settled(fresh, "Ada")
    assert attempts(fresh, "Ada") == [(400, "corrupt_signature"), (200, None)]
    [still] = fresh.control("/_local/faults")["armed"]
    assert (still["seen"], still["struck"]) == (1, 1)


def test_what_is_held_back_survives_a_restart(tmp_path: Path) -> None:
    """Faults are forgotten with the process, events are not."""
    config, endpoint = config_for(tmp_path / "held"), Endpoint()
    try:
        with running(config) as local:
            listen(local, endpoint)
            arm(local, "reorder", seconds=600)
            arm(local, "delay", seconds=600)
            create(local, "Held", "Later")
            until(lambda: len(local.control("/_local/faults")["spent"]) == 2)
            assert endpoint.arrived == []
        with running(config) as local:
            until(lambda: sorted(endpoint.names()) == ["Held", "Later"])
            assert local.control("/_local/faults") == {"armed": [], "spent": []}
            assert attempts(local, "Held") == [(200, None)]
    finally:
        endpoint.close()


def test_a_reset_forgets_what_is_held_back(fresh: LocalStripe, endpoint: Endpoint) -> None:
    arm(fresh, "reorder", seconds=600, events=5)
    create(fresh, "Forgotten")
    until(lambda: fresh.control("/_local/faults")["spent"])
    fresh.control("/_local/reset", {})
    listen(fresh, endpoint)
    arm(fresh, "reorder", seconds=0.2)
    create(fresh, "New")
    settled(fresh, "New")
    assert attempts(fresh, "New") == [(200, "reorder")]
    assert endpoint.names() == ["New"]


def test_unknown_settings_are_refused_in_a_sentence(fresh: LocalStripe) -> None:
    body = json.dumps({"part": "webhooks", "kind": "duplicate", "copies": 101}).encode()
    status, _, text = fresh.http("POST", "/_local/faults", body)
    assert (status, json.loads(text)) == (
        400,
        {"message": "copies must be a whole number from 1 to 100."},
    )

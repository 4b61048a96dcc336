"""A local Stripe in a thread, and a webhook receiver, for tests that import these fixtures."""

import asyncio
import contextlib
import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe
from aiohttp import web

from localcloud.config import HOST, StackConfig
from localcloud.stripe.account import Account
from localcloud.stripe.app_keys import ACCOUNT
from localcloud.stripe.server import create_app

BASIL = "2025-08-27.basil"
ENDIVE = "2026-10-28.endive"
STARTER = "groundwork_starter_monthly"
PROFESSIONAL = "groundwork_professional_monthly"
RETURN_URL = "http://localhost:8000/dashboard?session_id={CHECKOUT_SESSION_ID}"
HOUR, DAY = 3600, 86400


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def config_for(state_dir: Path, webhook_port: int = 9) -> StackConfig:
    """A stack of which only Stripe runs; its webhooks go to `webhook_port` (9: nobody there)."""
    return StackConfig(
        gateway_port=webhook_port,
        aws_port=1,
        stripe_port=free_port(),
        bedrock_port=1,
        control_port=1,
        state_dir=state_dir,
        nextauth_secret="unused",
        frontend_url=None,
    )


def new_account(state_dir: Path) -> StackConfig:
    """Local Stripe in the place of the real one: nothing in it, and events may go anywhere."""
    return replace(config_for(state_dir), stripe_unseeded=True, webhooks_anywhere=True)


class LocalStripe:
    """The server, started and stopped at will; state stays in `config.state_dir`."""

    def __init__(self, config: StackConfig) -> None:
        self.config = config
        self.url = config.stripe_url
        self.account: Account
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)))
        self._thread.start()
        assert ready.wait(10)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        app = create_app(self.config)
        self.account = app[ACCOUNT]
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, HOST, self.config.stripe_port, reuse_address=True).start()
        ready.set()
        await self._stop.wait()
        await runner.cleanup()

    def stop(self) -> None:
        if self._thread:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)
            self._thread = None

    def client(self, version: str = BASIL, key: str | None = None) -> stripe.StripeClient:
        return stripe.StripeClient(
            key or self.config.stripe_secret_key,
            stripe_version=version,
            base_addresses={"api": self.url},
            max_network_retries=0,
        )

    def advance(self, seconds: int) -> None:
        """Move the clock; deadlines happen with the next request or tick."""
        self.account.clock.offset += seconds

    def renew(self, subscription: Any) -> Any:
        """Let the current period end, and the hour in which its renewal's invoice is a draft.

        Returns the subscription as it is then.
        """
        client = self.client()
        current = client.v1.subscriptions.retrieve(subscription.id)["items"].data[0]
        self.advance(current.current_period_end + HOUR - self.account.clock.now())
        return client.v1.subscriptions.retrieve(subscription.id)

    def http(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        key: bool = False,
        seconds: float = 10,
    ) -> tuple[int, dict[str, str], bytes]:
        """A raw request: status, headers, body. Redirects are not followed."""
        request = urllib.request.Request(self.url + path, body, method=method)
        request.headers.update(headers or {})
        if key:
            request.add_header("Authorization", f"Bearer {self.config.stripe_secret_key}")
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=seconds) as response:
                return response.status, dict(response.headers), response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    def control(self, path: str, body: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        _, _, text = self.http(method, path, None if body is None else json.dumps(body).encode())
        return json.loads(text)

    def pay(self, session: str, card: str = "4242424242424242", **more: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.control(
            "/_local/pay", {"sessionId": session, "card": card, **more}
        )
        return answer

    def price(self, lookup_key: str = STARTER) -> str:
        found = self.client().v1.prices.list({"lookup_keys": [lookup_key]})
        return found.data[0].id

    def checkout(self, customer: str | None = None, **more: Any) -> Any:
        """An open embedded session for the starter plan."""
        params: dict[str, Any] = {
            "mode": "subscription",
            "ui_mode": "embedded",
            "return_url": RETURN_URL,
            "line_items": [{"price": self.price(), "quantity": 1}],
            **more,
        }
        if customer:
            params["customer"] = customer
        return self.client().v1.checkout.sessions.create(params)  # type: ignore[arg-type]

    def subscriber(self, card: str = "4242424242424242", **more: Any) -> tuple[Any, Any]:
        """A customer who bought the starter plan, and the subscription."""
        client = self.client()
        customer = client.v1.customers.create({"email": "ada@example.com", "name": "Ada"})
        paid = self.pay(self.checkout(customer.id, **more).id, card)
        assert paid["status"] == "complete", paid
        return customer, client.v1.subscriptions.retrieve(paid["session"]["subscription"])

    def events(self, about: str) -> list[Any]:
        """Events whose object is `about` or belongs to that customer, oldest first."""
        _, _, text = self.http("GET", "/v1/events?limit=100", key=True)
        found = [
            event
            for event in reversed(json.loads(text)["data"])
            if about in (event["data"]["object"]["id"], event["data"]["object"].get("customer"))
        ]
        return [stripe.Event.construct_from(event, None) for event in found]


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


class Receiver:
    """A webhook endpoint that answers as told and remembers what it was sent."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []  # signature, body
        self.answer: Callable[[dict[str, Any]], int] = lambda _: 200
        self.delay = 0.0
        self.most_at_once = 0
        self._now = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver._now += 1
                receiver.most_at_once = max(receiver.most_at_once, receiver._now)
                time.sleep(receiver.delay)
                receiver._now -= 1
                receiver.received.append((self.headers["Stripe-Signature"], body))
                status = receiver.answer(json.loads(body))
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.port = self.server.server_port
        self.url = f"http://{HOST}:{self.port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def events(self, event_type: str | None = None) -> list[dict[str, Any]]:
        found = [json.loads(body) for _, body in list(self.received)]
        return [event for event in found if event_type in (None, event["type"])]

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def until(condition: Callable[[], Any], seconds: float = 8) -> Any:
    """Wait for something true and return it."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return value


@contextlib.contextmanager
def running(config: StackConfig) -> Iterator[LocalStripe]:
    server = LocalStripe(config)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    """One local Stripe for a module; tests use customers of their own."""
    with running(config_for(tmp_path_factory.mktemp("stripe"))) as server:
        yield server


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[LocalStripe]:
    """A local Stripe of one's own, to move its clock."""
    with running(config_for(tmp_path)) as server:
        yield server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()

"""The webhook function at a real port, where local Stripe delivers, and local Stripe's levers."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from billing import handler
from saas.stripe_contract import HANDLED_EVENTS
from tests.factories import LambdaContext, http_event
from tests.integration.billing_stage import Stage


def local(stage: Stage, path: str, body: Any = None, method: str | None = None) -> Any:
    """One of local Stripe's levers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(stage.aws.config.stripe_url + path, data, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


class Wire:
    """The webhook function behind a real port; functions serve one event at a time."""

    def __init__(self, stage: Stage) -> None:
        self.statuses: list[int] = []
        one_at_a_time = threading.Lock()
        wire = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                body = self.rfile.read(size)
                if len(body) < size:
                    return
                sent = {"origin": "", "stripe-signature": self.headers["Stripe-Signature"]}
                event = http_event("POST", "/stripe/webhook", body=body.decode(), headers=sent)
                with one_at_a_time:
                    status = handler.webhook(event, LambdaContext())["statusCode"]
                wire.statuses.append(status)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()
        self.id = stage.stripe.webhook_endpoints.create(
            {
                "url": f"http://127.0.0.1:{self.server.server_port}/stripe/webhook",
                "enabled_events": list(HANDLED_EVENTS),
            }
        ).id
        local(stage, "/_local/roll", {"endpoint": self.id, "secret": stage.secret})

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def wire(stage: Stage) -> Iterator[Wire]:
    made = Wire(stage)
    yield made
    stage.stripe.webhook_endpoints.delete(made.id)
    made.close()

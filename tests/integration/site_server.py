"""A site on loopback that answers as a deployment does, except where a test breaks it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from localcloud.config import HOST
from operations.smoke import Expected
from saas.plans import catalogue

IMAGES = {
    name: {"digest": f"sha256:{name}", "revision": "c0ffee"} for name in ("users", "billing", "ai")
}
HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store"}


@dataclass(frozen=True)
class Reply:
    """What a route answers; a body that is no text is sent as JSON."""

    status: int
    body: Any = ""
    headers: dict[str, str] = field(default_factory=lambda: dict(HEADERS))


def refused(status: int, code: str) -> Reply:
    body = {"success": False, "error": "No.", "code": code, "requestId": "1"}
    return Reply(status, body)


def healthy(image: str, **changes: Any) -> Reply:
    found = IMAGES[image]
    data = {"status": "ok", "version": found["revision"], "imageDigest": found["digest"], **changes}
    return Reply(200, {"success": True, "data": data})


def offers() -> list[dict[str, Any]]:
    return [
        {
            "id": plan.id,
            "name": plan.name,
            "priceKey": plan.price_key,
            "amount": plan.amount_cents,
            "currency": "usd",
            "interval": plan.interval,
            "callsPerMonth": plan.calls_per_month,
            "callsInFlight": plan.calls_in_flight,
            "models": list(plan.models),
            "maxOutputTokens": max(catalogue().output_limits(plan).values()),
            "maxOutputTokensByModel": catalogue().output_limits(plan),
            "contactSales": not plan.lookup_key,
        }
        for plan in catalogue().plans
    ]


def expected(**changes: Any) -> Expected:
    """What a right deployment of `IMAGES` agrees with; wrong answers are not asked for again."""
    sold = frozenset(plan.price_key for plan in catalogue().plans)
    return Expected(**{"env": "dev", "images": IMAGES, "price_keys": sold, **changes})


class Site:
    """`replies` by method and path; anything else is the API's own 404."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {
            "GET /": Reply(200, "<html>", {"Content-Type": "text/html"}),
            "GET /backend/plans": Reply(200, {"success": True, "data": offers()}),
            "GET /backend/subscription/status": refused(401, "authentication_required"),
            "POST /backend/stripe/webhook": refused(400, "invalid_signature"),
            **{f"GET /backend/health/{image}": healthy(image) for image in IMAGES},
        }
        self.url = ""

    def reply(self, method: str, path: str) -> Reply:
        return self.replies.get(f"{method} {path}", refused(404, "route_not_found"))


@contextmanager
def serving() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            reply = site.reply(self.command, self.path)
            text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    site.url = f"http://{HOST}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

"""A sibling subdomain plants a session cookie: what a real browser sends, and how it is ended."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from pydantic import SecretStr

from saas import secrets, settings
from tests.credentials import SECRET, V4_COOKIE, claims, v4_token
from tests.factories import LambdaContext, http_event
from users import handler

SECURE, HOST = f"__Secure-{V4_COOKIE}", f"__Host-{V4_COOKIE}"
# Browsers take `localhost` and what lies below it for safe, and look nowhere else for it.
SITE, SIBLING = "app.example.localhost", "evil.example.localhost"
ROUTE = "/backend/users/me"


class Sites(BaseHTTPRequestHandler):
    """Each site sets the cookies that the page asks for; the route is the users function's."""

    def do_GET(self) -> None:
        if self.path == ROUTE:
            self._call()
            return
        self.send_response(200)
        for line in json.loads(self.headers.get("x-set") or "[]"):
            self.send_header("set-cookie", line)
        self.end_headers()
        self.wfile.write(b"<!doctype html>")

    def _call(self) -> None:
        sent = [part.strip() for part in (self.headers.get("cookie") or "").split(";")]
        event = http_event("GET", "/users/me", cookies=[part for part in sent if part])
        answer = handler.api(event, LambdaContext())
        self.send_response(answer["statusCode"])
        for name, value in answer["headers"].items():
            self.send_header(name, value)
        for line in answer.get("cookies", []):
            self.send_header("set-cookie", line)
        self.end_headers()
        self.wfile.write(answer["body"].encode())

    def log_message(self, *_: Any) -> None:
        """Nothing: the tests look at what the browser holds."""


@pytest.fixture
def sites(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sites)
    port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for name, value in {
        "APP_ENV": "prod",
        "TABLE_NAME": "table",
        "ALLOWED_ORIGINS": f"http://{SITE}:{port}",
        "SESSION_COOKIE_NAMES": SECURE,
        "SESSION_SECRET_NAME": "/sessions",
    }.items():
        monkeypatch.setenv(name, value)
    settings.settings.cache_clear()
    secrets.forget()
    secrets._cache["/sessions"] = (time.monotonic(), SecretStr(SECRET))
    yield port
    server.shutdown()
    server.server_close()
    settings.settings.cache_clear()
    secrets.forget()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context()
    yield made
    made.close()


def receive(context: BrowserContext, port: int, site: str, *lines: str) -> Page:
    """Open a page of a site that sets these cookies."""
    page = context.new_page()
    page.set_extra_http_headers({"x-set": json.dumps(lines)})
    page.goto(f"http://{site}:{port}/")
    page.set_extra_http_headers({})
    return page


def asked(page: Page) -> dict[str, Any]:
    answer: dict[str, Any] = page.evaluate(f"fetch('{ROUTE}').then((answer) => answer.json())")
    return answer


def held(context: BrowserContext) -> list[tuple[str, str, str]]:
    return [(each["name"], each["domain"], each["path"]) for each in context.cookies()]


def own(name: str) -> str:
    return f"{name}={v4_token(claims('owner'))}; Path=/; Secure; HttpOnly; SameSite=Lax"


@pytest.mark.parametrize("path", ["/", "/backend", "/backend/users/", ROUTE])
@pytest.mark.parametrize("name", [SECURE, f"{SECURE}.0"])
def test_a_planted_cookie_locks_nobody_out_for_good(
    context: BrowserContext, sites: int, path: str, name: str
) -> None:
    planted = f"{name}=planted; Domain=example.localhost; Path={path}; Secure"
    receive(context, sites, SIBLING, planted, "mine=1; Domain=example.localhost")
    page = receive(context, sites, SITE, own(SECURE), "theme=dark")
    assert len(held(context)) == 4
    assert asked(page)["code"] == "duplicate_session_cookie"
    assert [cookie[0] for cookie in held(context)] == ["mine", "theme"]
    assert asked(page)["code"] == "authentication_required"
    receive(context, sites, SITE, own(SECURE))
    assert [cookie[0] for cookie in held(context)] == ["mine", "theme", SECURE]


@pytest.mark.parametrize("path", ["/", ROUTE])
def test_a_planted_next_chunk_locks_nobody_out_for_good(
    context: BrowserContext, sites: int, path: str
) -> None:
    planted = f"{SECURE}.2=planted; Domain=example.localhost; Path={path}; Secure"
    receive(context, sites, SIBLING, planted)
    token = v4_token(claims("owner"))
    chunks = [f"{SECURE}.{at}={token[at * 99 : at * 999 + 99]}; Path=/; Secure" for at in (0, 1)]
    page = receive(context, sites, SITE, *chunks, "theme=dark")
    assert len(held(context)) == 4
    assert asked(page)["code"] == "invalid_credential"
    assert [cookie[0] for cookie in held(context)] == ["theme"]
    assert asked(page)["code"] == "authentication_required"


def test_a_host_cookie_cannot_be_planted_at_all(
    context: BrowserContext, sites: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SESSION_COOKIE_NAMES", HOST)
    settings.settings.cache_clear()
    attempts = [
        f"{HOST}=planted; Domain=example.localhost; Path=/; Secure",
        f"{HOST}=planted; Path=/backend; Secure",
        f"{HOST}.0=planted; Domain=example.localhost; Path=/; Secure",
    ]
    receive(context, sites, SIBLING, *attempts)
    assert held(context) == []
    receive(context, sites, SITE, own(HOST))
    assert held(context) == [(HOST, SITE, "/")]

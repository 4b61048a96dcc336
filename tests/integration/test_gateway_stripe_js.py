"""The frontend's pages get the local Stripe.js; everything else of the frontend stays as it was."""

import asyncio
import gzip
import http.client
import re
from collections.abc import Iterator

import pytest
from aiohttp import web

from localcloud.gateway import stripe_js
from localcloud.stripe import versions
from tests.integration.local_gateway import RunningGateway, running_gateway
from tests.integration.web_server import Serving, serving

PAGE = "<!DOCTYPE html><html lang='en'><head><title>Grüße</title></head><body></body></html>"
BROWSER = [
    ("Sec-Fetch-Dest", "document"),
    ("Accept", "text/html,*/*;q=0.8"),
    ("Accept-Encoding", "gzip, br"),
    ("If-None-Match", '"v1"'),
    ("Range", "bytes=0-9"),
]
TAG = re.compile(r"<head>(<script [^>]*></script>)<title>")


class Frontend:
    """A page in the ways in which frontends send one."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.seen: dict[str, str] = {}
        self.server: Serving

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/streamed", self.streamed)
        app.router.add_route("*", "/{kind}", self.page)
        return app

    async def page(self, request: web.Request) -> web.Response:
        self.seen = {name.lower(): value for name, value in request.headers.items()}
        kind, query = request.match_info["kind"], request.query
        body, headers = PAGE.encode(), {"Content-Type": "text/html; charset=utf-8", "ETag": '"v1"'}
        if kind == "packed":
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        if kind == "foreign":
            headers["Content-Encoding"] = "br"
        if kind == "wide":
            body, headers["Content-Type"] = PAGE.encode("utf-16"), "text/html; charset=utf-16"
        if kind == "data":
            headers["Content-Type"] = "text/x-component"
        for name in query:
            headers[name] = query[name]
        return web.Response(status=206 if kind == "part" else 200, body=body, headers=headers)

    async def streamed(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/html"})
        await response.prepare(request)
        await response.write(b"<html><head><title>shell</title>")
        await self.release.wait()
        await response.write(b"<p>the rest</p>")
        return response


@pytest.fixture(scope="module")
def frontend() -> Iterator[Frontend]:
    made = Frontend()
    with serving(made.application) as made.server:
        yield made


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, frontend: Frontend) -> Iterator[RunningGateway]:
    path = tmp_path_factory.mktemp("stripe-js")
    with running_gateway(path, frontend_url=frontend.server.url) as gateway:
        yield gateway


def test_a_page_begins_with_the_local_stripe_js(local: RunningGateway, frontend: Frontend) -> None:
    answer = local.request("GET", "/plain", headers=BROWSER)
    text = answer.body.decode()
    (tag,) = TAG.findall(text)
    assert text.replace(tag, "") == PAGE
    assert f'data-address="{local.config.stripe_public_url}"' in tag
    assert 'data-train="basil"' in tag
    assert (answer.header("etag"), answer.header("content-length")) == (None, None)
    # The page must arrive whole, and as it is.
    assert frontend.seen["accept-encoding"] == "identity"
    assert not {"if-none-match", "range"} & set(frontend.seen)


def test_the_script_is_served_and_is_what_the_tag_says(local: RunningGateway) -> None:
    page = local.request("GET", "/plain", headers=BROWSER).body.decode()
    source, digest = re.search(r'src="([^"]+)".* integrity="([^"]+)"', page).groups()  # type: ignore[union-attr]
    script = local.request("GET", source)
    assert (script.status, script.header("content-type")) == (200, "text/javascript")
    assert stripe_js.digest_of(script.body) == digest


def test_a_packed_page_is_unpacked(local: RunningGateway) -> None:
    answer = local.request("GET", "/packed", headers=BROWSER)
    assert answer.header("content-encoding") is None
    assert TAG.sub("<head><title>", answer.body.decode()) == PAGE
    assert TAG.search(answer.body.decode())


def test_head_tells_the_same_and_has_no_body(local: RunningGateway) -> None:
    answer = local.request("HEAD", "/plain", headers=BROWSER)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert (answer.header("etag"), answer.header("content-length")) == (None, None)


def test_a_streamed_page_streams(local: RunningGateway, frontend: Frontend) -> None:
    connection = http.client.HTTPConnection("localhost", local.config.gateway_port, timeout=5)
    connection.request("GET", "/streamed", headers=dict(BROWSER))
    response = connection.getresponse()
    first = response.read1(10_000).decode()
    assert TAG.search(first)
    assert first.endswith("<title>shell</title>")
    assert not frontend.release.is_set()
    frontend.server.loop.call_soon_threadsafe(frontend.release.set)
    assert response.read() == b"<p>the rest</p>"
    connection.close()


@pytest.mark.parametrize("kind", ["foreign", "wide", "data", "part"])
def test_what_is_no_page_stays_as_it_was(local: RunningGateway, kind: str) -> None:
    answer = local.request("GET", f"/{kind}", headers=BROWSER)
    assert b"stripe.js" not in answer.body
    assert answer.header("etag") == '"v1"'
    assert int(answer.header("content-length") or 0) == len(answer.body)


def test_html_that_a_script_fetches_stays_as_it_was(
    local: RunningGateway, frontend: Frontend
) -> None:
    fetched = [("Sec-Fetch-Dest", "empty"), *BROWSER[1:]]
    answer = local.request("GET", "/plain", headers=fetched)
    assert answer.body.decode() == PAGE
    assert frontend.seen["if-none-match"] == '"v1"'
    assert frontend.seen["accept-encoding"] == "gzip, br"


def test_the_frontends_policy_allows_it(local: RunningGateway) -> None:
    site, stripe = local.config.site_url, local.config.stripe_public_url
    policy = "Content-Security-Policy=default-src 'self'".replace(" ", "%20")
    answer = local.request("GET", f"/plain?{policy}", headers=BROWSER)
    assert answer.header("content-security-policy") == (
        f"default-src 'self'; script-src 'self' {site}/_local/static/stripe.js; "
        f"frame-src 'self' {stripe}/c/embed/"
    )
    policy = "Content-Security-Policy=script-src 'nonce-abc'".replace(" ", "%20")
    answer = local.request("GET", f"/plain?{policy}", headers=BROWSER)
    assert answer.header("content-security-policy") == "script-src 'nonce-abc'"
    assert ' nonce="abc"></script>' in answer.body.decode()


def test_the_release_is_that_of_the_pinned_version() -> None:
    assert versions.DEFAULT.endswith(f".{stripe_js.RELEASE}")

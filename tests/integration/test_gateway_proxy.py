"""The frontend behind the gateway: a small server of our own stands for Next.js."""

import asyncio
import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, web

from tests.integration.local_gateway import RunningGateway, free_socket, running_gateway
from tests.integration.web_server import serving


class Frontend:
    """Answers in the ways that matter to a proxy."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.url = ""

    def application(self) -> web.Application:
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_route("*", "/echo{tail:.*}", self.echo)
        app.router.add_get("/redirect", self.redirect)
        app.router.add_get("/stream", self.stream)
        app.router.add_get("/socket", self.websocket)
        app.router.add_post("/upload", self.upload)
        return app

    async def echo(self, request: web.Request) -> web.Response:
        seen = {
            "method": request.method,
            "target": request.raw_path,
            "headers": [[name, value] for name, value in request.headers.items()],
            "body": (await request.read()).decode(),
        }
        response = web.Response(text=json.dumps(seen), content_type="application/json")
        response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly")
        response.headers.add("Set-Cookie", "b=2; Path=/")
        response.headers["Connection"] = "X-Hop"
        response.headers["X-Hop"] = "must not pass"
        return response

    async def redirect(self, _request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": "/api/auth/signin?callbackUrl=%2F"})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"data: first\n\n")
        await self.release.wait()
        await response.write(b"data: last\n\n")
        return response

    async def upload(self, request: web.Request) -> web.Response:
        """Lets the streaming test go on once the first chunk of an unfinished body is here."""
        first = await request.content.readany()
        self.release.set()
        rest = await request.content.read()
        return web.Response(text=f"{first.decode()}|{len(rest)}")

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("hmr-v2", "hmr-v1"))
        await socket.prepare(request)
        await socket.send_str(f"{socket.ws_protocol} {request.headers.get('Cookie')}")
        async for message in socket:
            if message.type == WSMsgType.TEXT and message.data == "close":
                await socket.close(code=4001, message=b"as asked")
            elif message.type == WSMsgType.TEXT:
                await socket.send_str(message.data.upper())
            else:
                await socket.send_bytes(message.data[::-1])
        return socket


@pytest.fixture(scope="module")
def frontend() -> Iterator[Frontend]:
    made = Frontend()
    with serving(made.application) as server:
        made.url = server.url
        yield made


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, frontend: Frontend) -> Iterator[RunningGateway]:
    path = tmp_path_factory.mktemp("proxy")
    with running_gateway(path, frontend_url=frontend.url) as gateway:
        yield gateway


def test_requests_pass_unchanged(local: RunningGateway) -> None:
    answer = local.request(
        "POST",
        "/echo/a%2Fb?x=%20&x=2",
        headers=[("Cookie", "s=1; t=2"), ("Content-Type", "text/plain"), ("X-Many", "1")],
        body="grüße".encode(),
    )
    seen = answer.json()
    headers = {name.lower(): value for name, value in seen["headers"]}
    site = f"localhost:{local.config.gateway_port}"
    assert (seen["method"], seen["target"], seen["body"]) == (
        "POST",
        "/echo/a%2Fb?x=%20&x=2",
        "grüße",
    )
    assert (headers["cookie"], headers["x-many"]) == ("s=1; t=2", "1")
    assert headers["host"] == headers["x-forwarded-host"] == site
    assert headers["x-forwarded-proto"] == "http"
    assert "accept-encoding" not in headers


def test_headers_of_one_hop_stay_there(local: RunningGateway) -> None:
    sent = [
        ("Connection", "close, X-Private"),
        ("X-Private", "1"),
        ("Keep-Alive", "5"),
        ("TE", "x"),
    ]
    answer = local.request("GET", "/echo", headers=sent)
    received = {name.lower() for name, _ in answer.json()["headers"]}
    assert not {"x-private", "keep-alive", "te"} & received
    assert answer.header("x-hop") is None
    assert [v for k, v in answer.headers if k.lower() == "set-cookie"] == [
        "a=1; Path=/; HttpOnly",
        "b=2; Path=/",
    ]


def test_redirects_are_the_browsers_business(local: RunningGateway) -> None:
    answer = local.request("GET", "/redirect")
    assert answer.status == 307
    assert answer.header("location") == "/api/auth/signin?callbackUrl=%2F"


def test_head_has_headers_and_no_body(local: RunningGateway) -> None:
    answer = local.request("HEAD", "/echo")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.header("content-length") or 0) > 0


def test_a_response_streams_before_it_ends(local: RunningGateway, frontend: Frontend) -> None:
    frontend.release.clear()
    connection = http.client.HTTPConnection("localhost", local.config.gateway_port, timeout=5)
    connection.request("GET", "/stream")
    response = connection.getresponse()
    assert response.read1(100) == b"data: first\n\n"
    assert not frontend.release.is_set()

    def uploads() -> Iterator[bytes]:
        yield b"early"
        deadline = time.monotonic() + 5
        while not frontend.release.is_set():  # set by the frontend when "early" arrived
            assert time.monotonic() < deadline, "the first chunk of the body was held back"
            time.sleep(0.01)
        yield b"x" * 1_000_000

    upload = http.client.HTTPConnection("localhost", local.config.gateway_port, timeout=8)
    upload.request("POST", "/upload", uploads(), encode_chunked=True)
    assert upload.getresponse().read() == b"early|1000000"
    assert response.read() == b"data: last\n\n"
    upload.close()
    connection.close()


def test_a_large_upload_is_not_ours_to_limit(local: RunningGateway) -> None:
    answer = local.request("POST", "/echo", body=b"x" * 12_000_000)
    assert len(answer.json()["body"]) == 12_000_000


def test_websockets_work_in_both_directions(local: RunningGateway) -> None:
    async def talk() -> dict[str, Any]:
        url = f"http://localhost:{local.config.gateway_port}/socket"
        async with ClientSession() as session:
            offered = ("other", "hmr-v1", "hmr-v2")
            async with session.ws_connect(url, protocols=offered, headers={"Cookie": "s=1"}) as ws:
                found: dict[str, Any] = {"protocol": ws.protocol, "hello": await ws.receive_str()}
                await ws.send_str("text")
                found["text"] = await ws.receive_str()
                await ws.send_bytes(b"\x00\x01\x02")
                found["bytes"] = await ws.receive_bytes()
                large = "x" * 200_000
                await ws.send_str(large)
                found["large"] = await ws.receive_str() == large.upper()
                await ws.send_str("close")
                last = await ws.receive()
                found["close"] = (last.type, last.data, last.extra)
                return found

    found = asyncio.run(talk())
    assert found["protocol"] == "hmr-v1"
    assert found["hello"] == "hmr-v1 s=1"
    assert (found["text"], found["bytes"], found["large"]) == ("TEXT", b"\x02\x01\x00", True)
    assert found["close"] == (WSMsgType.CLOSE, 4001, "as asked")


def test_the_api_and_the_control_stay_ours(local: RunningGateway) -> None:
    assert local.event("GET", "/backend/echo")["routeKey"] == "GET /echo"
    assert local.request("GET", "/_local/endpoints").json()["site"] == local.config.site_url
    assert local.request("GET", "/_local/echo").status == 404
    assert local.request("GET", "/backendecho").status == 404  # the frontend's own 404


def test_a_frontend_that_is_not_running_gives_a_clear_page(tmp_path: Path) -> None:
    with contextlib.closing(free_socket()) as unused:
        port = unused.getsockname()[1]
    with running_gateway(tmp_path, frontend_url=f"http://127.0.0.1:{port}") as local:
        answer = local.request("GET", "/")
        assert answer.status == 502
        assert "The frontend is not running" in answer.body.decode()
        assert f"http://127.0.0.1:{port}" in answer.body.decode()
        assert local.event("GET", "/backend/echo")["routeKey"] == "GET /echo"

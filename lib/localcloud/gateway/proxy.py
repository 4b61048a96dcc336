"""Passes everything that is not ours to the frontend's own server, in both directions.

Only its pages are changed: the local Stripe.js is put into them (`stripe_js`).
"""

import asyncio
import contextlib
from collections.abc import Iterable

from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    DummyCookieJar,
    TCPConnector,
    WSMsgType,
    web,
)
from multidict import CIMultiDict
from yarl import URL

from localcloud.guard_aiohttp import HEADER_ROOM

from .stripe_js import PageChange, StripeJs
from .templates import render

_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_MADE_BY_CLIENT = {
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
}
_MAX_MESSAGE = 64 * 1024 * 1024


class Proxy:
    """A streaming reverse proxy to one origin, WebSocket included; paths go on as they came."""

    def __init__(self, frontend_url: str) -> None:
        self._url = URL(frontend_url)
        self._session: ClientSession | None = None

    async def close(self) -> None:
        if self._session:
            await self._session.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._websocket(request)
        try:
            return await self._http(request)
        except (ClientError, OSError, TimeoutError) as error:
            return self._unreachable(error)

    def _client(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession(
                auto_decompress=False,
                connector=TCPConnector(limit=0),
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=None, sock_connect=5),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                **HEADER_ROOM,
            )
        return self._session

    def _target(self, request: web.Request) -> URL:
        return URL(f"{self._url.origin()}{request_target(request)}", encoded=True)

    def _headers(self, request: web.Request, without: Iterable[str] = ()) -> CIMultiDict[str]:
        headers = _end_to_end(request.headers.items(), request.headers.getall("Connection", []))
        for name in without:
            headers.popall(name, None)
        headers["X-Forwarded-Host"] = request.headers.get("Host", "")
        headers["X-Forwarded-Proto"] = "http"
        headers["X-Forwarded-For"] = request.remote or "127.0.0.1"
        return headers

    async def _http(self, request: web.Request) -> web.StreamResponse:
        body = request.content if request.body_exists else None
        async with self._client().request(
            request.method,
            self._target(request),
            headers=self._headers(request),
            data=body,
            allow_redirects=False,
        ) as upstream:
            response = web.StreamResponse(status=upstream.status, reason=upstream.reason)
            named = upstream.headers.getall("Connection", [])
            response.headers.extend(_end_to_end(upstream.headers.items(), named))
            change = self._change(request, response)
            await response.prepare(request)
            if request.method != "HEAD":
                async for chunk in upstream.content.iter_any():
                    await response.write(change.feed(chunk) if change else chunk)
                if change:
                    await response.write(change.finish())
            with contextlib.suppress(ConnectionError):
                await response.write_eof()
            return response

    def _change(self, _request: web.Request, _response: web.StreamResponse) -> PageChange | None:
        """What is done to the body of a response; None passes it on as it is."""
        return None

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        offered = [
            name.strip()
            for line in request.headers.getall("Sec-WebSocket-Protocol", [])
            for name in line.split(",")
        ]
        try:
            upstream = await self._client().ws_connect(
                self._target(request).with_scheme("ws"),
                headers=self._headers(request, _MADE_BY_CLIENT),
                protocols=offered,
                max_msg_size=_MAX_MESSAGE,
                autoping=False,
                autoclose=False,
            )
        except (ClientError, OSError, TimeoutError) as error:
            return self._unreachable(error)
        chosen = (upstream.protocol,) if upstream.protocol else ()
        downstream = web.WebSocketResponse(
            protocols=chosen, max_msg_size=_MAX_MESSAGE, autoping=False, autoclose=False
        )
        await downstream.prepare(request)
        await _pump_both(downstream, upstream)
        return downstream

    def _unreachable(self, error: Exception) -> web.Response:
        message = f"{self._url} does not answer: {error}"
        return web.json_response({"message": message}, status=502)


class FrontendProxy(Proxy):
    """The frontend's own server; its pages get the local Stripe.js, its absence is a page."""

    def __init__(self, frontend_url: str, stripe_js: StripeJs) -> None:
        super().__init__(frontend_url)
        self._stripe_js = stripe_js

    def _headers(self, request: web.Request, without: Iterable[str] = ()) -> CIMultiDict[str]:
        headers = super()._headers(request, without)
        self._stripe_js.ask(request, headers)
        return headers

    def _change(self, request: web.Request, response: web.StreamResponse) -> PageChange | None:
        return self._stripe_js.change(request, response)

    def _unreachable(self, error: Exception) -> web.Response:
        page = render(
            "unreachable.html",
            title="The frontend is not running",
            address=self._url,
            reason=error,
        )
        return web.Response(status=502, content_type="text/html", text=page)


def request_target(request: web.Request) -> str:
    """Path and query as sent; an absolute request target loses its scheme and host."""
    raw = request.raw_path
    return raw if raw.startswith("/") else request.rel_url.raw_path_qs


def _end_to_end(items: Iterable[tuple[str, str]], connection: list[str]) -> CIMultiDict[str]:
    """Headers without those that belong to one hop, `Connection`'s own list included."""
    named = {name.strip().lower() for line in connection for name in line.split(",")}
    drop = _HOP_BY_HOP | named
    return CIMultiDict((name, value) for name, value in items if name.lower() not in drop)


async def _pump_both(one: web.WebSocketResponse, other: ClientWebSocketResponse) -> None:
    """Copy messages both ways until either side closes, then close the other alike."""
    pumps = [asyncio.create_task(_pump(one, other)), asyncio.create_task(_pump(other, one))]
    try:
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        for side in (one, other):
            with contextlib.suppress(Exception):
                await side.close()


async def _pump(
    source: web.WebSocketResponse | ClientWebSocketResponse,
    target: web.WebSocketResponse | ClientWebSocketResponse,
) -> None:
    while True:
        message = await source.receive()
        match message.type:
            case WSMsgType.TEXT:
                await target.send_str(message.data)
            case WSMsgType.BINARY:
                await target.send_bytes(message.data)
            case WSMsgType.PING:
                await target.ping(message.data)
            case WSMsgType.PONG:
                await target.pong(message.data)
            case WSMsgType.CLOSE:
                await target.close(
                    code=message.data or 1000, message=(message.extra or "").encode()
                )
                return
            case _:
                return

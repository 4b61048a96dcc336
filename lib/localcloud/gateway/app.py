"""The site's web application: who answers which path."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from localcloud.config import StackConfig
from localcloud.console.app import Console
from localcloud.guard_aiohttp import middleware
from localcloud.ports import gateway_guard

from .control import Control
from .event import STAGE
from .http_api import MAX_BODY_BYTES, HttpApi
from .messages import HttpRequest, HttpResponse
from .pages import Pages
from .parts_proxy import PartsProxy
from .proxy import FrontendProxy, request_target
from .sessions import with_user_header
from .stripe_js import StripeJs

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Site:
    """`/backend/*` to the functions, `/_local/*` to the control, all else to the frontend."""

    def __init__(
        self,
        config: StackConfig,
        api: HttpApi,
        control: Control,
        console: Console,
        *,
        ready: Callable[[], bool],
    ) -> None:
        self._config = config
        self._api = api
        self._control = control
        self._console = console
        self._ready = ready
        self._pages = Pages(config, control.session_cookie)
        address = config.frontend_address
        self._proxy = FrontendProxy(address, StripeJs(config)) if address else None
        self._parts = PartsProxy(config) if config.one_port else None

    def application(self) -> web.Application:
        app = web.Application(
            middlewares=[middleware(gateway_guard(self._config)), self._part],
            client_max_size=MAX_BODY_BYTES,
        )
        app.add_routes([web.get("/_health", self._health)])
        app.add_routes(self._control.routes())
        app.add_routes(self._pages.routes())
        app.add_routes(self._console.routes())
        app.router.add_route("*", "/{path:.*}", self._dispatch)
        app.on_cleanup.append(self._close)
        return app

    async def _health(self, _request: web.Request) -> web.StreamResponse:
        ready = self._ready()
        status = {"status": "ok" if ready else "starting"}
        return web.json_response(status, status=200 if ready else 503)

    @web.middleware
    async def _part(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Hand on what a part answers, before the routes of this application are asked."""
        part = self._parts.of(request) if self._parts else None
        return await (part.handle if part else handler)(request)

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        if _is_under(request, STAGE):
            return await self._function(request)
        if _is_under(request, "_local"):
            return web.json_response({"message": "Not Found"}, status=404)
        if self._proxy:
            return await self._proxy.handle(request)
        return await self._pages.site(request)

    async def _function(self, request: web.Request) -> web.StreamResponse:
        received = HttpRequest(
            method=request.method,
            target=request_target(request),
            headers=[(name, value) for name, value in request.headers.items()],
            body=await _body(request),
            source_ip=request.remote or "127.0.0.1",
            protocol=f"HTTP/{request.version.major}.{request.version.minor}",
        )
        if self._config.allow_user_header:
            received = with_user_header(received, self._control.session_cookie())
        return _sent(await self._api.handle(received))

    async def _close(self, _app: web.Application) -> None:
        await self._control.close()
        await self._console.close()
        for proxy in (self._proxy, self._parts):
            if proxy:
                await proxy.close()


def _is_under(request: web.Request, prefix: str) -> bool:
    # Decoded, as the router and the guard see it.
    path = request.path
    return path == f"/{prefix}" or path.startswith(f"/{prefix}/")


async def _body(request: web.Request) -> bytes:
    """The body, or as much of it as shows that it is too large."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        return b"\0" * (MAX_BODY_BYTES + 1)
    received = bytearray()
    async for chunk in request.content.iter_any():
        received += chunk
        if len(received) > MAX_BODY_BYTES:
            break
    return bytes(received)


def _sent(response: HttpResponse) -> web.Response:
    sent = web.Response(status=response.status, body=response.body or None)
    for name, value in response.headers:
        sent.headers.add(name, value)
    return sent

"""The guard before an aiohttp application, or before a bare handler; what its server reads."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .guard import Asked, Guard

HEADER_ROOM: dict[str, Any] = {"max_line_size": 65_536, "max_field_size": 65_536}
"""Arguments of every server, and of the client between two of them.

A browser sends the cookies of `localhost` to all ports, and together they are long. What the API
emulation refuses by its own limits and in its own words is far below.
"""

Server = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def middleware(guard: Guard) -> Middleware:
    """Stands first in an application; refuses before anything of the body is read."""

    @web.middleware
    async def judge(request: web.Request, handler: Handler) -> web.StreamResponse:
        return _refused(guard, request) or await handler(request)

    return judge


def guarded(guard: Guard, serve: Server) -> Server:
    """The same for a `web.Server`."""

    async def judge(request: web.BaseRequest) -> web.StreamResponse:
        return _refused(guard, request) or await serve(request)

    return judge


def _refused(guard: Guard, request: web.BaseRequest) -> web.Response | None:
    address = request.get_extra_info("sockname") or ("", 0)
    asked = Asked(
        method=request.method,
        # aiohttp keeps bytes that are no UTF-8 as lone surrogates.
        target=request.raw_path.encode("utf-8", "surrogateescape"),
        path=request.path,
        headers=request.raw_headers,
        port=address[1],
    )
    refusal = guard.refusal(asked)
    if refusal is None:
        return None
    response = web.json_response({"message": refusal.message}, status=refusal.status)
    # What is left of the request is not read.
    response.force_close()
    return response

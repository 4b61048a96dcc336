"""The port on which local AWS and SDKs invoke functions."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from localcloud.functions.invoke_api import Resolve, invoke_routes
from localcloud.functions.transport import Functions

from .guard import host_is_local

_INVOKE_MAX = 7 * 1024 * 1024


def invoke_application(
    functions: Functions, ready: Callable[[], bool], resolve: Resolve
) -> web.Application:
    """Lambda's Invoke API and `/_health`, for programs on this machine."""

    @web.middleware
    async def programs_only(request: web.Request, handler: Any) -> web.StreamResponse:
        # A browser never calls this port; a page that tries comes from some other site.
        if "Origin" in request.headers or not host_is_local(request.headers.get("Host", "")):
            return web.json_response({"message": "Forbidden"}, status=403)
        response: web.StreamResponse = await handler(request)
        return response

    async def health(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "ok" if ready() else "starting"})

    app = web.Application(middlewares=[programs_only], client_max_size=_INVOKE_MAX)
    app.add_routes([web.get("/_health", health), *invoke_routes(functions, resolve)])
    return app

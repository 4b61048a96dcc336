"""The port on which local AWS and SDKs invoke functions."""

from collections.abc import Callable

from aiohttp import web

from localcloud.functions.invoke_api import Resolve, invoke_routes
from localcloud.functions.transport import Functions
from localcloud.guard import Guard
from localcloud.guard_aiohttp import middleware

_INVOKE_MAX = 7 * 1024 * 1024


def invoke_application(
    functions: Functions, ready: Callable[[], bool], resolve: Resolve, guard: Guard
) -> web.Application:
    """Lambda's Invoke API and `/_health`, for programs on this machine."""

    async def health(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": "ok" if ready() else "starting"})

    app = web.Application(middlewares=[middleware(guard)], client_max_size=_INVOKE_MAX)
    app.add_routes([web.get("/_health", health), *invoke_routes(functions, resolve)])
    return app

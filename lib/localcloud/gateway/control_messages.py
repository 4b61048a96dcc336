"""What control endpoints take and give: small bodies, and errors in the gateway's shape."""

from aiohttp import web

MAX_BYTES = 65_536


async def small_body(request: web.Request) -> bytes:
    """A request's body. Raises HTTPRequestEntityTooLarge."""
    if (request.content_length or 0) > MAX_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_BYTES, request.content_length or 0)
    return await request.read()


def refused(status: int, message: str) -> web.Response:
    """An error: `{"message"}`."""
    return web.json_response({"message": message}, status=status)

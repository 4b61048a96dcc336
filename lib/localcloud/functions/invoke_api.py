"""Lambda's Invoke API, so that boto3 and local AWS can call the functions."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from .invocation import MAX_PAYLOAD_BYTES, ThrottledError
from .transport import Functions, RefusedError, UnknownFunctionError

MAX_EVENT_BYTES = 1_048_576
"""Largest asynchronous request (AWS Lambda quotas)."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Resolve = Callable[[web.Request], str]
"""The function that a request is for, by the name `Functions` knows. Raises as `invoke`."""


def bare_name(request: web.Request) -> str:
    """The function's name, whatever version or alias is asked for."""
    return function_name(request.match_info["name"])


def invoke_routes(functions: Functions, resolve: Resolve = bare_name) -> list[web.AbstractRouteDef]:
    """`POST /2015-03-31/functions/{name}/invocations` as the Lambda API reference describes it."""

    async def invoke(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        body = await request.read() or b"{}"
        kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        limit = MAX_EVENT_BYTES if kind == "Event" else MAX_PAYLOAD_BYTES
        if len(body) > limit:
            message = f"{len(body)} byte payload is too large for the {kind} invocation type"
            return _error(413, "RequestTooLargeException", f"{message} (limit {limit} bytes)")
        try:
            return await _invoke(functions, resolve(request), kind, body, request)
        except RefusedError as error:
            return _error(error.status, error.error_type, str(error))
        except UnknownFunctionError:
            arn = functions.config.function_arn(function_name(name))
            return _error(404, "ResourceNotFoundException", f"Function not found: {arn}")
        except ThrottledError:
            return _error(429, "TooManyRequestsException", "Rate Exceeded.")

    return [web.post("/2015-03-31/functions/{name}/invocations", invoke)]


async def _invoke(
    functions: Functions, name: str, kind: str, body: bytes, request: web.Request
) -> web.Response:
    if kind == "DryRun":
        functions.require(name)
        return web.Response(status=204)
    if kind == "Event":
        request_id = functions.invoke_event(name, body)
        return web.Response(status=202, headers={"x-amzn-RequestId": request_id})
    context = request.headers.get("X-Amz-Client-Context")
    result = await functions.invoke(name, body, client_context=_decoded(context))
    headers = {"x-amzn-RequestId": result.request_id, "X-Amz-Executed-Version": "$LATEST"}
    if result.error:
        headers["X-Amz-Function-Error"] = result.error
    return web.Response(body=result.payload, headers=headers, content_type="application/json")


def function_name(identifier: str) -> str:
    """The bare name of a function given by name, partial or full ARN, with or without qualifier."""
    _, marker, tail = identifier.rpartition("function:")
    return (tail if marker else identifier).split(":")[0]


def _decoded(context: str | None) -> str | None:
    if context is None:
        return None
    import base64

    return base64.b64decode(context).decode()


def _error(status: int, error_type: str, message: str) -> web.Response:
    body: dict[str, Any] = {"Type": "User", "Message": message, "message": message}
    return web.json_response(body, status=status, headers={"x-amzn-ErrorType": error_type})

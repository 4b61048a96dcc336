"""API Gateway's HTTP API: limits, CORS, routing and the answers that it makes itself."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from localcloud.functions.invocation import MAX_PAYLOAD_BYTES, Result, ThrottledError
from localcloud.functions.transport import RefusedError, UnknownFunctionError

from .event import ApiIdentity, build_event, new_request_id
from .messages import HttpRequest, HttpResponse, gateway_message
from .result import MalformedResultError, to_response
from .routing import Match, RouteTable

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_HEADER_BYTES = 10_240
"""Request line and header values together ("Quotas for configuring and running an HTTP API")."""
INTEGRATION_SECONDS = 30.0

Integrate = Callable[[Match, bytes], Awaitable[Result]]
"""Has the function of a route answer an event. Raises as `Functions.invoke`, or TimeoutError."""
Log = Callable[[str], None]


@dataclass(frozen=True)
class Cors:
    """An HTTP API's CORS configuration. `origins` may hold `*`."""

    origins: list[str] = field(default_factory=list)
    methods: str = "GET,POST,PATCH,PUT,DELETE"
    headers: str = "content-type,authorization,x-correlation-id"
    max_age: int = 600
    credentials: bool = True
    exposed: str = ""

    def allows(self, origin: str) -> bool:
        return bool(origin) and (origin in self.origins or "*" in self.origins)

    def answer_headers(self, origin: str) -> list[tuple[str, str]]:
        """Headers for a response to an allowed origin; none for any other."""
        if not self.allows(origin):
            return []
        headers = [("access-control-allow-origin", origin), ("vary", "origin")]
        if self.credentials:
            headers.append(("access-control-allow-credentials", "true"))
        if self.exposed:
            headers.append(("access-control-expose-headers", self.exposed))
        return headers

    def preflight(self, origin: str) -> HttpResponse:
        headers = self.answer_headers(origin)
        if headers:
            headers += [
                ("access-control-allow-methods", self.methods),
                ("access-control-allow-headers", self.headers),
                ("access-control-max-age", str(self.max_age)),
            ]
        return HttpResponse(204, headers)


@dataclass(frozen=True)
class Served:
    """What an API is at this moment."""

    identity: ApiIdentity
    routes: RouteTable
    cors: Cors = field(default_factory=Cors)


class HttpApi:
    """One API with one stage, every route a Lambda proxy integration."""

    def __init__(
        self,
        integrate: Integrate,
        served: Callable[[], Served],
        *,
        integration_seconds: float = INTEGRATION_SECONDS,
        log: Log = lambda _line: None,
    ) -> None:
        self._invoke = integrate
        self._served = served
        self._seconds = integration_seconds
        self._log = log

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer a request whose body is already read (up to one byte over the limit)."""
        request_id = new_request_id()
        started = time.monotonic()
        served = self._served()
        response, function = await self._answer(request, served, request_id)
        took = (time.monotonic() - started) * 1000
        where = f" {function}" if function else ""
        self._log(f"{request.method} {request.raw_path} {response.status}{where} {took:.0f} ms")
        return _finished(request, response, served.cors, request_id)

    async def _answer(
        self, request: HttpRequest, served: Served, request_id: str
    ) -> tuple[HttpResponse, str | None]:
        origin, stage = request.header("origin"), f"/{served.identity.stage}"
        if (refusal := _over_limits(request)) is not None:
            return refusal, None
        if not f"{request.raw_path}/".startswith(f"{stage}/"):
            return gateway_message(404, "Not Found"), None
        wants_preflight = request.method == "OPTIONS" and request.header(
            "access-control-request-method"
        )
        if served.cors.origins and wants_preflight and origin:
            return served.cors.preflight(origin), None
        match = served.routes.match(request.method, request.raw_path[len(stage) :] or "/")
        if match is None:
            return gateway_message(404, "Not Found"), None
        event = build_event(request, match, api=served.identity, request_id=request_id)
        return await self._integrate(match, json.dumps(event).encode()), match.function

    async def _integrate(self, match: Match, payload: bytes) -> HttpResponse:
        if len(payload) > MAX_PAYLOAD_BYTES:
            return gateway_message(413, "Request Entity Too Large")
        try:
            result = await asyncio.wait_for(self._invoke(match, payload), self._seconds)
            if result.error is None:
                return to_response(result.payload)
        except TimeoutError:
            return gateway_message(503, "Service Unavailable")
        except ThrottledError:
            return gateway_message(429, "Too Many Requests")
        except (UnknownFunctionError, RefusedError, MalformedResultError) as error:
            self._log(f"{match.function} | {type(error).__name__}: {error}")
        return gateway_message(500, "Internal Server Error")


def _finished(
    request: HttpRequest, response: HttpResponse, cors: Cors, request_id: str
) -> HttpResponse:
    headers = response.headers
    if cors.origins:
        # A configured CORS replaces what the integration says about it.
        headers = [pair for pair in headers if not pair[0].startswith("access-control-")]
        headers += (
            [pair for pair in response.headers if pair[0].startswith("access-control-")]
            if response.status == 204 and request.method == "OPTIONS"
            else cors.answer_headers(request.header("origin"))
        )
    return HttpResponse(response.status, [*headers, ("apigw-requestid", request_id)], response.body)


def _over_limits(request: HttpRequest) -> HttpResponse | None:
    line = len(f"{request.method} {request.target} {request.protocol}".encode())
    values = sum(len(value.encode()) for _, value in request.headers)
    if line + values > MAX_HEADER_BYTES:
        return gateway_message(431, "Request Header Fields Too Large")
    if len(request.body) > MAX_BODY_BYTES:
        return gateway_message(413, "Request Entity Too Large")
    return None

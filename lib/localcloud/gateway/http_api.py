"""API Gateway's HTTP API: limits, CORS, routing and the answers that it makes itself."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from localcloud.functions.invocation import MAX_PAYLOAD_BYTES, Result, ThrottledError
from localcloud.functions.transport import UnknownFunctionError

from .event import STAGE, build_event, new_request_id
from .messages import HttpRequest, HttpResponse, gateway_message
from .result import MalformedResultError, to_response
from .routing import Match, RouteTable

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_HEADER_BYTES = 10_240
"""Request line and header values together ("Quotas for configuring and running an HTTP API")."""
INTEGRATION_SECONDS = 30.0

Invoke = Callable[[str, bytes], Awaitable[Result]]
Log = Callable[[str], None]


@dataclass(frozen=True)
class Cors:
    """An HTTP API's CORS configuration. `origins` may hold `*`."""

    origins: list[str] = field(default_factory=list)
    methods: str = "GET,POST,PATCH,PUT,DELETE"
    headers: str = "content-type,authorization,x-correlation-id"
    max_age: int = 600

    def allows(self, origin: str) -> bool:
        return bool(origin) and (origin in self.origins or "*" in self.origins)

    def answer_headers(self, origin: str) -> list[tuple[str, str]]:
        """Headers for a response to an allowed origin; none for any other."""
        if not self.allows(origin):
            return []
        return [
            ("access-control-allow-origin", origin),
            ("access-control-allow-credentials", "true"),
            ("vary", "origin"),
        ]

    def preflight(self, origin: str) -> HttpResponse:
        headers = self.answer_headers(origin)
        if headers:
            headers += [
                ("access-control-allow-methods", self.methods),
                ("access-control-allow-headers", self.headers),
                ("access-control-max-age", str(self.max_age)),
            ]
        return HttpResponse(204, headers)


class HttpApi:
    """One API with one stage (`backend`), every route a Lambda proxy integration."""

    def __init__(
        self,
        invoke: Invoke,
        routes: Callable[[], RouteTable],
        *,
        account_id: str,
        cors: Cors | None = None,
        integration_seconds: float = INTEGRATION_SECONDS,
        log: Log = lambda _line: None,
    ) -> None:
        self._invoke = invoke
        self._routes = routes
        self._account_id = account_id
        self._cors = cors or Cors()
        self._seconds = integration_seconds
        self._log = log

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer a request whose body is already read (up to one byte over the limit)."""
        request_id = new_request_id()
        started = time.monotonic()
        response, function = await self._answer(request, request_id)
        took = (time.monotonic() - started) * 1000
        where = f" {function}" if function else ""
        self._log(f"{request.method} {request.raw_path} {response.status}{where} {took:.0f} ms")
        return self._finished(request, response, request_id)

    async def _answer(
        self, request: HttpRequest, request_id: str
    ) -> tuple[HttpResponse, str | None]:
        origin = request.header("origin")
        if (refusal := _over_limits(request)) is not None:
            return refusal, None
        if not request.raw_path.startswith((f"/{STAGE}/", f"/{STAGE}")) or (
            request.raw_path[len(STAGE) + 1 : len(STAGE) + 2] not in ("", "/")
        ):
            return gateway_message(404, "Not Found"), None
        wants_preflight = request.method == "OPTIONS" and request.header(
            "access-control-request-method"
        )
        if self._cors.origins and wants_preflight and origin:
            return self._cors.preflight(origin), None
        match = self._routes().match(request.method, request.raw_path[len(STAGE) + 1 :] or "/")
        if match is None:
            return gateway_message(404, "Not Found"), None
        return await self._integrate(request, match, request_id), match.function

    async def _integrate(self, request: HttpRequest, match: Match, request_id: str) -> HttpResponse:
        event = build_event(request, match, account_id=self._account_id, request_id=request_id)
        payload = json.dumps(event).encode()
        if len(payload) > MAX_PAYLOAD_BYTES:
            return gateway_message(413, "Request Entity Too Large")
        try:
            result = await asyncio.wait_for(self._invoke(match.function, payload), self._seconds)
            if result.error is None:
                return to_response(result.payload)
        except TimeoutError:
            return gateway_message(503, "Service Unavailable")
        except ThrottledError:
            return gateway_message(429, "Too Many Requests")
        except (UnknownFunctionError, MalformedResultError) as error:
            self._log(f"{match.function} | {type(error).__name__}: {error}")
        return gateway_message(500, "Internal Server Error")

    def _finished(
        self, request: HttpRequest, response: HttpResponse, request_id: str
    ) -> HttpResponse:
        headers = response.headers
        if self._cors.origins:
            # A configured CORS replaces what the integration says about it.
            headers = [pair for pair in headers if not pair[0].startswith("access-control-")]
            headers += (
                [pair for pair in response.headers if pair[0].startswith("access-control-")]
                if response.status == 204 and request.method == "OPTIONS"
                else self._cors.answer_headers(request.header("origin"))
            )
        headers = [*headers, ("apigw-requestid", request_id)]
        return HttpResponse(response.status, headers, response.body)


def _over_limits(request: HttpRequest) -> HttpResponse | None:
    line = len(f"{request.method} {request.target} {request.protocol}".encode())
    values = sum(len(value.encode()) for _, value in request.headers)
    if line + values > MAX_HEADER_BYTES:
        return gateway_message(431, "Request Header Fields Too Large")
    if len(request.body) > MAX_BODY_BYTES:
        return gateway_message(413, "Request Entity Too Large")
    return None

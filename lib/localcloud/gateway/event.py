"""API Gateway HTTP API events, payload format version 2.0.

Source: "Create AWS Lambda proxy integrations for HTTP APIs" in the API Gateway developer guide, and
captures of a deployed API where the guide is silent: `rawPath` arrives percent-decoded, a missing
content type or a form counts as binary.
"""

import base64
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from .messages import HttpRequest
from .routing import Match

STAGE = "backend"


@dataclass(frozen=True)
class ApiIdentity:
    """Which API and stage an event says it comes from."""

    account_id: str
    api_id: str = "groundwork0"
    stage: str = STAGE


_TEXT_TYPES = ("application/json", "application/xml", "application/javascript")
_NOT_FORWARDED = {
    "connection",
    "cookie",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "expect",
}


def new_request_id() -> str:
    """An id shaped like API Gateway's extended request ids, e.g. `JKJaXmPLvHcESHA=`."""
    return base64.b64encode(secrets.token_bytes(11)).decode()


def is_text(content_type: str) -> bool:
    """Whether API Gateway hands a body of this type over as text; all others become base64."""
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type.startswith("text/") or media_type in _TEXT_TYPES


def build_event(
    request: HttpRequest, match: Match, *, api: ApiIdentity, request_id: str
) -> dict[str, Any]:
    """The event of a request; members that AWS leaves out when empty are left out."""
    path = unquote(request.raw_path).partition("?")[0]
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": match.route_key,
        "rawPath": path,
        "rawQueryString": request.raw_query,
        "headers": _headers(request),
        "requestContext": _context(request, match, path, api, request_id),
    }
    if cookies := _cookies(request):
        event["cookies"] = cookies
    if query := _joined(parse_qsl(request.raw_query, keep_blank_values=True)):
        event["queryStringParameters"] = query
    if match.parameters:
        event["pathParameters"] = match.parameters
    return event | _body(request)


def _context(
    request: HttpRequest, match: Match, path: str, api: ApiIdentity, request_id: str
) -> dict[str, Any]:
    now = time.time()
    domain = request.header("host").rpartition(":")[0] or request.header("host")
    return {
        "accountId": api.account_id,
        "apiId": api.api_id,
        "domainName": domain,
        "domainPrefix": domain.partition(".")[0],
        "http": {
            "method": request.method,
            "path": path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent"),
        },
        "requestId": request_id,
        "routeKey": match.route_key,
        "stage": api.stage,
        "time": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now * 1000),
    }


def _headers(request: HttpRequest) -> dict[str, str]:
    host = request.header("host")
    headers = _joined(
        [
            (name.lower(), value)
            for name, value in request.headers
            if name.lower() not in _NOT_FORWARDED
        ]
    )
    forwarded_for = [headers["x-forwarded-for"]] if "x-forwarded-for" in headers else []
    trace = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return {
        "content-length": str(len(request.body)),
        "x-amzn-trace-id": trace,
        **headers,
        "x-forwarded-for": ", ".join([*forwarded_for, request.source_ip]),
        "x-forwarded-port": host.rpartition(":")[2] if ":" in host else "80",
        "x-forwarded-proto": "http",
    }


def _cookies(request: HttpRequest) -> list[str]:
    lines = [value for name, value in request.headers if name.lower() == "cookie"]
    return [cookie for line in lines for part in line.split(";") if (cookie := part.strip())]


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """A repeated name keeps all its values, joined by a comma."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body(request: HttpRequest) -> dict[str, Any]:
    if not request.body:
        return {"isBase64Encoded": False}
    if is_text(request.header("content-type")):
        return {"body": request.body.decode(errors="replace"), "isBase64Encoded": False}
    return {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}

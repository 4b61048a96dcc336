"""What a function's result becomes over HTTP: Lambda responses of payload format version 2.0."""

import base64
import binascii
import json
from typing import Any

from .messages import HttpResponse


class MalformedResultError(Exception):
    """A result that API Gateway answers with 500."""


_BODILESS = (204, 304)


def to_response(payload: bytes) -> HttpResponse:
    """The HTTP response of a function's JSON result. Raises MalformedResultError.

    A result without `statusCode` is a body: 200, `application/json`; a bare string goes as it is.
    """
    try:
        result = json.loads(payload)
    except ValueError as error:
        raise MalformedResultError("the function's result is not JSON") from error
    if not isinstance(result, dict) or "statusCode" not in result:
        text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        return HttpResponse(200, [("content-type", "application/json")], text.encode())
    status = _status(result["statusCode"])
    headers = _headers(result.get("headers") or {})
    if not any(name == "content-type" for name, _ in headers) and status not in _BODILESS:
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    cookies = result.get("cookies") or []
    if not isinstance(cookies, list) or any(_breaks_line(str(cookie)) for cookie in cookies):
        raise MalformedResultError("cookies is not a list of single lines")
    headers += [("set-cookie", str(cookie)) for cookie in cookies]
    return HttpResponse(status, headers, b"" if status in _BODILESS else _body(result))


def _status(value: Any) -> int:
    try:
        status = int(value)
    except (TypeError, ValueError) as error:
        raise MalformedResultError("statusCode is not a number") from error
    if isinstance(value, bool | float) or not 200 <= status <= 599:
        raise MalformedResultError("statusCode is out of range")
    return status


def _headers(headers: Any) -> list[tuple[str, str]]:
    if not isinstance(headers, dict):
        raise MalformedResultError("headers is not an object")
    flat: list[tuple[str, str]] = []
    for name, value in headers.items():
        if isinstance(value, dict | list):
            raise MalformedResultError(f"header {name} is not a string")
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if _breaks_line(text):
            raise MalformedResultError(f"header {name} has a line break")
        flat.append((str(name).lower(), text))
    return [(name, text) for name, text in flat if name not in ("content-length", "connection")]


def _breaks_line(text: str) -> bool:
    return "\n" in text or "\r" in text


def _body(result: dict[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedResultError("body is not a string")
    if not result.get("isBase64Encoded"):
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise MalformedResultError("body is not base64") from error

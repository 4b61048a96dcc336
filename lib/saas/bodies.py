"""Request bodies: their size, encoding and nesting are checked before anybody parses them."""

import base64
import binascii
from typing import Any

from saas import json_text
from saas.errors import BadRequest, TooLarge, UnsupportedMediaType

Event = dict[str, Any]
MAX_BODY_BYTES = 1_048_576
# A megabyte of nothing but arrays costs a second to build and to let go; no request needs many.
MAX_CONTAINERS = 10_000
JSON = "application/json"


def raw(event: Event) -> bytes:
    """The body's bytes as they were sent, whatever the gateway did to them.

    Raises:
        BadRequest: the event claims base64 and is not.
        TooLarge: more than 1 MB.
    """
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        content = body.encode("utf-8", "surrogatepass")
    elif len(body) > MAX_BODY_BYTES * 2:
        raise _too_large()
    else:
        try:
            content = base64.b64decode(body, validate=True)
        except (ValueError, binascii.Error) as error:
            raise BadRequest("The body is not valid base64", code="invalid_body") from error
    if len(content) > MAX_BODY_BYTES:
        raise _too_large()
    return content


def as_plain_json(event: Event, headers: dict[str, str]) -> Event:
    """The event with its body as plain text that is neither deep nor wide; no body becomes `{}`.

    Raises:
        BadRequest, TooLarge: see `raw`, and text that is not UTF-8, nested too deeply, or has too
            many arrays and objects.
        UnsupportedMediaType: the body is announced as something else than JSON.
    """
    content = raw(event)
    empty = not content.strip()
    content_type = headers.get("content-type", JSON).split(";")[0].strip().lower()
    if not empty and content_type != JSON:
        raise UnsupportedMediaType("The request body must be application/json")
    try:
        text = "{}" if empty else content.decode("utf-8")
        json_text.check_depth(text, max_containers=MAX_CONTAINERS)
    except ValueError as error:
        raise _not_json() from error
    plain_headers = {**(event.get("headers") or {}), "content-type": JSON}
    return {**event, "body": text, "isBase64Encoded": False, "headers": plain_headers}


def read(text: str) -> dict[str, Any]:
    """The JSON object of a body that `as_plain_json` let pass.

    Raises:
        BadRequest: it is not JSON, or no object (`invalid_json`).
    """
    try:
        body = json_text.parse(text)
    except ValueError as error:
        raise _not_json() from error
    if not isinstance(body, dict):
        raise BadRequest("The request body must be a JSON object", code="invalid_json")
    return body


def _not_json() -> BadRequest:
    return BadRequest("The request body is not valid JSON", code="invalid_json")


def _too_large() -> TooLarge:
    return TooLarge("The request body must not exceed 1 MB")

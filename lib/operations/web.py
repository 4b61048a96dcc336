"""Plain HTTP requests as the world makes them: no credentials, no redirects followed."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from operations.errors import OperationError

SECONDS = 35
"""A little more than the API itself may take."""

_OWN_MACHINE = ("127.0.0.1", "localhost", "::1")


class Unreachable(OperationError):
    """No HTTP answer at all: name, network, TLS or time."""


@dataclass(frozen=True)
class Answer:
    """Status, headers with lower-case names, body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def request(
    method: str, url: str, body: bytes | None = None, *, headers: dict[str, str] | None = None
) -> Answer:
    """Whatever the server answers, errors and redirects included.

    Raises:
        Unreachable: there was no answer.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise Unreachable(f"{url} is no http address")
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if urlsplit(url).hostname in _OWN_MACHINE:
        handlers.append(urllib.request.ProxyHandler({}))
    opener = urllib.request.build_opener(*handlers)
    asked = urllib.request.Request(url, body, method=method)  # noqa: S310 - checked above
    for name, value in {"User-Agent": "groundwork-operations", **(headers or {})}.items():
        asked.add_header(name, value)
    try:
        with opener.open(asked, timeout=SECONDS) as answer:
            return Answer(answer.status, _lower(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, _lower(error.headers), error.read())
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise Unreachable(f"{url} does not answer: {reason}") from error


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}

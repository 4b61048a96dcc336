"""How the Stripe SDK sends its requests: over the connections that the rest of us uses.

The SDK's own choice, `requests`, takes as long to import as the SDK, and reads all authorities of
TLS at a cold start. Which failures are repeated, and when, stays the SDK's business.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from stripe import APIConnectionError, HTTPClient

from saas.connections import Connections, NoAnswer, Unreachable


class StripeHttp(HTTPClient):
    """One host's connections; an answer may take `seconds`."""

    name = "groundwork"

    def __init__(self, base: str, *, seconds: float) -> None:
        super().__init__()
        self._connections = Connections(base)
        self._seconds = seconds

    def request(  # type: ignore[override]  # the SDK's own subclasses leave out `_usage` as well
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send once; see `HTTPClient.request_with_retries` for what follows.

        Raises:
            APIConnectionError: no answer; repeated unless TLS refused the other side.
        """
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        sent = {"host": self._connections.host, **(headers or {})}
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        try:
            answer = self._connections.send(
                method.upper(),
                path,
                sent,
                body,
                seconds=self._seconds,
                repeatable=_is_repeatable(method, sent),
            )
        except (Unreachable, NoAnswer) as error:
            untrusted = isinstance(error, Unreachable) and error.untrusted
            raise _connection_error(f"Stripe did not answer: {error}", not untrusted) from error
        return answer.content, answer.status, answer.headers

    def close(self) -> None:
        """Close the connections that are kept."""
        self._connections.close()


def _is_repeatable(method: str, headers: Mapping[str, str]) -> bool:
    """Whether the SDK may send this again: a read, or a write under a key that Stripe remembers."""
    return method.upper() == "GET" or "idempotency-key" in {name.lower() for name in headers}


def _connection_error(message: str, should_retry: bool) -> Exception:
    make: Any = APIConnectionError
    error: Exception = make(message, should_retry=should_retry)
    return error

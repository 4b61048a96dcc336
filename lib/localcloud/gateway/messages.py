"""HTTP requests and responses as the API emulation sees them, free of any server library."""

import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class HttpRequest:
    """`target` is the request target as sent (path and query, percent-encoded)."""

    method: str
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"

    @property
    def raw_path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def raw_query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str:
        """All values of a header joined by a comma, empty when absent."""
        return ",".join(value for key, value in self.headers if key.lower() == name)


@dataclass(frozen=True)
class HttpResponse:
    """Header names are lower-case; `set-cookie` may repeat."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


def gateway_message(status: int, text: str) -> HttpResponse:
    """An answer that API Gateway makes itself."""
    body = json.dumps({"message": text}, separators=(",", ":")).encode()
    return HttpResponse(status, [("content-type", "application/json")], body)

"""HTTP connections that are kept between requests, on the standard library alone.

Not `http.client.HTTPConnection.request`: it writes head and body apart, which costs another packet,
TLS record and wake-up of the other side; nor its way of reading (`saas.answers`). Redirects are not
followed; nothing is ever sent twice.
"""

import http.client
import select
import socket
import ssl
import threading
import weakref
from urllib.parse import urlsplit

from saas import answers
from saas.answers import Answer

CONNECT_SECONDS = 2.0


class Unreachable(Exception):
    """No connection could be made: nothing was sent. `untrusted` tells that TLS refused it."""

    def __init__(self, reason: str, *, untrusted: bool = False) -> None:
        super().__init__(reason)
        self.untrusted = untrusted


class NoAnswer(Exception):
    """The request went out and no whole answer came back: it may have been carried out."""


class Connections:
    """Connections to one host; safe to use from several threads.

    Args:
        url: scheme and host, with a port if it is not the scheme's own.
        ca_bundle: file of the authorities to trust instead of the system's.
    """

    def __init__(self, url: str, ca_bundle: str = "") -> None:
        self._url = urlsplit(url)
        self._ca_bundle = ca_bundle
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._idle)

    @property
    def host(self) -> str:
        """The `host` header, which requests have to carry."""
        return self._url.netloc

    def send(
        self, method: str, path: str, headers: dict[str, str], body: bytes, *, seconds: float
    ) -> Answer:
        """One request, sent at most once.

        Args:
            path: with the query, percent-encoded.
            headers: all of them but the length; values must not hold line breaks.
            seconds: how long to wait for each part of the answer.

        Raises:
            Unreachable, NoAnswer: see there.
        """
        request = _head(method, path, headers, len(body)) + body
        connection = self._connect(seconds)
        try:
            connection.sock.sendall(request)
            answer = answers.read(connection.sock)
        except (OSError, answers.Malformed) as error:
            connection.close()
            raise NoAnswer(type(error).__name__) from error
        self._keep(connection, answer)
        return answer

    def close(self) -> None:
        """Close the connections that are kept."""
        _close_all(self._idle)

    def _connect(self, seconds: float) -> http.client.HTTPConnection:
        while connection := self._take():
            if not is_dead(connection.sock):
                connection.sock.settimeout(seconds)
                return connection
            connection.close()
        fresh = self._open()
        try:
            fresh.connect()
        except OSError as error:
            fresh.close()
            untrusted = isinstance(error, ssl.SSLError)
            raise Unreachable(type(error).__name__, untrusted=untrusted) from error
        fresh.sock.settimeout(seconds)
        return fresh

    def _open(self) -> http.client.HTTPConnection:
        if self._url.scheme == "https":
            from saas import tls

            context = tls.context(self._ca_bundle)
            return http.client.HTTPSConnection(self.host, timeout=CONNECT_SECONDS, context=context)
        return http.client.HTTPConnection(self.host, timeout=CONNECT_SECONDS)

    def _take(self) -> http.client.HTTPConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _keep(self, connection: http.client.HTTPConnection, answer: Answer) -> None:
        if not answer.reusable:
            connection.close()
            return
        with self._lock:
            self._idle.append(connection)


def is_dead(sock: socket.socket) -> bool:
    """Whether the other side closed an idle connection: it is then readable before we ask."""
    try:
        return bool(select.select([sock], [], [], 0)[0])
    except (OSError, ValueError):
        return True


def _head(method: str, path: str, headers: dict[str, str], length: int) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if length or method == "POST":
        lines.append(f"content-length: {length}")
    head = "\r\n".join([*lines, "", ""])
    if head.count("\n") != len(lines) + 1:
        raise ValueError("a header holds a line break")
    return head.encode("latin-1")


def _close_all(connections: list[http.client.HTTPConnection]) -> None:
    while connections:
        connections.pop().close()

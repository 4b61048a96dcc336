"""HTTP connections that are kept between requests, on sockets alone.

Not `http.client`: it costs more at a cold start than the rest of this, and it writes head and body
apart, which costs another packet, TLS record and wake-up of the other side. `saas.answers` reads.
Redirects are not followed. A request whose first byte went out is never sent again from here.
"""

import re
import select
import socket
import ssl
import threading
import time
import weakref
from dataclasses import dataclass
from urllib.parse import urlsplit

from saas import answers
from saas.answers import Answer

CONNECT_SECONDS = 2.0
# The other side may have dropped a connection that rested longer, and a function that was frozen
# does not hear of it.
MAX_IDLE_SECONDS = 20.0
# For requests that must not be repeated: nobody closes a connection that was just used.
MAX_IDLE_UNREPEATABLE_SECONDS = 3.0
_PORTS = {"http": 80, "https": 443}
_UNSENDABLE = re.compile(r"[\r\n\0]")


class Unreachable(Exception):
    """No connection could be made: nothing was sent. `untrusted` tells that TLS refused it."""

    def __init__(self, reason: str, *, untrusted: bool = False) -> None:
        super().__init__(reason)
        self.untrusted = untrusted


class NoAnswer(Exception):
    """The request went out and no whole answer came back: it may have been carried out.

    `kept` tells that the connection had been used before: a fresh one may do better at once.
    """

    def __init__(self, reason: str, *, kept: bool = False) -> None:
        super().__init__(reason)
        self.kept = kept


class _NothingSent(Exception):
    """A connection broke before it took a single byte."""


@dataclass(frozen=True)
class Kept:
    """A connection, and when it was last used.

    By two clocks: the wall clock goes on while a function is frozen, where the monotonic one may
    stand still; the monotonic one is not set back.
    """

    sock: socket.socket
    wall: float
    monotonic: float

    def is_fresh(self, limit: float) -> bool:
        """Whether it rested for less than `limit` seconds and the other side has not closed it."""
        rested = time.time() - self.wall
        return (
            0 <= rested < limit
            and time.monotonic() - self.monotonic < limit
            and not is_dead(self.sock)
        )


class Connections:
    """Connections to one host; safe to use from several threads.

    Args:
        url: scheme and host, with a port if it is not the scheme's own.
        ca_bundle: file of the authorities to trust instead of the system's.
    """

    def __init__(self, url: str, ca_bundle: str = "") -> None:
        self._url = urlsplit(url)
        self._ca_bundle = ca_bundle
        self._idle: list[Kept] = []
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._idle)

    @property
    def host(self) -> str:
        """The `host` header, which requests have to carry."""
        return self._url.netloc

    def send(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        *,
        seconds: float,
        repeatable: bool = False,
    ) -> Answer:
        """One request, written at most once.

        Args:
            path: with the query, percent-encoded.
            headers: all of them but the length; values must not hold line breaks.
            seconds: how long all of it may take.
            repeatable: the caller may send it again after `NoAnswer`, so a connection that rested
                for longer is good enough.

        Raises:
            Unreachable, NoAnswer: see there.
        """
        request = _head(method, path, headers, len(body)) + body
        until = time.monotonic() + seconds
        limit = MAX_IDLE_SECONDS if repeatable else MAX_IDLE_UNREPEATABLE_SECONDS
        while kept := self._take(limit):
            try:
                return self._exchange(kept, request, until, kept=True)
            except _NothingSent:
                continue
        try:
            return self._exchange(self._open(), request, until, kept=False)
        except _NothingSent as error:
            raise Unreachable(str(error)) from error

    def close(self) -> None:
        """Close the connections that are kept."""
        _close_all(self._idle)

    def _exchange(self, sock: socket.socket, request: bytes, until: float, *, kept: bool) -> Answer:
        try:
            _write(sock, request, until)
            answer = answers.read(sock, until=until)
        except (OSError, answers.Malformed) as error:
            sock.close()
            if kept:
                self.close()  # What rested beside it is as old.
            raise NoAnswer(type(error).__name__, kept=kept) from error
        except _NothingSent:
            sock.close()
            raise
        if answer.reusable:
            with self._lock:
                self._idle.append(Kept(sock, time.time(), time.monotonic()))
        else:
            sock.close()
        return answer

    def _open(self) -> socket.socket:
        sock = None
        try:
            address = (self._url.hostname or "", self._url.port or _PORTS[self._url.scheme])
            sock = socket.create_connection(address, timeout=CONNECT_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return self._secured(sock, address[0])
        except OSError as error:
            if sock is not None:
                sock.close()
            untrusted = isinstance(error, ssl.SSLError)
            raise Unreachable(type(error).__name__, untrusted=untrusted) from error

    def _secured(self, sock: socket.socket, host: str) -> socket.socket:
        if self._url.scheme != "https":
            return sock
        from saas import tls

        return tls.context(self._ca_bundle).wrap_socket(sock, server_hostname=host)

    def _take(self, limit: float) -> socket.socket | None:
        """The connection that was used last, if it is fresh; older ones on top of it are closed."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                last = self._idle.pop()
            if last.is_fresh(limit):
                return last.sock
            last.sock.close()


def is_dead(sock: socket.socket) -> bool:
    """Whether the other side closed an idle connection: it is then readable before we ask."""
    try:
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            return True
        return bool(select.select([sock], [], [], 0)[0])
    except (OSError, ValueError):
        return True


def _write(sock: socket.socket, request: bytes, until: float) -> None:
    """Send everything.

    Raises:
        _NothingSent: the connection had broken before; the request can go out elsewhere.
        OSError: it broke, or took too long, after a part was taken.
    """
    sock.settimeout(max(until - time.monotonic(), 0.001))
    try:
        sent = sock.send(request)
    except TimeoutError:
        raise
    except OSError as error:
        # TLS hands on whole records only, so a first one that failed holds nothing to act upon.
        raise _NothingSent(type(error).__name__) from error
    if sent < len(request):
        sock.sendall(memoryview(request)[sent:])


def _head(method: str, path: str, headers: dict[str, str], length: int) -> bytes:
    fields = [f"{name}: {value}" for name, value in headers.items()]
    if length or method == "POST":
        fields.append(f"content-length: {length}")
    lines = [f"{method} {path} HTTP/1.1", *fields]
    if any(_UNSENDABLE.search(line) for line in lines):
        raise ValueError("a header holds a line break")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _close_all(connections: list[Kept]) -> None:
    while connections:
        connections.pop().sock.close()

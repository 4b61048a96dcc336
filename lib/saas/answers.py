"""Reads HTTP/1.1 answers off a socket: a tenth of what `http.client` takes, which parses mail.

Sources: RFC 9112 "HTTP/1.1", sections 4 (status line), 6 (message body) and 7.1 (chunked).
"""

import socket
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

MAX_HEAD_BYTES = 65_536
_AT_ONCE = 65_536
_NO_BODY = frozenset({204, 304})


class Malformed(Exception):
    """What came is no whole HTTP/1.1 answer."""


class Headers(Mapping[str, str]):
    """Fields by name, in any case; repeated ones are joined by a comma (RFC 9110, 5.3)."""

    def __init__(self, fields: Iterable[tuple[str, str]]) -> None:
        self._fields: dict[str, str] = {}
        for name, value in fields:
            known = self._fields.get(name.lower())
            self._fields[name.lower()] = value if known is None else f"{known}, {value}"

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class Answer(NamedTuple):
    """What came back, and whether the other side keeps the connection for more."""

    status: int
    headers: Headers
    content: bytes
    reusable: bool


def read(sock: socket.socket) -> Answer:
    """The answer to a request that was just sent with another method than HEAD.

    Raises:
        Malformed: the connection ended too early, or something else than HTTP came.
        OSError: the connection broke, or was silent for longer than the socket's timeout.
    """
    reader = _Reader(sock)
    status, headers = _head(reader)
    while 100 <= status < 200:
        status, headers = _head(reader)
    closes = "close" in headers.get("connection", "").lower()
    if status in _NO_BODY:
        return Answer(status, headers, b"", reusable=not closes)
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return Answer(status, headers, _chunked(reader), reusable=not closes)
    length = headers.get("content-length")
    if length is None:
        return Answer(status, headers, reader.rest(), reusable=False)
    content = reader.exactly(_number(length.encode(), 10))
    return Answer(status, headers, content, reusable=not closes and not reader.ahead)


class _Reader:
    """A socket with what was received beyond the part asked for."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.ahead = b""

    def until(self, mark: bytes, limit: int) -> bytes:
        while (end := self.ahead.find(mark)) < 0:
            if len(self.ahead) > limit:
                raise Malformed("the head is too long")
            self._more()
        found, self.ahead = self.ahead[:end], self.ahead[end + len(mark) :]
        return found

    def exactly(self, count: int) -> bytes:
        parts, missing = [self.ahead], count - len(self.ahead)
        while missing > 0:
            parts.append(self._received())
            missing -= len(parts[-1])
        whole = b"".join(parts)
        self.ahead = whole[count:]
        return whole[:count]

    def rest(self) -> bytes:
        parts = [self.ahead]
        while part := self._sock.recv(_AT_ONCE):
            parts.append(part)
        return b"".join(parts)

    def _more(self) -> None:
        self.ahead += self._received()

    def _received(self) -> bytes:
        part = self._sock.recv(_AT_ONCE)
        if not part:
            raise Malformed("the connection ended within the answer")
        return part


def _head(reader: _Reader) -> tuple[int, Headers]:
    status_line, *lines = reader.until(b"\r\n\r\n", MAX_HEAD_BYTES).decode("latin-1").split("\r\n")
    version, _, rest = status_line.partition(" ")
    if not version.startswith("HTTP/1."):
        raise Malformed("the answer is not HTTP/1.1")
    status = _number(rest[:3].encode(), 10)
    fields = [(name.strip(), value.strip()) for name, _, value in (x.partition(":") for x in lines)]
    if version == "HTTP/1.0":
        fields.append(("connection", "close"))
    return status, Headers(fields)


def _chunked(reader: _Reader) -> bytes:
    parts = []
    while size := _number(reader.until(b"\r\n", MAX_HEAD_BYTES).partition(b";")[0], 16):
        parts.append(reader.exactly(size))
        if reader.exactly(2) != b"\r\n":
            raise Malformed("a chunk does not end where it says")
    while reader.until(b"\r\n", MAX_HEAD_BYTES):
        pass  # trailers
    return b"".join(parts)


def _number(text: bytes, base: int) -> int:
    digits = text.strip().lower()
    if not 0 < len(digits) < 16 or digits.strip(b"0123456789abcdef"[:base]):
        raise Malformed("a length or the status is no number")
    return int(digits, base)

"""Reads HTTP/1.1 answers off a socket: a tenth of what `http.client` takes, which parses mail.

Strict where a client must be: what two readers could understand differently is refused, and the
connection with it. Sources: RFC 9112 "HTTP/1.1", sections 4 (status line), 5 (fields), 6 (message
body), 7.1 (chunked) and 9.2 (answers that nobody asked for).
"""

import re
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

MAX_HEAD_BYTES = 65_536
MAX_FIELDS = 100
# Answers that only announce another one (RFC 9110, 15.2).
MAX_INTERIM = 8
_AT_ONCE = 65_536
_NO_BODY = frozenset({204, 304})
_SWITCHING = 101
_STATUS = re.compile(r"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")
_FIELD = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)")
_LENGTH = re.compile(r"[0-9]{1,15}")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")


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


def read(sock: socket.socket, *, until: float | None = None) -> Answer:
    """The answer to a request that was just sent with another method than HEAD.

    Args:
        until: `time.monotonic()` at which the whole answer has to be there; without it, the
            socket's own timeout bounds each part.

    Raises:
        Malformed: the connection ended too early, or something else than HTTP came.
        OSError: the connection broke, or took too long.
    """
    reader = _Reader(sock, until)
    keeps, status, headers = _head(reader)
    interim = 0
    while status < 200:
        interim += 1
        if interim > MAX_INTERIM or status == _SWITCHING:
            raise Malformed("an answer that nobody asked for")
        keeps, status, headers = _head(reader)
    content, ends = _body(reader, status, headers, keeps=keeps)
    closes = "close" in headers.get("connection", "").lower()
    # Bytes that no answer announced: whatever they are, they are not the next answer.
    return Answer(status, headers, content, keeps and ends and not closes and not reader.ahead)


class _Reader:
    """A socket with what was received beyond the part asked for."""

    def __init__(self, sock: socket.socket, until: float | None) -> None:
        self._sock = sock
        self._until = until
        self.ahead = b""

    def before(self, mark: bytes, limit: int) -> bytes:
        """What comes before `mark`, which is passed over; at most `limit` bytes."""
        seen = 0
        while (end := self.ahead.find(mark, seen)) < 0:
            if len(self.ahead) > limit:
                raise Malformed("the head is too long")
            seen = max(0, len(self.ahead) - len(mark))
            self.ahead += self._received()
        if end > limit:
            raise Malformed("the head is too long")
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
        parts, self.ahead = [self.ahead], b""
        while part := self._part():
            parts.append(part)
        return b"".join(parts)

    def _received(self) -> bytes:
        part = self._part()
        if not part:
            raise Malformed("the connection ended within the answer")
        return part

    def _part(self) -> bytes:
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError("the answer took too long")
            self._sock.settimeout(left)
        return self._sock.recv(_AT_ONCE)


def _head(reader: _Reader) -> tuple[bool, int, Headers]:
    """Whether the version keeps connections, the status, the fields."""
    text = reader.before(b"\r\n\r\n", MAX_HEAD_BYTES).decode("latin-1")
    status_line, *lines = text.split("\r\n")
    found = _STATUS.fullmatch(status_line)
    if found is None:
        raise Malformed("the answer is not HTTP/1.1")
    return found[1] == "1", int(found[2]), Headers(_fields(lines))


def _fields(lines: list[str]) -> list[tuple[str, str]]:
    """Names and values; no folded lines, no space before the colon, no control characters."""
    if len(lines) > MAX_FIELDS:
        raise Malformed("too many fields")
    fields = []
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise Malformed("a line of the head is no field")
        fields.append((found[1], found[2].rstrip(" \t")))
        # Readers differ in whether they take blanks off this value before they compare it.
        if found[1].lower() == "transfer-encoding" and found[2].lower() != "chunked":
            raise Malformed("a transfer encoding that we did not ask for")
    return fields


def _body(reader: _Reader, status: int, headers: Headers, *, keeps: bool) -> tuple[bytes, bool]:
    """The content, and whether its end was told other than by closing the connection."""
    length, encoding = headers.get("content-length"), headers.get("transfer-encoding")
    bodiless = status in _NO_BODY
    if encoding is not None and (
        encoding.lower() != "chunked" or length is not None or bodiless or not keeps
    ):
        raise Malformed("contradictory framing")
    if length is not None and not _LENGTH.fullmatch(length):
        raise Malformed("a length is no number")
    if bodiless:
        return b"", True
    if encoding is not None:
        return _chunked(reader), True
    if length is None:
        return reader.rest(), False
    return reader.exactly(int(length)), True


def _chunked(reader: _Reader) -> bytes:
    parts = []
    while True:
        found = _CHUNK.fullmatch(reader.before(b"\r\n", MAX_HEAD_BYTES))
        if found is None:
            raise Malformed("a chunk's length is no number")
        size = int(found[1], 16)
        if not size:
            break
        parts.append(reader.exactly(size))
        if reader.exactly(2) != b"\r\n":
            raise Malformed("a chunk does not end where it says")
    _pass_trailers(reader)
    return b"".join(parts)


def _pass_trailers(reader: _Reader) -> None:
    left = MAX_HEAD_BYTES
    lines: list[str] = []
    while line := reader.before(b"\r\n", left):
        left -= len(line)
        lines.append(line.decode("latin-1"))
        _fields(lines[-1:])
        if len(lines) > MAX_FIELDS:
            raise Malformed("too many trailers")

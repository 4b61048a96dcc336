"""Answers off a socket: every framing of HTTP/1.1, in any pieces; nothing half counts as whole."""

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saas import answers
from saas.answers import Answer, Headers, Malformed

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-One: a\r\nx-one: b\r\n\r\nbody"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;name=value\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    with ours, theirs:
        yield ours, theirs


def sent(pieces: list[bytes], *, close: bool = True) -> Answer:
    """What is read when the other side sends these pieces one by one, and then closes."""
    ours, theirs = socket.socketpair()
    ours.settimeout(5)

    def send() -> None:
        for piece in pieces:
            theirs.sendall(piece)
        if close:
            theirs.shutdown(socket.SHUT_WR)

    with ours, theirs:
        thread = threading.Thread(target=send)
        thread.start()
        try:
            return answers.read(ours)
        finally:
            thread.join()


def test_a_body_of_known_length() -> None:
    answer = sent([PLAIN], close=False)
    assert (answer.status, answer.content, answer.reusable) == (200, b"body", True)
    assert answer.headers["CONTENT-length"] == "4"
    assert answer.headers["X-One"] == "a, b"
    assert answer.headers.get("absent") is None


def test_a_body_in_chunks_with_trailers() -> None:
    answer = sent([CHUNKED], close=False)
    assert (answer.content, answer.reusable) == (b"abc0123456789", True)


def test_a_body_until_the_end_of_the_connection() -> None:
    answer = sent([b"HTTP/1.1 200 OK\r\n\r\nall ", b"of it"])
    assert (answer.content, answer.reusable) == (b"all of it", False)


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_never_has_a_body(status: int) -> None:
    answer = sent([f"HTTP/1.1 {status} None\r\n\r\n".encode()], close=False)
    assert (answer.status, answer.content, answer.reusable) == (status, b"", True)


def test_interim_answers_are_passed_over() -> None:
    assert sent([b"HTTP/1.1 100 Continue\r\n\r\n", PLAIN], close=False).content == b"body"


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nbytes that nobody announced",
    ],
)
def test_a_connection_that_is_not_to_be_used_again(head: bytes) -> None:
    assert not sent([head]).reusable


@pytest.mark.parametrize(
    "received",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-",
        PLAIN[:-1],
        CHUNKED[:-2],
        CHUNKED.replace(b"abc\r\n", b"abcd\r\n"),
        CHUNKED.replace(b"3;", b"-3;"),
        PLAIN.replace(b"4\r\n", b"four\r\n"),
        PLAIN.replace(b"4\r\n", b"4444444444444444444444\r\n"),
        PLAIN.replace(b" 200 ", b" OK "),
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"x" * (answers.MAX_HEAD_BYTES + 2),
    ],
)
def test_what_is_no_whole_answer(received: bytes) -> None:
    with pytest.raises(Malformed):
        sent([received])


def test_silence_ends_in_a_timeout(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    ours.settimeout(0.05)
    theirs.sendall(PLAIN[:-1])
    with pytest.raises(TimeoutError):
        answers.read(ours)


OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 4\r\n"
ENCODED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"4\r\nbody\r\n0\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"


@pytest.mark.parametrize(
    "received",
    [
        OK + b"X: a\r\n folded\r\n" + LENGTH + b"\r\nbody",
        OK + b"X: a\r\n\tfolded\r\n" + LENGTH + b"\r\nbody",
        OK + b" X: a\r\n" + LENGTH + b"\r\nbody",
        OK + b"Content-Length : 4\r\n\r\nbody",
        OK + b"Content-Length\t: 4\r\n\r\nbody",
        OK + b"no colon\r\n" + LENGTH + b"\r\nbody",
        OK + b": nameless\r\n" + LENGTH + b"\r\nbody",
        OK + b"b\xe9: x\r\n" + LENGTH + b"\r\nbody",
        OK + b"a(b): x\r\n" + LENGTH + b"\r\nbody",
        OK + b"X: a\0b\r\n" + LENGTH + b"\r\nbody",
        OK + b"X: a\rY: b\r\n" + LENGTH + b"\r\nbody",
        OK + b"X: a\nY: b\r\n" + LENGTH + b"\r\nbody",
        OK + b"X: a\x7f\r\n" + LENGTH + b"\r\nbody",
        OK + b"X: a\n" + LENGTH + b"\nbody\r\n\r\n",
        *(
            b"HTTP/1.1 " + status + b"\r\n" + LENGTH + b"\r\nbody"
            for status in (
                b"2 OK",
                b"20 OK",
                b"2000 OK",
                b"099 OK",
                b"600 OK",
                b"+20 OK",
                b"2x0 OK",
                b"200OK",
                b"200\tOK",
                b" 200 OK",
                b"200 O\0K",
                b"\xb2\xb0\xb0 OK",
            )
        ),
        *(
            version + b" 200 OK\r\n" + LENGTH + b"\r\nbody"
            for version in (b"HTTP/1.2", b"HTTP/1.11", b"http/1.1", b"HTTP/2", b"HTTP/1.", b"ICY")
        ),
        OK + LENGTH + b"Content-Length: 5\r\n\r\nbody!",
        OK + LENGTH + LENGTH + b"\r\nbody",
        OK + b"Content-Length: 4, 4\r\n\r\nbody",
        OK + b"Content-Length: +4\r\n\r\nbody",
        OK + b"Content-Length: -4\r\n\r\nbody",
        OK + b"Content-Length: 0x4\r\n\r\nbody",
        OK + b"Content-Length: 4_0\r\n\r\nbody",
        OK + b"Content-Length:\r\n\r\nbody",
        OK + LENGTH + ENCODED + b"\r\n" + CHUNKS,
        OK + ENCODED + ENCODED + b"\r\n" + CHUNKS,
        *(
            OK + b"Transfer-Encoding: " + encoding + b"\r\n\r\n" + CHUNKS
            for encoding in (
                b"gzip, chunked",
                b"gzip",
                b"chunked, identity",
                b"identity",
                b"xchunked",
                b"chunked;q=1",
                b"chunked,",
                b'"chunked"',
                b"",
            )
        ),
        b"HTTP/1.0 200 OK\r\n" + ENCODED + b"\r\n" + CHUNKS,
        b"HTTP/1.1 204 None\r\n" + LENGTH + ENCODED + b"\r\n",
        b"HTTP/1.1 204 None\r\n" + ENCODED + b"\r\n" + CHUNKS,
        b"HTTP/1.1 304 None\r\n" + ENCODED + b"\r\n" + CHUNKS,
        *(
            OK + ENCODED + b"\r\n" + size + b"\r\nbody\r\n0\r\n\r\n"
            for size in (b" 4", b"4 ", b"0x4", b"+4", b"4_", b"4 x", b"", b";x", b"4;a\nb", b"4;\0")
        ),
        OK + ENCODED + b"\r\n4\nbody\r\n0\r\n\r\n",
        OK + ENCODED + b"\r\n4\r\nbody0\r\n\r\n",
        OK + ENCODED + b"\r\n0\r\nno trailer\r\n\r\n",
        OK + ENCODED + b"\r\n0\r\n" + b"X: y\r\n" * (answers.MAX_FIELDS + 1) + b"\r\n",
        OK + ENCODED + b"\r\n0\r\n" + b"X: " + b"y" * answers.MAX_HEAD_BYTES + b"\r\n\r\n",
        OK + b"X: y\r\n" * (answers.MAX_FIELDS + 1) + LENGTH + b"\r\nbody",
        INTERIM * (answers.MAX_INTERIM + 1) + PLAIN,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + PLAIN,
    ],
)
def test_what_two_readers_could_understand_differently(received: bytes) -> None:
    with pytest.raises(Malformed):
        sent([received])


@pytest.mark.parametrize(
    "answer",
    [
        OK + ENCODED + b"\r\n" + CHUNKS,
        b"HTTP/1.1 204 None\r\n\r\n",
        b"HTTP/1.1 304 None\r\nContent-Length: 7\r\n\r\n",
        PLAIN,
    ],
)
def test_bytes_that_nobody_announced_end_the_connection(answer: bytes) -> None:
    assert sent([answer], close=False).reusable
    assert not sent([answer + PLAIN]).reusable


def test_a_dripping_answer_ends_in_time(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    stop = threading.Event()

    def drip() -> None:
        theirs.sendall(OK + b"Content-Length: 100000\r\n\r\n")
        while not stop.wait(0.01):
            theirs.sendall(b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        answers.read(ours, until=began + 0.2)
    assert time.monotonic() - began < 2
    stop.set()
    thread.join()


@settings(deadline=None)
@given(st.sampled_from([PLAIN, CHUNKED]), st.lists(st.integers(1, 40), max_size=8))
def test_any_cutting_gives_what_the_standard_library_reads(whole: bytes, cuts: list[int]) -> None:
    places = [0, *sorted({min(cut, len(whole)) for cut in cuts}), len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(places)]
    assert sent(pieces).content == by_the_standard_library(whole).content


NAMES = st.sampled_from(
    [b"Content-Length", b"content-length", b"Transfer-Encoding", b"Connection", b"X", b"Set-Cookie"]
)
VALUES = st.one_of(
    st.sampled_from([b"4", b"0", b"04", b"chunked", b"Chunked", b"gzip, chunked", b"close", b""]),
    st.binary(max_size=6),
)
GAPS = st.sampled_from([b": ", b":", b" : ", b":\t", b": \r\n ", b";"])
ENDS = st.sampled_from([b"\r\n"] * 8 + [b"\n", b"\r", b" \r\n"])
LINES = st.builds(lambda *parts: b"".join(parts), NAMES, GAPS, VALUES, ENDS)
STARTS = st.sampled_from(
    [
        OK,
        OK,
        OK,
        b"HTTP/1.1 204 No Content\r\n",
        b"HTTP/1.1 304\r\n",
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 99 \r\n",
        b"HTTP/1.1 404 Not\x85Found\r\n",
        INTERIM + OK,
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    ]
)
BODIES = st.lists(
    st.one_of(
        st.sampled_from([CHUNKS, b"body", b"4;x=y\r\n", b"0\r\n", b"\r\n", b"4\r\n", b"T: x\r\n"]),
        st.binary(max_size=5),
    ),
    max_size=6,
).map(b"".join)
SHAPED = st.builds(
    lambda start, lines, body: start + b"".join(lines) + b"\r\n" + body,
    STARTS,
    st.lists(LINES, max_size=4),
    BODIES,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good answer with some bytes replaced, removed or put in."""
    whole = bytearray(draw(st.sampled_from([PLAIN, CHUNKED, INTERIM + PLAIN])))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(whole)))
        whole[place : place + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(whole)


@settings(max_examples=1_500, deadline=None)
@given(st.one_of(SHAPED, damaged()))
def test_what_is_accepted_reads_the_same_to_the_standard_library(whole: bytes) -> None:
    """Whatever comes: refused as malformed, or understood exactly as the other parser does."""
    try:
        ours = read_at_once(whole)
    except Malformed:
        return
    theirs = by_the_standard_library(whole)
    assert (ours.status, ours.content) == (theirs.status, theirs.content)
    assert dict(ours.headers) == dict(theirs.headers)
    assert theirs.reusable or not ours.reusable


def read_at_once(whole: bytes) -> Answer:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(whole)
        theirs.shutdown(socket.SHUT_WR)
        return answers.read(ours)


class Reference(http.client.HTTPResponse):
    """The standard library's parser, which knows of the interim answers only 100."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 < status < 200:
                return version, status, reason
            http.client.parse_headers(self.fp)


def by_the_standard_library(whole: bytes) -> Answer:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(whole)
        theirs.shutdown(socket.SHUT_WR)
        found = Reference(ours)
        found.begin()
        content = found.read()
        surplus = bool(found.fp.read()) if found.fp else False
        fields = [(name, value.strip(" \t")) for name, value in found.headers.items()]
        return Answer(found.status, Headers(fields), content, not found.will_close and not surplus)

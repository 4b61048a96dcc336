"""Answers off a socket: every framing of HTTP/1.1, in any pieces; nothing half counts as whole."""

import http.client
import socket
import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas import answers
from saas.answers import Answer, Malformed

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


@given(st.sampled_from([PLAIN, CHUNKED]), st.lists(st.integers(1, 40), max_size=8))
def test_any_cutting_gives_what_the_standard_library_reads(whole: bytes, cuts: list[int]) -> None:
    places = [0, *sorted({min(cut, len(whole)) for cut in cuts}), len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(places)]
    answer = sent(pieces)
    assert answer.content == _by_the_standard_library(whole)


def _by_the_standard_library(whole: bytes) -> bytes:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(whole)
        found = http.client.HTTPResponse(ours)
        found.begin()
        return found.read()

"""Kept connections: how old they may be, when a request moves to a fresh one, when never."""

import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from saas import answers, connections
from saas.connections import Connections, NoAnswer, Unreachable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """A server of raw sockets: answers each request with `answer`, and notes what it received."""

    def __init__(self) -> None:
        self.answer = OK
        self.received: list[tuple[int, bytes]] = []
        self.sockets: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            self.sockets.append(sock)
            threading.Thread(
                target=self._serve, args=(len(self.sockets) - 1, sock), daemon=True
            ).start()

    def _serve(self, number: int, sock: socket.socket) -> None:
        try:
            while request := sock.recv(65_536):
                self.received.append((number, request))
                if not self.answer:
                    sock.close()
                    return
                sock.sendall(self.answer)
        except OSError:
            return

    def reset(self, number: int) -> None:
        """End a connection as a peer does that has forgotten it."""
        linger = struct.pack("ii", 1, 0)
        self.sockets[number].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.sockets[number].shutdown(socket.SHUT_RD)
        self.sockets[number].close()

    def stop(self) -> None:
        self._listening.close()
        for sock in self.sockets:
            sock.close()

    @property
    def used(self) -> list[int]:
        """Which connection each request came by."""
        return [number for number, _ in self.received]


@pytest.fixture
def peer() -> Iterator[Peer]:
    running = Peer()
    yield running
    running.stop()


@pytest.fixture
def kept(peer: Peer) -> Iterator[Connections]:
    made = Connections(peer.url)
    yield made
    made.close()


def send(pool: Connections, *, repeatable: bool) -> bytes:
    sent = pool.send("POST", "/", {"host": pool.host}, b"x", seconds=2, repeatable=repeatable)
    return sent.content


class Rest(NamedTuple):
    """How long a connection rested by one of the clocks, and by which ones requests then came."""

    clock: str
    repeatable: bool
    seconds: float
    used: list[int]


LONG, SHORT = connections.MAX_IDLE_SECONDS, connections.MAX_IDLE_UNREPEATABLE_SECONDS


@pytest.mark.parametrize(
    "rest",
    [
        *(
            Rest(clock, repeatable, seconds, used)
            for clock in ("time", "monotonic")
            for repeatable, limit in ((True, LONG), (False, SHORT))
            for seconds, used in ((0, [0, 0]), (limit - 1, [0, 0]), (limit + 1, [0, 1]))
        ),
        Rest("time", True, -60, [0, 1]),
    ],
)
def test_a_connection_rests_only_so_long(
    monkeypatch: pytest.MonkeyPatch, peer: Peer, kept: Connections, rest: Rest
) -> None:
    """By whichever clock goes on: over a freeze the monotonic one may have stood still."""
    send(kept, repeatable=rest.repeatable)
    real = getattr(time, rest.clock)
    moved = type("Clocks", (), {"time": time.time, "monotonic": time.monotonic})
    setattr(moved, rest.clock, staticmethod(lambda: real() + rest.seconds))
    monkeypatch.setattr(connections, "time", moved)
    monkeypatch.setattr(answers, "time", moved)
    assert send(kept, repeatable=rest.repeatable) == b"ok"
    assert peer.used == rest.used


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize("end", ["close", "reset"])
def test_one_whose_end_is_seen_before_anything_was_written_is_replaced(
    peer: Peer, kept: Connections, repeatable: bool, end: str
) -> None:
    send(kept, repeatable=repeatable)
    if end == "reset":
        peer.reset(0)
    else:
        peer.sockets[0].shutdown(socket.SHUT_WR)
    time.sleep(0.05)
    assert send(kept, repeatable=repeatable) == b"ok"
    assert peer.used == [0, 1]


def test_a_write_that_takes_no_byte_goes_to_a_fresh_connection(
    monkeypatch: pytest.MonkeyPatch, peer: Peer, kept: Connections
) -> None:
    """The connection breaks between the look at it and the write."""
    send(kept, repeatable=False)
    peer.reset(0)
    time.sleep(0.05)
    monkeypatch.setattr(connections, "is_dead", lambda _: False)
    assert send(kept, repeatable=False) == b"ok"
    assert peer.used == [0, 1]


def test_what_went_out_is_never_sent_again(peer: Peer, kept: Connections) -> None:
    send(kept, repeatable=False)
    peer.answer = b""
    with pytest.raises(NoAnswer) as lost:
        send(kept, repeatable=False)
    assert lost.value.kept
    assert peer.used == [0, 0]


def test_a_broken_connection_takes_those_beside_it_along(peer: Peer, kept: Connections) -> None:
    for _ in range(3):
        kept._idle.append(connections.Kept(kept._open(), time.time(), time.monotonic()))
    peer.answer = b""
    with pytest.raises(NoAnswer):
        send(kept, repeatable=True)
    assert kept._idle == []


def test_nothing_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        pool = Connections(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(Unreachable):
            send(pool, repeatable=False)


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb", "a\0b"])
@pytest.mark.parametrize("place", ["value", "name", "path"])
def test_nothing_is_smuggled_into_a_request(
    peer: Peer, kept: Connections, place: str, value: str
) -> None:
    headers = {value if place == "name" else "x": value if place == "value" else "y"}
    with pytest.raises(ValueError, match="line break"):
        kept.send("GET", value if place == "path" else "/", headers, b"", seconds=1)
    assert peer.received == []


def test_small_packets_are_not_held_back(kept: Connections) -> None:
    with kept._open() as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

"""The issuer's keys, fetched from real sockets that are silent, slow, endless or wrong."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from saas import issuer_keys, settings
from saas.issuer_keys import IssuerKeys
from tests.credentials import Issuer

ISSUER = Issuer()
KEYS = json.dumps(ISSUER.jwks()).encode()
Play = Callable[[socket.socket], None]


class Server:
    """Answers each connection as `play` says; `asked` counts them."""

    def __init__(self) -> None:
        self.play: Play = answering(KEYS)
        self.asked = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/pool/jwks.json"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.asked += 1
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            connection.recv(65_536)
            try:
                self.play(connection)
            except OSError:
                return

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def answering(body: bytes, status: str = "200 OK", *head: str) -> Play:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *head, "", ""]

    def play(connection: socket.socket) -> None:
        connection.sendall("\r\n".join(lines).encode() + body)

    return play


def silent(connection: socket.socket) -> None:
    time.sleep(30)


def dripping(connection: socket.socket) -> None:
    text = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(KEYS), KEYS)
    for byte in text:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def dripping_fields(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"x: y\r\n")
        time.sleep(0.02)


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n")
    while True:
        connection.sendall(b" " * 65_536)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        # A proxy of the machine is no way to the issuer.
        "http_proxy": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(issuer_keys, "TIMEOUT_SECONDS", 0.5)
    settings.aws_environment.cache_clear()
    yield
    settings.aws_environment.cache_clear()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def keys(server: Server) -> IssuerKeys:
    return IssuerKeys(server.url)


def outcome(keys: IssuerKeys, key_id: str = "key-1") -> str:
    try:
        return "none" if keys.find(key_id) is None else "key"
    except OSError:
        return "unknown"


def timed(keys: IssuerKeys, key_id: str = "key-1") -> tuple[str, float]:
    started = time.monotonic()
    return outcome(keys, key_id), time.monotonic() - started


def eventually(condition: Callable[[], Any]) -> None:
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_key_is_fetched_once(keys: IssuerKeys, server: Server) -> None:
    assert [outcome(keys) for _ in range(20)] == ["key"] * 20
    assert server.asked == 1


@pytest.mark.parametrize("play", [silent, dripping, dripping_fields])
def test_while_none_is_known_one_waits_and_the_others_are_refused_at_once(
    keys: IssuerKeys, server: Server, play: Play
) -> None:
    server.play = play
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(lambda _: timed(keys), range(20)))
    assert {result for result, _ in found} == {"unknown"}
    assert server.asked == 1
    waited = [seconds for _, seconds in found if seconds > 0.4]
    assert len(waited) == 1
    assert waited[0] < 1.5


def test_after_a_failure_nobody_waits_for_some_seconds(
    keys: IssuerKeys, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.play = silent
    assert outcome(keys) == "unknown"
    eventually(lambda: timed(keys)[1] < 0.1)
    assert [timed(keys)[0] for _ in range(5)] == ["unknown"] * 5
    assert server.asked == 1
    server.play = answering(KEYS)
    monkeypatch.setattr(issuer_keys, "RETRY_SECONDS", 0)
    eventually(lambda: outcome(keys) == "key")


@pytest.mark.parametrize(
    "play",
    [
        answering(KEYS, "500 Internal Server Error"),
        answering(KEYS, "404 Not Found"),
        answering(b"", "301 Moved Permanently", "location: http://127.0.0.1:9/"),
        answering(b""),
        answering(b"<html>"),
        answering(b"[]"),
        answering(b"{}"),
        answering(b'{"keys": 1}'),
        answering(b'{"keys": [1]}'),
        answering(b'{"keys": []}'),
        answering(b'{"keys": [{"kty": "RSA"}]}'),
        answering(b'{"keys": [{"kty": "RSA", "kid": "key-1", "n": "", "e": "AQAB"}]}'),
        answering(KEYS[:-1], "200 OK"),
        answering(b"[" * 50_000),
        answering(b" " * 150_000 + KEYS),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"),
        lambda connection: connection.sendall(b"\0" * 100),
        socket.socket.getpeername,
        endless,
    ],
)
def test_what_is_no_set_of_keys_is_an_outage(keys: IssuerKeys, server: Server, play: Play) -> None:
    server.play = play
    assert outcome(keys) == "unknown"


KEY = ISSUER.jwks()["keys"][0]
UNUSABLE = [
    *(7, None, [], "RSA", {}, {"kty": "RSA"}, {"kty": "RSA", "kid": "other"}),
    *({**KEY, "n": n} for n in ("!!", "", 7, None, [], "é", "AQ")),
    *({**KEY, "e": e} for e in ("!!", "", 7, None, "AA")),
    *({**KEY, "alg": alg} for alg in ("RSA-OAEP", "XX", 7, [], {}, "HS256", "ES256", "none")),
    *({**KEY, "kty": kty} for kty in ("EC", "oct", 7, [], None)),
    *({**KEY, "kid": kid} for kid in (7, [], None)),
    {**KEY, "use": "enc"},
    {**KEY, "d": "AQ"},
    {**KEY, "d": "AQ", "oth": 1},
]


@pytest.mark.parametrize("unusable", UNUSABLE)
def test_a_key_that_cannot_be_used_spoils_no_other(
    keys: IssuerKeys, server: Server, unusable: Any
) -> None:
    for listed in ([unusable, KEY], [KEY, unusable]):
        fresh = IssuerKeys(server.url)
        server.play = answering(json.dumps({"keys": listed}).encode())
        found = fresh.find("key-1")
        assert found is not None
        assert found.key.public_numbers() == ISSUER.key.public_key().public_numbers()
    server.play = answering(json.dumps({"keys": [unusable]}).encode())
    assert outcome(keys) == "unknown"


def test_a_redirect_is_not_followed(keys: IssuerKeys, server: Server) -> None:
    other = Server()
    server.play = answering(b"", "302 Found", f"location: {other.url}")
    assert outcome(keys) == "unknown"
    assert other.asked == 0
    other.close()


def test_a_herd_of_unknown_keys_asks_once_and_keeps_nobody_else_waiting(
    keys: IssuerKeys, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outcome(keys) == "key"
    monkeypatch.setattr(issuer_keys, "REFETCH_SECONDS", -1)
    server.play = silent
    with ThreadPoolExecutor(20) as pool:
        strangers = [pool.submit(timed, keys, f"other-{index}") for index in range(15)]
        known = [pool.submit(timed, keys) for _ in range(5)]
    assert [each.result()[0] for each in known] == ["key"] * 5
    assert max(each.result()[1] for each in known) < 0.4
    assert {each.result()[0] for each in strangers} == {"unknown"}
    assert server.asked <= 3
    monkeypatch.setattr(issuer_keys, "REFETCH_SECONDS", 10)
    eventually(lambda: timed(keys, "other")[1] < 0.1)
    asked = server.asked
    assert [outcome(keys, f"other-{index}") for index in range(50)] == ["unknown"] * 50
    assert server.asked == asked


def test_old_keys_serve_while_one_fetch_renews_them(
    keys: IssuerKeys, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outcome(keys) == "key"
    server.play = dripping
    monkeypatch.setattr(issuer_keys, "KEYS_SECONDS", -1)
    monkeypatch.setattr(issuer_keys, "REFETCH_SECONDS", -1)
    found = [timed(keys) for _ in range(20)]
    assert {result for result, _ in found} == {"key"}
    assert max(seconds for _, seconds in found) < 0.4
    eventually(lambda: server.asked == 2)


def test_a_new_key_is_found_when_the_issuer_rotates(
    keys: IssuerKeys, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert outcome(keys) == "key"
    rotated = {"keys": [{**ISSUER.jwks()["keys"][0], "kid": "key-2"}]}
    server.play = answering(json.dumps(rotated).encode())
    assert outcome(keys, "key-2") == "none"
    monkeypatch.setattr(issuer_keys, "REFETCH_SECONDS", -1)
    assert outcome(keys, "key-2") == "key"


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    assert outcome(IssuerKeys(f"http://127.0.0.1:{port}/keys")) == "unknown"
    assert outcome(IssuerKeys("http://no-such-host.invalid/keys")) == "unknown"
    assert outcome(IssuerKeys("nonsense")) == "unknown"

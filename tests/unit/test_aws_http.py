"""The small AWS client over real sockets: retries, kept connections, and who is told what."""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from saas import aws_http, connections
from saas.aws_http import BEDROCK, DYNAMODB, AwsError, AwsNoAnswer, AwsUnreachable, Client
from saas.settings import AwsEnvironment


class Peer:
    """A server that answers from a script and notes what it saw."""

    def __init__(self) -> None:
        self.script: list[Any] = []
        self.seen: list[tuple[str, str]] = []
        self.connections: set[Any] = set()
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                peer.seen.append((self.path, self.headers.get("x-amz-target", "")))
                peer.connections.add(self.client_address)
                step = peer.script.pop(0) if peer.script else (200, {"ok": True}, {})
                if step == "drop":
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                if step == "last":
                    self._answer(200, {"ok": True}, {})
                    self.close_connection = True
                    return
                if step == "half":
                    self.send_response(200)
                    self.send_header("content-length", "100")
                    self.end_headers()
                    self.wfile.write(b"{")
                    self.close_connection = True
                    return
                if step == "hang":
                    threading.Event().wait(1)
                    self.close_connection = True
                    return
                self._answer(*(step if isinstance(step, tuple) else (200, {"ok": True}, {})))

            def _answer(self, status: int, body: Any, headers: dict[str, str]) -> None:
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        self.clients: list[Client] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def client(self, service: aws_http.Service = DYNAMODB) -> Client:
        self.clients.append(client_of(self.url, service))
        return self.clients[-1]

    def stop(self) -> None:
        for client in self.clients:
            client.close()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Peer]:
    monkeypatch.setattr(aws_http, "FIRST_PAUSE", 0)
    running = Peer()
    yield running
    running.stop()


def client_of(url: str, service: aws_http.Service) -> Client:
    return Client(
        service,
        AwsEnvironment(
            region="us-east-1", access_key_id="k", secret_access_key="s", endpoints={"": url}
        ),
    )


def test_connections_are_kept(peer: Peer) -> None:
    client = peer.client()
    for _ in range(5):
        assert client.call("GetItem", {}) == {"ok": True}
    assert len(peer.connections) == 1
    assert peer.seen == [("/", "DynamoDB_20120810.GetItem")] * 5


def test_a_connection_that_was_closed_meanwhile_is_replaced_unnoticed(peer: Peer) -> None:
    peer.script = ["last"]
    client = peer.client(BEDROCK)
    assert client.post("/a", {}, seconds=2) == {"ok": True}
    for _ in range(200):
        idle = client._connections._idle
        if idle and connections.is_dead(idle[0].sock):
            break
        threading.Event().wait(0.01)
    assert client.post("/b", {}, seconds=2) == {"ok": True}
    assert [path for path, _ in peer.seen] == ["/a", "/b"]


@pytest.mark.parametrize(
    "busy",
    [
        (500, {"__type": "InternalServerError"}, {}),
        (503, b"<html>", {}),
        (400, {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"}, {}),
        "drop",
        "half",
    ],
)
def test_a_busy_service_is_asked_again(peer: Peer, busy: Any) -> None:
    peer.script = [busy, busy]
    assert peer.client().call("GetItem", {}) == {"ok": True}
    assert len(peer.seen) == 3


def test_a_broken_old_connection_costs_no_pause(
    peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = peer.client()
    client.call("GetItem", {})
    monkeypatch.setattr(aws_http, "FIRST_PAUSE", 60)
    peer.script = ["drop"]
    assert client.call("GetItem", {}) == {"ok": True}
    assert len(peer.connections) == 2


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"text": "half \xf0\x9f", "n": 1}', {"text": "half \ufffd", "n": 1}),
        (b'{"n": ' + b"9" * 5_000 + b"}", {"n": float("inf")}),
    ],
)
def test_one_odd_value_does_not_spoil_an_answer(peer: Peer, body: bytes, found: Any) -> None:
    peer.script = [(200, body, {})]
    assert peer.client(BEDROCK).post("/a", {}, seconds=1) == found


def test_a_refusal_is_final(peer: Peer) -> None:
    refusal = {
        "__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
        "Item": {},
    }
    peer.script = [(400, refusal, {})]
    with pytest.raises(AwsError) as refused:
        peer.client().call("PutItem", {})
    assert (refused.value.code, refused.value.status) == ("ConditionalCheckFailedException", 400)
    assert "Item" in refused.value.body
    assert len(peer.seen) == 1


def test_only_a_refusal_by_policy_is_told_in_full(peer: Peer) -> None:
    sentence = "User: role is not authorized to perform: dynamodb:PutItem on resource: table"
    peer.script = [
        (400, {"__type": "x#AccessDeniedException", "Message": sentence}, {}),
        (400, {"__type": "x#ValidationException", "message": "a prompt"}, {}),
    ]
    with pytest.raises(AwsError, match=sentence):
        peer.client().call("PutItem", {})
    with pytest.raises(AwsError, match=r"^ValidationException \(HTTP 400\)$"):
        peer.client().call("PutItem", {})


def test_a_service_that_stays_busy_is_given_up(peer: Peer) -> None:
    peer.script = [(500, {}, {})] * 10
    with pytest.raises(AwsError) as busy:
        peer.client().call("GetItem", {})
    assert busy.value.is_transient
    assert len(peer.seen) == aws_http.ATTEMPTS


@pytest.mark.parametrize(
    "step", ["drop", "half", "hang", (200, b"no json", {}), (200, [1], {}), (200, b"[" * 9_999, {})]
)
def test_a_lost_answer_is_told_and_never_repeated(peer: Peer, step: Any) -> None:
    peer.script = [step]
    with pytest.raises(AwsNoAnswer):
        peer.client(BEDROCK).post("/model/x/converse", {}, seconds=0.3)
    assert len(peer.seen) == 1


def test_nothing_sent_is_told_apart() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(AwsUnreachable):
            client_of(f"http://127.0.0.1:{taken.getsockname()[1]}", DYNAMODB).post(
                "/", {}, seconds=1
            )


def test_a_header_cannot_smuggle_another(peer: Peer) -> None:
    with pytest.raises(ValueError, match="line break"):
        peer.client(BEDROCK).post("/a", {}, headers={"x": "y\r\nz: 1"}, seconds=1)
    assert peer.seen == []


def test_the_error_type_of_a_header_counts(peer: Peer) -> None:
    peer.script = [(429, {"message": "slow"}, {"x-amzn-errortype": "ThrottlingException:http://x"})]
    with pytest.raises(AwsError) as refused:
        peer.client(BEDROCK).post("/model/x/converse", {}, seconds=1)
    assert (refused.value.code, refused.value.status) == ("ThrottlingException", 429)


def test_endpoints_are_aws_own_unless_redirected(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    found = AwsEnvironment.read()
    assert found.endpoint("dynamodb") == "https://dynamodb.eu-west-1.amazonaws.com"
    assert "very-secret" not in repr(found)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://a")
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "http://b")
    found = AwsEnvironment.read()
    assert (found.endpoint("ssm"), found.endpoint("bedrock-runtime")) == ("http://a", "http://b")

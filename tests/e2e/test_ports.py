"""Every port that a running stack opens, as the kernel lists them: websites get nowhere.

What is asked here is asked of whatever listens, so that a new port cannot be forgotten.
"""

import json
from collections.abc import Iterator

import pytest
import requests

from localcloud.stack import Stack
from tests.e2e.observed import state
from tests.e2e.sockets import Listener, Spoken, listeners, request, speak

FORM = ("Content-Type", "application/x-www-form-urlencoded")
PLAIN = ("Content-Type", "text/plain")
HOOK = b"url=http%3A%2F%2F127.0.0.1%3A9%2Fhook&enabled_events[]=*"
INVOKE = "/2015-03-31/functions/users-api/invocations"
TARGET = ("X-Amz-Target", "DynamoDB_20120810.DeleteTable")
KEY = ("Authorization", "Bearer sk_test_groundworklocal")
SIGNED = "AWS4-HMAC-SHA256 Credential=AKIAGROUNDWORKLOCAL0/20270101/us-east-1/dynamodb/aws4_request"
# What a website would like to do, at whatever port; each changes or tells something somewhere.
DEEDS: list[tuple[str, str, list[tuple[str, str]], bytes]] = [
    ("GET", "/", [], b""),
    ("GET", "/_health", [], b""),
    ("GET", "/_local/mail", [], b""),
    ("GET", "/_local/endpoints", [], b""),
    ("GET", "/_local/resources", [], b""),
    ("GET", "/_local/events", [], b""),
    ("GET", "/_local/calls", [], b""),
    ("GET", "/moto-api/data.json", [], b""),
    ("GET", "/backend/users/me", [], b""),
    ("GET", "/v1/customers", [KEY], b""),
    ("GET", "/2018-06-01/runtime/invocation/next", [], b""),
    ("POST", "/_local/reset", [PLAIN], b"{}"),
    ("POST", "/_local/session", [PLAIN], b'{"sub": "victim"}'),
    ("POST", "/_local/faults", [PLAIN], b'{"kind": "throttle"}'),
    ("POST", "/_local/clock", [PLAIN], b'{"seconds": 86400}'),
    ("POST", "/v1/webhook_endpoints", [FORM, KEY], HOOK),
    ("POST", "/v1/customers", [FORM, KEY], b"email=evil@example.com"),
    ("POST", "/", [TARGET, ("Authorization", SIGNED)], b'{"TableName": "groundwork-local"}'),
    ("POST", INVOKE, [PLAIN], b"{}"),
    ("POST", "/2018-06-01/runtime/init/error", [PLAIN], b"{}"),
    ("POST", "/model/x/converse", [PLAIN], b"{}"),
    ("PUT", "/groundwork-local-uploads/evil", [PLAIN], b"evil"),
    ("DELETE", "/_local/faults", [], b""),
    ("OPTIONS", "/", [("Access-Control-Request-Method", "POST")], b""),
]
ONE_PORT_DEEDS = [
    (method, f"/_local/{part}{path}", headers, body)
    for part in ("aws", "stripe", "bedrock", "lambda")
    for method, path, headers, body in DEEDS
]


def hostile(port: int) -> dict[str, list[tuple[str, str]]]:
    """The marks of a website's request, by how it came here; each of them alone must do."""
    own = ("Host", f"127.0.0.1:{port}")
    return {
        "rebound name": [("Host", f"evil.example:{port}")],
        "another port's name": [("Host", "localhost:1")],
        "no name": [],
        "two names": [own, ("Host", "evil.example")],
        "script": [own, ("Origin", "http://evil.example")],
        "sandboxed frame": [own, ("Origin", "null")],
        "another port's page": [own, ("Origin", "http://localhost:1")],
        "image": [own, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")],
        "sibling's image": [own, ("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Mode", "no-cors")],
        "socket": [
            own,
            ("Origin", "http://evil.example"),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ],
        "frame": [
            own,
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-Dest", "iframe"),
        ],
    }


@pytest.fixture(scope="module", params=["separate", "one port"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    one_port = request.param == "one port"
    with Stack(port=0, state_dir=tmp_path_factory.mktemp("ports"), one_port=one_port) as stack:
        for domain in ("users", "billing", "ai"):
            requests.get(f"{stack.site_url}/backend/health/{domain}", timeout=30)
        yield stack


@pytest.fixture(scope="module")
def ports(running: Stack) -> list[Listener]:
    return listeners(list(running.pids.values()))


def test_all_ports_are_on_loopback_and_known(running: Stack, ports: list[Listener]) -> None:
    config = running.config
    parts = {
        config.gateway_port,
        config.aws_port,
        config.stripe_port,
        config.bedrock_port,
        config.control_port,
    }
    assert all(each.is_loopback for each in ports), ports
    # The others are Runtime APIs, one for each function process.
    found = {each.port for each in ports}
    assert parts < found
    assert len(found - parts) >= 3


def test_a_website_gets_nowhere_at_any_port(running: Stack, ports: list[Listener]) -> None:
    before = state(running.config)
    assert before["function calls"] >= 3
    passed: list[str] = []
    for listener in ports:
        deeds = DEEDS
        if running.config.one_port and listener.port == running.config.gateway_port:
            deeds = [*DEEDS, *ONE_PORT_DEEDS]
        for way, marks in hostile(listener.port).items():
            for method, path, headers, body in deeds:
                answer = speak(listener.port, request(method, path, [*marks, *headers], body))
                if not refused(answer, way):
                    passed.append(f"{listener.port} {way}: {method} {path}: {answer.status}")
    assert passed == []
    assert state(running.config) == before


def refused(answer: Spoken, way: str) -> bool:
    """Whether nothing was done, nothing may be read, and it is said what to do instead."""
    if "access-control" in answer.head.lower() or "set-cookie" in answer.head.lower():
        return False
    if answer.status == 400 and way in ("no name", "two names"):
        # Malformed HTTP, which aiohttp refuses by itself.
        return True
    message = json.loads(answer.body)["message"] if answer.status == 403 else ""
    return any(f"{name} header" in message for name in ("Host", "Origin", "Sec-Fetch-Site"))


def test_a_refusal_waits_for_no_body(ports: list[Listener]) -> None:
    for listener in ports:
        marks = [("Host", "evil.example"), ("Content-Length", "5000000"), PLAIN]
        answer = speak(listener.port, request("POST", "/_local/reset", marks))
        assert answer.status == 403, listener


def test_programs_are_answered(running: Stack, ports: list[Listener]) -> None:
    config = running.config
    for listener in ports:
        for name in ("127.0.0.1", "localhost", "[::1]"):
            marks = [("Host", f"{name}:{listener.port}"), ("User-Agent", "curl/8.0")]
            answer = speak(listener.port, request("GET", "/_health", marks))
            parts = (config.gateway_port, config.aws_port, config.stripe_port)
            expected = 200 if listener.port in parts else answer.status
            assert answer.status == expected, (listener, answer)
            assert "header" not in answer.body, (listener, answer)


def test_the_cookies_of_all_ports_together_are_read(running: Stack, ports: list[Listener]) -> None:
    cookies = ("Cookie", "; ".join(f"c{number}={'a' * 4000}" for number in range(15)))
    wrong = []
    for listener in ports:
        paths = ["/_health"]
        if running.config.one_port and listener.port == running.config.gateway_port:
            paths += [f"/_local/{part}/_health" for part in ("aws", "stripe", "bedrock", "lambda")]
        for path in paths:
            own = ("Host", f"localhost:{listener.port}")
            without = speak(listener.port, request("GET", path, [own]))
            answer = speak(listener.port, request("GET", path, [own, cookies]))
            if answer.status != without.status:
                wrong.append(f"{listener.port}{path}: {answer}")
    assert wrong == []


def test_a_runtime_api_answers_its_own_process_alone(running: Stack, ports: list[Listener]) -> None:
    config = running.config
    parts = (
        config.gateway_port,
        config.aws_port,
        config.stripe_port,
        config.bedrock_port,
        config.control_port,
    )
    for listener in ports:
        if listener.port in parts:
            continue
        own = [("Host", f"127.0.0.1:{listener.port}")]
        for secret in ("", "/", "/secret", "/%00", "/%C3%A9"):
            path = f"{secret}/2018-06-01/runtime/invocation/next"
            answer = speak(listener.port, request("GET", path, own))
            assert (answer.status, "another process" in answer.body) == (403, True), path


MALFORMED = {
    "header value": b"GET / HTTP/1.1\r\nHost: localhost:PORT\r\nX-Name: caf\xe9\r\n\r\n",
    "cookie": b"GET /backend/users/me HTTP/1.1\r\nHost: localhost:PORT\r\nCookie: a=\xff\r\n\r\n",
    "header name": b"GET / HTTP/1.1\r\nHost: localhost:PORT\r\nX-\xff: x\r\n\r\n",
    "target": b"GET /\xff HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    "host": b"GET / HTTP/1.1\r\nHost: local\xff\r\n\r\n",
    "origin": b"GET / HTTP/1.1\r\nHost: localhost:PORT\r\nOrigin: \xff\r\n\r\n",
    "surrogate": b"GET / HTTP/1.1\r\nHost: localhost:PORT\r\nX-Name: \xed\xa0\x80\r\n\r\n",
    "body follows": b"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nX: \xff\r\n"
    b"Content-Length: 2\r\n\r\n{}",
    "lost Origin": b"GET / HTTP/1.1\r\nHost: localhost:PORT\r\nnonsense\r\nOrigin: null\r\n\r\n",
    "spaced name": b"GET / HTTP/1.1\r\nHost: localhost:PORT\r\nOrigin : null\r\n\r\n",
}
ABSURD = {
    "nonsense": b"nonsense\r\n\r\n",
    "no version": b"GET /\r\nHost: localhost:PORT\r\n\r\n",
    "version 9.9": b"GET / HTTP/9.9\r\nHost: localhost:PORT\r\n\r\n",
    "version 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "long line": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    "long header": b"GET / HTTP/1.1\r\nHost: localhost:PORT\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: localhost:PORT\r\n" + b"X: a\r\n" * 20_000 + b"\r\n",
    "long length": b"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: "
    + b"9" * 5_000
    + b"\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: 1\r\n"
    b"Content-Length: 2\r\n\r\nab",
    "strange method": b"FROBNICATE / HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    "lower method": b"get / HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    "long method": b"A" * 40_000 + b" / HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    "method of signs": b"{}<> / HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    "CONNECT": b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    "TRACE": b"TRACE / HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    "star": b"OPTIONS * HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    "no slash": b"GET nowhere HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    "broken address": b"GET http://[::1/ HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    "broken port": b"GET http://a:b/ HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    "escapes": b"GET /%ff%00%zz?%ff=%00 HTTP/1.1\r\nHost: localhost:PORT\r\n\r\n",
    "NUL": b"GET / HTTP/1.1\r\nHost: localhost:PORT\r\nX: a\0b\r\n\r\n",
}


def test_bytes_that_are_no_utf8_are_a_400(running: Stack, ports: list[Listener]) -> None:
    wrong = []
    for listener in ports:
        for name, text in MALFORMED.items():
            answer = speak(listener.port, text.replace(b"PORT", str(listener.port).encode()))
            if answer.status != 400 and not (name == "spaced name" and answer.status == 403):
                wrong.append(f"{listener.port} {name}: {answer}")
    assert wrong == []
    running.check()


def test_absurd_requests_are_the_clients_fault(running: Stack, ports: list[Listener]) -> None:
    wrong = []
    for listener in ports:
        for name, text in ABSURD.items():
            answer = speak(listener.port, text.replace(b"PORT", str(listener.port).encode()))
            if answer.status >= 500:
                wrong.append(f"{listener.port} {name}: {answer}")
    assert wrong == []
    running.check()
    assert requests.get(f"{running.site_url}/backend/plans", timeout=30).status_code == 200


def test_the_same_through_the_one_port(running: Stack) -> None:
    port = running.config.gateway_port
    wrong = []
    for part in ("aws", "stripe", "bedrock", "lambda") if running.config.one_port else ():
        for name, text in {**MALFORMED, **ABSURD}.items():
            moved = text.replace(b" / HTTP", f" /_local/{part}/ HTTP".encode(), 1)
            answer = speak(port, moved.replace(b"PORT", str(port).encode()))
            if answer.status >= 500 or (name == "header value" and answer.status != 400):
                wrong.append(f"{part} {name}: {answer}")
    assert wrong == []

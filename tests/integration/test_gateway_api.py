"""The HTTP API emulation over real sockets and real function processes."""

import base64
import http.client
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.integration.local_gateway import (
    OPENAPI,
    Answer,
    RunningGateway,
    running_gateway,
    wait_until,
)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path_factory.mktemp("gateway"), integration_seconds=2) as gateway:
        yield gateway


def shape(local: RunningGateway, result: Any, **options: Any) -> Answer:
    """Have the function return `result` and see what comes out."""
    body = json.dumps(result).encode()
    headers = [("Content-Type", "application/json"), *options.pop("headers", [])]
    return local.request("POST", "/backend/shape", headers=headers, body=body, **options)


def test_a_request_becomes_an_event(local: RunningGateway) -> None:
    event = local.event(
        "GET",
        "/backend/items/a%20b?x=1&x=2&y=%2F",
        headers=[("Cookie", "one=1; two=2"), ("X-Many", "1"), ("X-Many", "2")],
    )
    assert event["routeKey"] == "GET /items/{id}"
    assert event["rawPath"] == "/backend/items/a b"
    assert event["pathParameters"] == {"id": "a b"}
    assert event["rawQueryString"] == "x=1&x=2&y=%2F"
    assert event["queryStringParameters"] == {"x": "1,2", "y": "/"}
    assert event["cookies"] == ["one=1", "two=2"]
    assert event["headers"]["x-many"] == "1,2"
    assert event["requestContext"]["http"]["protocol"] == "HTTP/1.1"
    assert event["requestContext"]["domainName"] == "localhost"


def test_bodies_travel_as_text_or_base64(local: RunningGateway) -> None:
    text = local.event(
        "POST",
        "/backend/echo",
        headers=[("Content-Type", "application/json")],
        body=b'{"a":"\xc3\xa4"}',
    )
    assert (text["body"], text["isBase64Encoded"]) == ('{"a":"ä"}', False)
    raw = bytes(range(256))
    binary = local.event("POST", "/backend/echo", headers=[("Content-Type", "image/png")], body=raw)
    assert (base64.b64decode(binary["body"]), binary["isBase64Encoded"]) == (raw, True)


def test_a_chunked_body_arrives_whole(local: RunningGateway) -> None:
    connection = http.client.HTTPConnection("localhost", local.config.gateway_port, timeout=10)
    parts = iter([b"one ", b"two ", b"three"])
    headers = {"Content-Type": "text/plain"}
    connection.request("POST", "/backend/echo", parts, headers, encode_chunked=True)
    event = json.loads(connection.getresponse().read())
    connection.close()
    assert event["body"] == "one two three"
    assert event["headers"]["content-length"] == "13"


def test_unknown_paths_go_to_the_default_route(local: RunningGateway) -> None:
    event = local.event("GET", "/backend/nowhere/at/all")
    assert event["routeKey"] == "$default"
    assert "pathParameters" not in event
    assert local.event("DELETE", "/backend/echo")["routeKey"] == "$default"
    assert local.event("GET", "/backend")["rawPath"] == "/backend"


def test_a_structured_response(local: RunningGateway) -> None:
    answer = shape(
        local,
        {
            "statusCode": 418,
            "headers": {"Content-Type": "application/json", "X-A": "1,2"},
            "cookies": ["a=1; HttpOnly", "b=2"],
            "body": '{"ok":true}',
        },
    )
    assert (answer.status, answer.json()) == (418, {"ok": True})
    assert [v for k, v in answer.headers if k.lower() == "set-cookie"] == ["a=1; HttpOnly", "b=2"]
    assert answer.header("x-a") == "1,2"
    assert len(answer.header("apigw-requestid") or "") == 16


def test_a_binary_response(local: RunningGateway) -> None:
    body = base64.b64encode(bytes(range(256))).decode()
    headers = {"content-type": "image/png"}
    result = {"statusCode": 200, "headers": headers, "body": body, "isBase64Encoded": True}
    answer = shape(local, result)
    assert (answer.body, answer.header("content-type")) == (bytes(range(256)), "image/png")


def test_a_bare_value_is_json(local: RunningGateway) -> None:
    answer = shape(local, {"no": "status"})
    assert (answer.status, answer.json()) == (200, {"no": "status"})
    assert answer.header("content-type") == "application/json"


@pytest.mark.parametrize(
    "result", ["raise", "exit", {"statusCode": "x"}, {"statusCode": 200, "body": 1}]
)
def test_a_failing_function_is_internal_server_error(local: RunningGateway, result: Any) -> None:
    answer = shape(local, result)
    assert (answer.status, answer.body) == (500, b'{"message":"Internal Server Error"}')
    assert answer.header("content-type") == "application/json"
    assert answer.header("apigw-requestid")


def test_a_route_to_a_missing_function_is_internal_server_error(local: RunningGateway) -> None:
    answer = local.request("GET", "/backend/unknown-function")
    assert (answer.status, answer.body) == (500, b'{"message":"Internal Server Error"}')


def test_a_slow_function_is_service_unavailable(local: RunningGateway) -> None:
    started = time.monotonic()
    answer = shape(local, "hang")
    assert 1.9 < time.monotonic() - started < 10
    assert (answer.status, answer.body) == (503, b'{"message":"Service Unavailable"}')


def test_too_many_waiting_calls_are_throttled(
    local: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localcloud.functions.pool.MAX_QUEUED", 0)
    answer = local.request("GET", "/backend/echo")
    assert (answer.status, answer.body) == (429, b'{"message":"Too Many Requests"}')


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_over_10_mb_is_refused(local: RunningGateway, chunked: bool) -> None:
    connection = http.client.HTTPConnection("localhost", local.config.gateway_port, timeout=10)
    megabyte = b"x" * 1024 * 1024
    body: Any = (megabyte for _ in range(11)) if chunked else megabyte * 11
    connection.request("POST", "/backend/echo", body, encode_chunked=chunked)
    response = connection.getresponse()
    assert (response.status, response.read()) == (413, b'{"message":"Request Entity Too Large"}')
    connection.close()


def test_a_body_that_no_lambda_accepts_is_refused(local: RunningGateway) -> None:
    headers = [("Content-Type", "text/plain")]
    answer = local.request("POST", "/backend/echo", headers=headers, body=b"x" * 6_400_000)
    assert (answer.status, answer.body) == (413, b'{"message":"Request Entity Too Large"}')


def test_headers_have_10240_bytes(local: RunningGateway) -> None:
    assert local.request("GET", "/backend/echo", headers=[("X", "v" * 10_000)]).status == 200
    for target, headers in (
        ("/backend/echo", [("X", "v" * 6000), ("Cookie", "c" * 6000)]),
        ("/backend/echo?" + "q" * 10_240, []),
    ):
        answer = local.request("GET", target, headers=headers)
        assert (answer.status, answer.body) == (
            431,
            b'{"message":"Request Header Fields Too Large"}',
        )


def test_head_and_options_are_methods_like_others(local: RunningGateway) -> None:
    head = local.request("HEAD", "/backend/echo")
    assert (head.status, head.body) == (200, b"")
    options = local.event("OPTIONS", "/backend/echo")
    assert (options["routeKey"], options["requestContext"]["http"]["method"]) == (
        "$default",
        "OPTIONS",
    )


def test_a_preflight_is_answered_by_the_gateway(local: RunningGateway) -> None:
    before = len(local.lines)
    asked = [
        ("Origin", local.config.site_url),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-type"),
    ]
    answer = local.request("OPTIONS", "/backend/echo", headers=asked)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.header("access-control-allow-origin") == local.config.site_url
    assert answer.header("access-control-allow-credentials") == "true"
    assert "POST" in (answer.header("access-control-allow-methods") or "")
    assert "content-type" in (answer.header("access-control-allow-headers") or "")
    assert not any("demo-echo" in line for line in local.lines[before:])


def test_a_foreign_preflight_gets_no_permission(local: RunningGateway) -> None:
    asked = [("Origin", "https://evil.example"), ("Access-Control-Request-Method", "POST")]
    answer = local.request("OPTIONS", "/backend/echo", headers=asked)
    assert answer.status == 403
    assert not any(name.lower().startswith("access-control") for name, _ in answer.headers)


def test_cors_headers_are_the_gateways_not_the_functions(local: RunningGateway) -> None:
    result = {"statusCode": 200, "headers": {"access-control-allow-origin": "*"}, "body": "x"}
    foreign = shape(local, result, headers=[("Origin", "https://evil.example")])
    assert foreign.header("access-control-allow-origin") is None
    own = shape(local, result, headers=[("Origin", local.config.site_url)])
    assert own.header("access-control-allow-origin") == local.config.site_url


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:80"])
def test_a_rebound_name_is_refused(local: RunningGateway, host: str) -> None:
    for target in ("/backend/echo", "/_local/endpoints", "/_local/", "/_local"):
        assert local.request("GET", target, host=host).status == 403


def test_only_loopback_is_served(local: RunningGateway) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        address = probe.getsockname()[0]
    for port in (local.config.gateway_port, local.config.control_port):
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, port), timeout=1)


def test_several_requests_at_once(local: RunningGateway) -> None:
    with ThreadPoolExecutor(20) as threads:
        targets = [f"/backend/items/{number}" for number in range(60)]
        events = list(threads.map(lambda target: local.event("GET", target), targets))
    assert [event["pathParameters"]["id"] for event in events] == [str(n) for n in range(60)]


def test_a_changed_openapi_file_changes_the_routes(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as local:
        assert local.event("GET", "/backend/new")["routeKey"] == "$default"
        paths = {**OPENAPI["paths"], "/new": {"get": {"x-function": "demo-echo"}}}
        (tmp_path / "openapi.json").write_text(json.dumps({"paths": paths}))
        wait_until(lambda: local.event("GET", "/backend/new")["routeKey"] == "GET /new")

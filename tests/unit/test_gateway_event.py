"""Events against the documented payload of version 2.0 and captures of a deployed HTTP API."""

import base64
import json
import re
from typing import Any

import pytest

from localcloud.gateway.event import ApiIdentity, build_event, new_request_id
from localcloud.gateway.messages import HttpRequest
from localcloud.gateway.routing import Match

MATCH = Match("GET /parameters/{parameter1}", "demo", {"parameter1": "value1"})


def event(
    target: str = "/backend/parameters/value1",
    *,
    method: str = "GET",
    headers: list[tuple[str, str]] | None = None,
    body: bytes = b"",
    match: Match = MATCH,
) -> dict[str, Any]:
    request = HttpRequest(
        method, target, [("Host", "id.example.com:8000"), *(headers or [])], body, "192.0.2.1"
    )
    built = build_event(request, match, api=ApiIdentity("123456789012"), request_id="id")
    return json.loads(json.dumps(built))  # type: ignore[no-any-return]


def test_the_documented_members_and_no_others() -> None:
    full = event(
        "/backend/parameters/value1?parameter1=value1&parameter1=value2&parameter2=value",
        headers=[
            ("Header1", "value1"),
            ("Header1", "value2"),
            ("Cookie", "cookie1=a; cookie2=b"),
            ("User-Agent", "agent"),
            ("Content-Type", "application/json"),
        ],
        body=b'{"a":1}',
    )
    assert set(full) == {
        "version", "routeKey", "rawPath", "rawQueryString", "cookies", "headers",
        "queryStringParameters", "requestContext", "body", "pathParameters", "isBase64Encoded",
    }  # fmt: skip
    assert full["version"] == "2.0"
    assert full["routeKey"] == "GET /parameters/{parameter1}"
    assert full["rawPath"] == "/backend/parameters/value1"
    assert full["rawQueryString"] == "parameter1=value1&parameter1=value2&parameter2=value"
    assert full["queryStringParameters"] == {"parameter1": "value1,value2", "parameter2": "value"}
    assert full["headers"]["header1"] == "value1,value2"
    assert full["cookies"] == ["cookie1=a", "cookie2=b"]
    assert full["pathParameters"] == {"parameter1": "value1"}
    assert (full["body"], full["isBase64Encoded"]) == ('{"a":1}', False)
    context = full["requestContext"]
    assert re.fullmatch(r"\d{2}/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000", context.pop("time"))
    assert context.pop("timeEpoch") > 1_700_000_000_000
    assert context == {
        "accountId": "123456789012",
        "apiId": "groundwork0",
        "domainName": "id.example.com",
        "domainPrefix": "id",
        "http": {
            "method": "GET",
            "path": "/backend/parameters/value1",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "agent",
        },
        "requestId": "id",
        "routeKey": "GET /parameters/{parameter1}",
        "stage": "backend",
    }


def test_empty_members_are_left_out() -> None:
    bare = event(match=Match("$default", "demo", {}))
    absent = {"cookies", "queryStringParameters", "pathParameters", "body", "stageVariables"}
    assert not absent & set(bare)
    assert bare["isBase64Encoded"] is False
    assert bare["rawQueryString"] == ""


def test_cookies_leave_the_headers() -> None:
    found = event(headers=[("Cookie", "a=1; b=2"), ("cookie", "c=3"), ("COOKIE", " ; d=x=y ")])
    assert found["cookies"] == ["a=1", "b=2", "c=3", "d=x=y"]
    assert "cookie" not in found["headers"]


def test_a_cookie_sent_twice_arrives_twice() -> None:
    assert event(headers=[("Cookie", "s=1; s=2")])["cookies"] == ["s=1", "s=2"]


def test_headers_are_lower_case_without_those_of_one_hop() -> None:
    headers = event(
        headers=[
            ("X-Custom", "A"),
            ("Connection", "keep-alive"),
            ("Transfer-Encoding", "chunked"),
            ("X-Forwarded-For", "203.0.113.9"),
        ]
    )["headers"]
    assert headers["x-custom"] == "A"
    assert headers["host"] == "id.example.com:8000"
    assert headers["x-forwarded-for"] == "203.0.113.9, 192.0.2.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-amzn-trace-id"].startswith("Root=1-")
    assert not {"connection", "transfer-encoding"} & set(headers)


@pytest.mark.parametrize(
    ("query", "decoded"),
    [
        ("a=b%20c&a=d%2Ce", {"a": "b c,d,e"}),
        ("a=1+2", {"a": "1 2"}),
        ("empty=&flag", {"empty": "", "flag": ""}),
        ("n%C3%A4me=w%C3%A9rt", {"näme": "wért"}),
        ("a%3Db=c%26d", {"a=b": "c&d"}),
    ],
)
def test_query_parameters_are_decoded_and_the_raw_query_is_not(
    query: str, decoded: dict[str, str]
) -> None:
    found = event(f"/backend/parameters/value1?{query}")
    assert found["queryStringParameters"] == decoded
    assert found["rawQueryString"] == query


def test_the_raw_path_arrives_decoded() -> None:
    found = event("/backend/files/a%20b%2Fc%C3%A4")
    assert found["rawPath"] == "/backend/files/a b/cä"
    assert found["requestContext"]["http"]["path"] == "/backend/files/a b/cä"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/csv; charset=utf-8",
        "application/json",
        "Application/JSON; charset=UTF-8",
        "application/xml",
        "application/javascript",
    ],
)
def test_text_bodies_arrive_as_text(content_type: str) -> None:
    found = event(headers=[("Content-Type", content_type)], body="gruß".encode())
    assert (found["body"], found["isBase64Encoded"]) == ("gruß", False)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/octet-stream",
        "image/png",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/vnd.api+json",
        None,
    ],
)
def test_other_bodies_arrive_as_base64(content_type: str | None) -> None:
    headers = [("Content-Type", content_type)] if content_type else []
    body = bytes(range(256))
    found = event(headers=headers, body=body)
    assert found["isBase64Encoded"] is True
    assert base64.b64decode(found["body"]) == body


def test_request_ids_look_like_api_gateways() -> None:
    assert re.fullmatch(r"[A-Za-z0-9+/]{15}=", new_request_id())
    assert new_request_id() != new_request_id()

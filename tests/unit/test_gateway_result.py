"""What a function returns and what a browser then gets."""

import json
from typing import Any

import pytest

from localcloud.gateway.messages import HttpResponse
from localcloud.gateway.result import MalformedResultError, to_response


def response(result: Any) -> HttpResponse:
    return to_response(json.dumps(result).encode())


def test_status_headers_cookies_and_body() -> None:
    found = response(
        {
            "statusCode": 201,
            "headers": {"Content-Type": "application/json", "X-Number": 7, "X-Flag": True},
            "cookies": ["a=1; Path=/", "b=2"],
            "body": '{"ä":1}',
        }
    )
    assert found.status == 201
    assert found.headers == [
        ("content-type", "application/json"),
        ("x-number", "7"),
        ("x-flag", "true"),
        ("set-cookie", "a=1; Path=/"),
        ("set-cookie", "b=2"),
    ]
    assert found.body == '{"ä":1}'.encode()


def test_a_base64_body_is_decoded() -> None:
    found = response({"statusCode": 200, "body": "AAH+/w==", "isBase64Encoded": True})
    assert found.body == b"\x00\x01\xfe\xff"


@pytest.mark.parametrize(
    ("value", "body"),
    [
        ({"message": "hi"}, b'{"message": "hi"}'),
        ([1, 2], b"[1, 2]"),
        ("plain", b"plain"),
        (7, b"7"),
        (None, b"null"),
        ({"body": "no status"}, b'{"body": "no status"}'),
    ],
)
def test_a_result_without_status_is_a_json_body(value: Any, body: bytes) -> None:
    found = response(value)
    assert (found.status, found.headers, found.body) == (
        200,
        [("content-type", "application/json")],
        body,
    )


def test_a_structured_result_without_content_type_is_plain_text() -> None:
    found = response({"statusCode": "202"})
    assert (found.status, found.body) == (202, b"")
    assert found.headers == [("content-type", "text/plain;charset=UTF-8")]


def test_the_functions_own_content_length_is_not_believed() -> None:
    found = response({"statusCode": 200, "headers": {"Content-Length": "99999"}, "body": "x"})
    assert "content-length" not in dict(found.headers)


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body(status: int) -> None:
    found = response({"statusCode": status, "body": "ignored"})
    assert (found.status, found.body, found.headers) == (status, b"", [])


@pytest.mark.parametrize(
    "result",
    [
        {"statusCode": "abc"},
        {"statusCode": None},
        {"statusCode": True},
        {"statusCode": 99},
        {"statusCode": 1000},
        {"statusCode": 200, "body": {"not": "a string"}},
        {"statusCode": 200, "body": 7},
        {"statusCode": 200, "headers": ["x"]},
        {"statusCode": 200, "headers": {"x": ["y"]}},
        {"statusCode": 200, "headers": {"x": "a\r\nset-cookie: evil=1"}},
        {"statusCode": 200, "cookies": "a=1"},
        {"statusCode": 200, "cookies": ["a=1\r\nx: y"]},
        {"statusCode": 200, "body": "%%%", "isBase64Encoded": True},
    ],
)
def test_malformed_results(result: Any) -> None:
    with pytest.raises(MalformedResultError):
        response(result)


def test_what_is_not_json_is_malformed() -> None:
    with pytest.raises(MalformedResultError):
        to_response(b"<html>")

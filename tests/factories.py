"""Builders of test inputs: HTTP API events, Lambda contexts, session cookies."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

SITE = "http://localhost:8000"


@dataclass
class LambdaContext:
    """The part of Lambda's context object that functions use."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id: str = "9d1f7b62-6a51-4a86-8a3b-0c5c9a3f1e11"
    remaining_ms: int = 29_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


def http_event(
    method: str = "GET",
    path: str = "/",
    *,
    query: str = "",
    body: Any = None,
    headers: dict[str, str] | None = None,
    cookies: list[str] | None = None,
) -> dict[str, Any]:
    """An API Gateway HTTP API event, payload format 2.0, stage `backend`.

    `body` is sent as JSON unless it is a string already. `Origin` is the site's for every method
    but GET, as browsers send it; pass `headers={"origin": ""}` to leave it out.
    """
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    sent = {"content-type": "application/json", "host": "localhost:8000"}
    if method != "GET":
        sent["origin"] = SITE
    sent |= headers or {}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": f"/backend{path}",
        "rawQueryString": query,
        "headers": {name: value for name, value in sent.items() if value},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "local",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": {
                "method": method,
                "path": f"/backend{path}",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "tests",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": f"{method} {path}",
            "stage": "backend",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1773342238000,
        },
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = dict(parse_qsl(query, keep_blank_values=True))
    if cookies is not None:
        event["cookies"] = cookies
    if text is not None:
        event["body"] = text
    return event


def body_of(answer: dict[str, Any]) -> Any:
    """The JSON body of a function's answer."""
    return json.loads(answer["body"])


def metrics(output: str) -> list[tuple[str, float]]:
    """Names and values of the metrics in a function's standard output, in their order."""
    lines = [json.loads(line) for line in output.splitlines() if '"_aws"' in line]
    names = [line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"] for line in lines]
    return [(name, line[name]) for name, line in zip(names, lines, strict=True)]

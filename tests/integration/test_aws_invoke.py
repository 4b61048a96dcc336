"""Lambda's Invoke at local AWS reaches the gateway; moto would look for Docker."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.aws_fixtures import LocalAws


class Gateway:
    """The gateway's Invoke API: remembers what it was asked and answers as told."""

    def __init__(self, port: int) -> None:
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: tuple[int, dict[str, str], bytes] = (200, {}, b"{}")
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                gateway.asked.append((self.path, headers, body))
                status, given, content = gateway.answer
                self.send_response(status)
                for name, value in {**given, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def gateway(aws: LocalAws) -> Iterator[Gateway]:
    made = Gateway(aws.config.control_port)
    yield made
    made.close()


def test_a_call_arrives_with_its_alias_and_its_answer_returns(
    aws: LocalAws, gateway: Gateway
) -> None:
    headers = {"X-Amz-Function-Error": "Unhandled", "x-amzn-RequestId": "r-1", "Server": "x"}
    gateway.answer = (200, headers, b'{"errorMessage":"no"}')
    answer = aws.client("lambda").invoke(
        FunctionName="groundwork-dev-billing-reconcile", Qualifier="live", Payload=b'{"a":1}'
    )
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"]) == {"errorMessage": "no"}
    assert answer["ResponseMetadata"]["RequestId"] == "r-1"
    [(path, asked, body)] = gateway.asked
    assert path == (
        "/2015-03-31/functions/groundwork-dev-billing-reconcile/invocations?Qualifier=live"
    )
    assert body == b'{"a":1}'
    assert "authorization" not in asked


def test_a_caller_cannot_pass_for_a_service(aws: LocalAws, gateway: Gateway) -> None:
    """The gateway admits services by the resource that they say they act for."""
    client = aws.client("lambda")
    client.meta.events.register(
        "before-sign.lambda.Invoke",
        lambda request, **_: request.headers.add_header("X-Amz-Source-Arn", "arn:aws:events:x"),
    )
    client.invoke(FunctionName="f", InvocationType="Event", Payload=b"{}")
    [(_, asked, _)] = gateway.asked
    assert asked["x-amz-invocation-type"] == "Event"
    assert "x-amz-source-arn" not in asked


def test_an_unknown_function_is_the_gateways_to_refuse(aws: LocalAws, gateway: Gateway) -> None:
    error = {"x-amzn-ErrorType": "ResourceNotFoundException"}
    gateway.answer = (404, error, b'{"Message":"Function not found: f"}')
    with pytest.raises(ClientError, match="Function not found: f") as refused:
        aws.client("lambda").invoke(FunctionName="f")
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_without_a_gateway_it_says_so(aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="The gateway, which runs the functions"):
        aws.client("lambda").invoke(FunctionName="f")


def test_everything_else_is_local_awss_own(aws: LocalAws) -> None:
    assert isinstance(aws.client("lambda").list_functions()["Functions"], list)

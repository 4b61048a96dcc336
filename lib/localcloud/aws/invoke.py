"""Lambda's Invoke: handed on to the gateway, which runs the functions (moto would ask Docker)."""

import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from localcloud.aws.connections import Answer
from localcloud.aws.errors import refusal
from localcloud.aws.routing import LocalRequest, call_moto

# A caller's headers that mean something there. Never X-Amz-Source-Arn, by which services that act
# for a resource name it: AWS does not let a caller say that.
_TAKEN = ("Content-Type", "X-Amz-Invocation-Type", "X-Amz-Client-Context", "X-Amz-Log-Type")
_GIVEN = ("Content-Type", "x-amzn-RequestId", "x-amzn-ErrorType")
# The longest that a function may run (AWS Lambda quotas).
_SECONDS = 900


def handler(control_url: str) -> Callable[[LocalRequest], Any]:
    """A handler for Lambda that calls functions at `control_url`, outside of the service's lock."""

    def handle(request: LocalRequest) -> Any:
        target = request.environ["RAW_URI"]
        path = target.partition("?")[0]
        if request.method == "POST" and path.endswith("/invocations"):
            return _invoked(control_url, target, request)
        return call_moto("lambda", request)

    return handle


def _invoked(control_url: str, target: str, request: LocalRequest) -> Answer:
    headers = {name: request.headers[name] for name in _TAKEN if name in request.headers}
    connection = http.client.HTTPConnection(urlsplit(control_url).netloc, timeout=_SECONDS)
    try:
        connection.request("POST", target, request.environ["groundwork.body"], headers)
        answer = connection.getresponse()
        body = answer.read()
    except OSError as error:
        message = f"The gateway, which runs the functions, does not answer: {error}"
        return refusal("lambda", 502, "ServiceException", message)
    finally:
        connection.close()
    given = {
        name: value
        for name, value in answer.getheaders()
        if name.lower().startswith("x-amz-") or name in _GIVEN
    }
    return Answer(answer.status, given, body)

"""A small client for AWS services that speak JSON: DynamoDB, SSM, Secrets Manager, Bedrock.

The SDK would do, but importing it and building two clients costs ten times the CPU of all this at a
cold start, which a function's first caller waits for. Connections are kept and reused.
"""

import json
import random
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from saas.answers import Answer
from saas.connections import Connections, NoAnswer, Unreachable
from saas.settings import AwsEnvironment, aws_environment
from saas.signing import signed_headers

ATTEMPTS = 4
FIRST_PAUSE = 0.05
# Of a whole number; Python refuses to read endless ones.
MAX_DIGITS = 100
_THROTTLED = frozenset(
    {
        "ThrottlingException",
        "Throttling",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
    }
)


class AwsError(Exception):
    """The service answered that it will not do it. `body` is its JSON answer.

    Its text is the code alone, since AWS's sentences may quote what users wrote; a refusal by IAM
    names an action and a resource, which whoever mends the policy has to know.
    """

    text_is_ours = True

    def __init__(self, code: str, status: int, body: dict[str, Any]) -> None:
        told = body.get("message") or body.get("Message") if code.startswith("AccessDenied") else ""
        super().__init__(f"{code} (HTTP {status}): {told}" if told else f"{code} (HTTP {status})")
        self.code = code
        self.status = status
        self.body = body

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return self.status >= 500 or self.status == 429 or self.code in _THROTTLED


AwsUnreachable = Unreachable
AwsNoAnswer = NoAnswer


class AwsUnreadable(AwsNoAnswer):
    """An answer came whole, and its body is no JSON object."""


@dataclass(frozen=True)
class Service:
    """An AWS service.

    `name` makes the host, `signing_name` the signature, `target` prefixes `X-Amz-Target` where the
    protocol has operations instead of paths.
    """

    name: str
    signing_name: str
    target: str = ""
    content_type: str = "application/json"


DYNAMODB = Service("dynamodb", "dynamodb", "DynamoDB_20120810", "application/x-amz-json-1.0")
SSM = Service("ssm", "ssm", "AmazonSSM", "application/x-amz-json-1.1")
SECRETS = Service(
    "secretsmanager", "secretsmanager", "secretsmanager", "application/x-amz-json-1.1"
)
BEDROCK = Service("bedrock-runtime", "bedrock")


class Client:
    """Requests to one service; safe to use from several threads."""

    def __init__(self, service: Service, aws: AwsEnvironment) -> None:
        self._service = service
        self._aws = aws
        self._connections = Connections(aws.endpoint(service.name), aws.ca_bundle)

    def call(self, operation: str, payload: dict[str, Any]) -> dict[str, Any]:
        """An operation by name, repeated a few times while the service is busy or out of reach.

        Only for what may run twice: reads, and writes under a condition or a token.

        Raises:
            AwsError: the service refused, or stayed busy.
            AwsUnreachable, AwsNoAnswer: it could not be reached.
        """
        headers = {"x-amz-target": f"{self._service.target}.{operation}"}
        for attempt in range(ATTEMPTS):
            try:
                return self.post("/", payload, headers=headers, seconds=5, repeatable=True)
            except (AwsError, AwsUnreachable, AwsNoAnswer) as error:
                final = isinstance(error, AwsError) and not error.is_transient
                if final or attempt + 1 == ATTEMPTS:
                    raise
                if isinstance(error, AwsNoAnswer) and error.kept:
                    continue  # An old connection broke; a fresh one tells whether the service did.
            time.sleep(random.uniform(0.5, 1) * FIRST_PAUSE * 2**attempt)  # noqa: S311
        raise AssertionError("unreachable")

    def post(
        self,
        path: str,
        payload: dict[str, Any],
        *,
        headers: dict[str, str] | None = None,
        seconds: float,
        repeatable: bool = False,
    ) -> dict[str, Any]:
        """One request, sent at most once.

        Args:
            path: percent-encoded.
            seconds: how long to wait for the answer.
            repeatable: the caller may send it again when no answer came.

        Raises:
            AwsError, AwsUnreachable, AwsNoAnswer: see there.
        """
        body = json.dumps(payload, separators=(",", ":")).encode()
        sent = signed_headers(
            self._aws,
            self._service.signing_name,
            host=self._connections.host,
            path=path,
            headers={"content-type": self._service.content_type, **(headers or {})},
            body=body,
            now=datetime.now(UTC),
        )
        answer = self._connections.send(
            "POST", path, sent, body, seconds=seconds, repeatable=repeatable
        )
        return _result(answer)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._connections.close()


def is_outage(error: BaseException) -> bool:
    """Whether AWS could not be reached, was overloaded or failed on its own side."""
    if isinstance(error, AwsError):
        return error.is_transient
    return isinstance(error, AwsUnreachable | AwsNoAnswer | TimeoutError)


def token() -> str:
    """A fresh idempotency token, for requests that must not run twice when repeated."""
    return str(uuid.uuid4())


_clients: dict[Service, Client] = {}


def client(service: Service) -> Client:
    """The process's client of a service."""
    if service not in _clients:
        _clients[service] = Client(service, aws_environment())
    return _clients[service]


def forget_clients() -> None:
    """Close and drop all clients (tests)."""
    while _clients:
        _clients.popitem()[1].close()


def _result(answer: Answer) -> dict[str, Any]:
    body = _object(answer.content)
    if body is None:
        if answer.status == 200:
            raise AwsUnreadable("malformed answer")
        body = {}  # An error's body need not be JSON.
    if answer.status == 200:
        return body
    named = answer.headers.get("x-amzn-errortype") or str(body.get("__type") or "Unknown")
    raise AwsError(named.split(":")[0].rpartition("#")[2], answer.status, body)


def _object(content: bytes) -> dict[str, Any] | None:
    """The JSON object of a body; half a character or an endless number does not spoil it."""
    text = content.decode("utf-8", "replace")
    try:
        body = json.loads(text, parse_int=_integer) if text else {}
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)

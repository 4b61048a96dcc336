"""A small client for AWS services that speak JSON: DynamoDB, SSM, Secrets Manager, Bedrock.

The SDK would do, but importing it and building two clients costs ten times the CPU of all this at a
cold start, which a function's first caller waits for. Connections are kept and reused.
"""

import http.client
import json
import random
import select
import socket
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from saas.settings import AwsEnvironment, aws_environment
from saas.signing import signed_headers

CONNECT_SECONDS = 2.0
ATTEMPTS = 4
FIRST_PAUSE = 0.05
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
    """The service answered that it will not do it. `body` is its JSON answer."""

    def __init__(self, code: str, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{code} (HTTP {status})")
        self.code = code
        self.status = status
        self.body = body

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return self.status >= 500 or self.status == 429 or self.code in _THROTTLED


class AwsUnreachable(Exception):
    """No connection could be made: nothing was sent."""


class AwsNoAnswer(Exception):
    """The request went out and no whole answer came back: it may have been carried out."""


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
        self._url = urlsplit(aws.endpoint(service.name))
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def call(self, operation: str, payload: dict[str, Any]) -> dict[str, Any]:
        """An operation by name, repeated a few times while the service is busy or out of reach.

        Raises:
            AwsError: the service refused, or stayed busy.
            AwsUnreachable, AwsNoAnswer: it could not be reached.
        """
        headers = {"x-amz-target": f"{self._service.target}.{operation}"}
        for attempt in range(ATTEMPTS):
            try:
                return self.post("/", payload, headers=headers, seconds=5)
            except (AwsError, AwsUnreachable, AwsNoAnswer) as error:
                final = isinstance(error, AwsError) and not error.is_transient
                if final or attempt + 1 == ATTEMPTS:
                    raise
            time.sleep(random.uniform(0.5, 1) * FIRST_PAUSE * 2**attempt)  # noqa: S311
        raise AssertionError("unreachable")

    def post(
        self,
        path: str,
        payload: dict[str, Any],
        *,
        headers: dict[str, str] | None = None,
        seconds: float,
    ) -> dict[str, Any]:
        """One request, sent at most once.

        Args:
            path: percent-encoded.
            seconds: how long to wait for the answer.

        Raises:
            AwsError, AwsUnreachable, AwsNoAnswer: see there.
        """
        body = json.dumps(payload, separators=(",", ":")).encode()
        sent = signed_headers(
            self._aws,
            self._service.signing_name,
            host=self._url.netloc,
            path=path,
            headers={"content-type": self._service.content_type, **(headers or {})},
            body=body,
            now=datetime.now(UTC),
        )
        connection = self._connect(seconds)
        try:
            answer = _exchange(connection.sock, path, sent, body)
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise AwsNoAnswer(type(error).__name__) from error
        self._keep(connection, answer)
        return _result(answer, content)

    def close(self) -> None:
        """Close the connections that are kept."""
        while connection := self._take():
            connection.close()

    def _connect(self, seconds: float) -> http.client.HTTPConnection:
        while connection := self._take():
            if not _is_dead(connection):
                connection.sock.settimeout(seconds)
                return connection
            connection.close()
        fresh = self._open()
        try:
            fresh.connect()
        except OSError as error:
            raise AwsUnreachable(type(error).__name__) from error
        fresh.sock.settimeout(seconds)
        return fresh

    def _open(self) -> http.client.HTTPConnection:
        if self._url.scheme == "https":
            from saas import tls

            return http.client.HTTPSConnection(
                self._url.netloc,
                timeout=CONNECT_SECONDS,
                context=tls.context(self._aws.ca_bundle),
            )
        return http.client.HTTPConnection(self._url.netloc, timeout=CONNECT_SECONDS)

    def _take(self) -> http.client.HTTPConnection | None:
        with self._lock:
            return self._idle.pop() if self._idle else None

    def _keep(
        self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse
    ) -> None:
        if answer.will_close:
            connection.close()
            return
        with self._lock:
            self._idle.append(connection)


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


def _exchange(
    connection: socket.socket, path: str, headers: dict[str, str], body: bytes
) -> http.client.HTTPResponse:
    """Send a request and read the answer's head.

    `HTTPConnection.request` writes head and body apart, which costs another packet, TLS record and
    wake-up of the other side; DynamoDB requests are small and many.
    """
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""])
    connection.sendall(head.encode("latin-1") + body)
    answer = http.client.HTTPResponse(connection, method="POST")
    answer.begin()
    return answer


def _is_dead(connection: http.client.HTTPConnection) -> bool:
    """Whether the other side closed an idle connection: it is then readable before we ask."""
    try:
        return bool(select.select([connection.sock], [], [], 0)[0])
    except (OSError, ValueError):
        return True


def _result(answer: http.client.HTTPResponse, content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content) if content else {}
    except ValueError as error:
        if answer.status == 200:
            raise AwsNoAnswer("malformed answer") from error
        body = {}
    if not isinstance(body, dict):
        raise AwsNoAnswer("malformed answer")
    if answer.status == 200:
        return body
    named = answer.headers.get("x-amzn-errortype") or str(body.get("__type") or "Unknown")
    raise AwsError(named.split(":")[0].rpartition("#")[2], answer.status, body)

"""All operations of `docs/openapi.json`, sent to the functions that answer them."""

import importlib
import json
import time
from dataclasses import dataclass
from typing import Any

from localcloud import openapi
from localcloud.config import functions
from saas.settings import settings
from tests.credentials import V4_COOKIE, claims, v4_token
from tests.factories import LambdaContext, http_event
from tests.integration.aws_fixtures import LocalAws

# A body that each operation accepts.
BODIES: dict[str, dict[str, Any]] = {
    "POST /ai/generate": {"prompt": "How do tides work?", "maxTokens": 50},
    "POST /auth/session": {"action": "getUser"},
    "POST /stripe/checkout": {"priceId": "price_starter_monthly"},
    "POST /upload/url": {"filename": "a.pdf", "contentType": "application/pdf", "size": 11},
    "PATCH /users/me": {"name": "Ada"},
}


@dataclass(frozen=True)
class Operation:
    """One method at one path; `statuses` are those that its description names."""

    method: str
    path: str
    function: str
    public: bool
    statuses: frozenset[int]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def has_body(self) -> bool:
        return self.method in ("POST", "PATCH")


@dataclass(frozen=True)
class Answer:
    """What came back, and the CPU seconds that the calling thread took for it."""

    status: int
    body: Any
    cpu: float

    @property
    def code(self) -> str:
        return str(self.body.get("code")) if isinstance(self.body, dict) else ""


def operations() -> list[Operation]:
    document = json.loads(openapi.PATH.read_text(encoding="utf-8"))
    return [
        Operation(
            method=method.upper(),
            path=path,
            function=operation["x-function"],
            public=not operation["security"],
            statuses=frozenset(map(int, operation["responses"])),
        )
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


SIGNED = [each for each in operations() if not each.public]


def send(
    operation: Operation,
    body: Any = None,
    *,
    route_key: str = "",
    path: str = "",
    **event: Any,
) -> Answer:
    """`body` as `http_event` takes it, from the site; by default one that the operation accepts."""
    origin = {"origin": settings().allowed_origins[0]}
    event["headers"] = origin | event.get("headers", {})
    if body is None and operation.has_body:
        body = BODIES.get(str(operation), {})
    module, _, command = functions()[operation.function]["command"].rpartition(".")
    handler = getattr(importlib.import_module(module), command)
    request = http_event(operation.method, path or operation.path, body=body, **event)
    request["routeKey"] = route_key or str(operation)
    began = time.thread_time()
    answer = handler(request, LambdaContext())
    cpu = time.thread_time() - began
    text = answer["body"]
    return Answer(answer["statusCode"], json.loads(text) if text else None, cpu)


def session(aws: LocalAws, user_id: str, **extra: Any) -> list[str]:
    """The cookies of a signed-in user."""
    token = v4_token(claims(user_id, **extra), secret=aws.config.nextauth_secret)
    return [f"{V4_COOKIE}={token}"]

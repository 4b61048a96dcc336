"""From a request to the moto code that answers it: one service, under that service's own lock.

Moto's own server resolves a service by some hundred regular expressions a request and imports
Flask; here a signed request names its service, and services are imported when first called.
"""

import contextlib
import functools
import re
import threading
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import moto.core.responses
from moto.core.request import Request
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from localcloud.aws import control
from localcloud.aws.connections import Answer
from localcloud.aws.failures import DefectError, UnsupportedError, failure
from localcloud.aws.quickstart import import_ssm_without_ec2
from localcloud.aws.repair import repair
from localcloud.aws.validation import require_json_object

if TYPE_CHECKING:
    from localcloud.aws.iam.gate import Gate

Handler = Callable[["LocalRequest"], Any]

# Services that share their state share a lock; signing names and moto's names mean the same one.
SHARES_LOCK = {
    "sesv2": "ses",
    "dynamodbstreams": "dynamodb",
    "cloudwatch": "monitoring",
    "apigatewayv2": "apigateway",
}
# A function's role is looked up while other requests create roles.
READS = {"lambda": "iam"}
# A long poll sleeps inside moto; it may not hold up the others.
UNLOCKED = frozenset({"sqs"})
SCOPE = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=[^/,\s]+/[0-9]+/[^/,\s]+/([^/,\s]+)/aws4_request,"
)
QUERY_SCOPE = re.compile(r"X-Amz-Credential=[^&]*?(?:/|%2F)([a-z0-9-]+)(?:/|%2F)aws4_request", re.I)
UNSIGNED_STS = b"Action=AssumeRoleWith"
UNSIGNED_TARGETS = {
    "AWSCognitoIdentityProviderService": "cognito-idp",
    "DynamoDB_20120810": "dynamodb",
    "AmazonSSM": "ssm",
    "secretsmanager": "secretsmanager",
}


@repair(moto.core.responses, "method_names_from_class")
@functools.cache
def method_names_from_class(clazz: object) -> list[str]:
    """Once a class; stock moto inspects all members of the class in every call."""
    names: list[str] = method_names_from_class.stock(clazz)  # type: ignore[attr-defined]
    return names


class LocalRequest(Request):  # type: ignore[misc]  # moto has no types
    """Moto's request, marked as arriving through a real server."""

    from_wsgi_server = True


class Locks:
    """One lock a service, made when first asked for."""

    def __init__(self) -> None:
        self._locks: dict[str, Any] = {}

    def of(self, service: str) -> contextlib.AbstractContextManager[Any]:
        if service in UNLOCKED:
            return contextlib.nullcontext()
        name = SHARES_LOCK.get(service, service)
        # setdefault is atomic, so that two first callers get the same lock.
        lock: contextlib.AbstractContextManager[Any] = self._locks.setdefault(
            name, threading.RLock()
        )
        return lock


LOCKS = Locks()


def service_of(environ: dict[str, Any]) -> str:
    """The signing name of the service a request is for; S3 when nothing says otherwise."""
    authorization = environ.get("HTTP_AUTHORIZATION")
    if authorization is not None:
        match = SCOPE.match(authorization)
        # S3 refuses what is no signature.
        service = match.group(1).lower() if match else "s3"
    elif match := QUERY_SCOPE.search(environ["QUERY_STRING"]):
        service = match.group(1).lower()
    elif target := environ.get("HTTP_X_AMZ_TARGET"):
        service = UNSIGNED_TARGETS.get(target.partition(".")[0], "unknown")
    elif environ["groundwork.body"].startswith(UNSIGNED_STS):
        service = "sts"
    elif environ["PATH_INFO"].endswith(
        ("/.well-known/jwks.json", "/.well-known/openid-configuration")
    ):
        service = "cognito-idp"
    else:
        service = "s3"
    if service == "ses" and environ["PATH_INFO"].startswith("/v2/"):
        return "sesv2"
    return service


def answer(environ: dict[str, Any], handlers: dict[str, Handler], gate: "Gate") -> Answer:
    """Answer one AWS request; `handlers` (by signing name) go before moto's own.

    What the caller's policies do not allow is refused by `gate`; S3 asks it itself, after it has
    checked the signature.
    """
    service = service_of(environ)
    try:
        require_json_object(environ)
        if service != "s3" and (refusal := gate.refusal(service, environ)):
            return refusal
        request = LocalRequest(environ)
        if handler := handlers.get(service):
            return as_answer(handler(request))
        return call_moto(service, request)
    except Exception as error:
        return failure(service, environ, error)


def call_moto(service: str, request: LocalRequest) -> Answer:
    """Moto's own answer, made under the lock of the service; raises DefectError for a 500."""
    stock = _stock_handler(service, request.environ)
    with LOCKS.of(service), LOCKS.of(READS.get(service, service)):
        answered = as_answer(stock(request, request.raw_url, dict(request.headers)))
    if answered.status >= 500:
        raise DefectError(answered.body.decode(errors="replace"))
    return answered


def as_answer(result: Any) -> Answer:
    """Moto's `(status, headers, body)` with a text, bytes or iterable body, as bytes."""
    if isinstance(result, Answer):
        return result
    status, headers, body = result if isinstance(result, tuple) else (200, {}, result)
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = b"".join(body or ())
    return Answer(int(status), {str(k): str(v) for k, v in headers.items()}, body)


def _stock_handler(service: str, environ: dict[str, Any]) -> Callable[..., Any]:
    path = environ["RAW_URI"].partition("?")[0]
    for pattern, handler in _paths(service, environ):
        if pattern.match(path):
            return handler
    raise UnsupportedError(f"{environ['REQUEST_METHOD']} {path} of {service}")


_PATHS: dict[str, list[tuple[re.Pattern[str], Callable[..., Any]]]] = {}


def _paths(
    service: str, environ: dict[str, Any]
) -> list[tuple[re.Pattern[str], Callable[..., Any]]]:
    """Compiled `url_paths` of the moto package that serves `service`."""
    with LOCKS.of("imports"):
        package = _moto_package(service, environ)
        if package not in _PATHS:
            if package == "ssm":
                import_ssm_without_ec2()
            urls = import_module(f"moto.{package}.urls").url_paths
            urls = {**urls, **control.repair_service(package)}
            _PATHS[package] = [(re.compile(path.format("")), urls[path]) for path in urls]
        return _PATHS[package]


_STOCK = DomainDispatcherApplication(lambda _service: None)


def _moto_package(service: str, environ: dict[str, Any]) -> str:
    if service in _PATHS or service in {
        "ssm",
        "sts",
        "secretsmanager",
        "ses",
        "sesv2",
        "kms",
        "s3",
    }:
        return service
    if service == "apigateway" and environ["PATH_INFO"].startswith("/v2/"):
        return "apigatewayv2"
    host = _STOCK.infer_service_region_host(dict(environ), environ["PATH_INFO"])
    backend = _STOCK.get_backend_for_host(host) if host else None
    if not backend:
        raise UnsupportedError(f"service {service}")
    from moto.backends import ALT_SERVICE_NAMES

    name = str(backend).replace("-", "")
    return str(ALT_SERVICE_NAMES.get(name, name))

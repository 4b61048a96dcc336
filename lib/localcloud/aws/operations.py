"""What a request asks for by AWS's own name, such as `dynamodb:PutItem`.

JSON and query protocols say it; in REST protocols method, path, query and headers do, and the SDK's
service model says how.
"""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from localcloud.aws.errors import QUERY_SERVICES
from localcloud.aws.routing import service_of

# Signing names that are not the prefix of the service's actions.
NAMES = {"monitoring": "cloudwatch"}
_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
_LABEL = re.compile(r"\{([\w-]+)(\+?)\}")
# Smithy's RPC v2 protocol: "/service/{service}/operation/{operation}".
_RPC = re.compile(r"/service/\w+/operation/(\w+)$")


def name_of(environ: Mapping[str, Any]) -> str:
    """`<service>:<Operation>`; an operation that nothing names is `<METHOD> <path>`."""
    service = service_of(dict(environ))
    if service == "apigateway" and environ["PATH_INFO"].startswith("/v2/"):
        service = "apigatewayv2"
    return f"{NAMES.get(service, service)}:{_operation(service, environ)}"


def _operation(service: str, environ: Mapping[str, Any]) -> str:
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return str(target).rpartition(".")[2]
    if rpc := _RPC.match(environ["PATH_INFO"]):
        return rpc[1]
    if service in QUERY_SERVICES:
        fields = environ["groundwork.body"] or environ["QUERY_STRING"].encode()
        if action := _ACTION.search(fields):
            return action[1].decode()
    return _by_path(service, environ) or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


@dataclass(frozen=True)
class Shape:
    """How the requests of one operation look."""

    name: str
    method: str
    path: re.Pattern[str]
    query: frozenset[str]
    headers: frozenset[str]
    # More of the path, of the query and of the headers is asked for, and it is not deprecated.
    rank: tuple[int, int, bool]

    def fits(self, method: str, path: str, query: frozenset[str], headers: frozenset[str]) -> bool:
        return (
            method == self.method
            and self.query <= query
            and self.headers <= headers
            and self.path.fullmatch(path) is not None
        )


def _by_path(service: str, environ: Mapping[str, Any]) -> str | None:
    path, _, raw_query = environ["RAW_URI"].partition("?")
    found = parse_qs(raw_query, keep_blank_values=True)
    query = frozenset(found) | {f"{name}={values[0]}" for name, values in found.items()}
    headers = frozenset(name.lower() for name in environ["groundwork.headers"])
    for shape in _shapes(service):
        if shape.fits(environ["REQUEST_METHOD"], path, query, headers):
            return shape.name
    return None


@functools.cache
def _shapes(service: str) -> list[Shape]:
    """Of a service's operations, the most particular first; none of an unknown service."""
    from botocore.exceptions import UnknownServiceError
    from moto.core.utils import get_service_model

    try:
        model = get_service_model(service)
    except UnknownServiceError:
        return []
    shapes = [_shape(model.operation_model(name)) for name in model.operation_names]
    return sorted(shapes, key=lambda shape: shape.rank, reverse=True)


def _shape(operation: Any) -> Shape:
    path, _, literal = str(operation.http["requestUri"]).partition("?")
    query, headers = set(filter(None, literal.split("&"))), set()
    members = operation.input_shape.members if operation.input_shape else {}
    for name in operation.input_shape.required_members if members else ():
        told = members[name].serialization
        if told.get("location") == "querystring":
            query.add(told["name"])
        elif told.get("location") == "header":
            headers.add(str(told["name"]).lower())
    fixed = len(_LABEL.sub("", path).strip("/")) * 100 + path.count("/")
    return Shape(
        operation.name,
        operation.http["method"],
        _pattern(path),
        frozenset(query),
        frozenset(headers),
        (fixed, len(query) + len(headers), not operation.deprecated),
    )


def _pattern(path: str) -> re.Pattern[str]:
    """Of a path with labels: `{Key+}` may hold slashes, and a final slash says nothing."""
    parts = _LABEL.split(path.rstrip("/"))
    text = re.escape(parts[0])
    for greedy, rest in zip(parts[2::3], parts[3::3], strict=True):
        text += (".+" if greedy else "[^/]+") + re.escape(rest)
    return re.compile(f"{text}/?", re.DOTALL)

"""Which function answers a request: routes of `docs/openapi.json`, chosen as API Gateway does."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_ANY = "x-amazon-apigateway-any-method"


@dataclass(frozen=True)
class Match:
    """A chosen route. `parameters` are decoded path parameters."""

    route_key: str
    function: str
    parameters: dict[str, str]


@dataclass(frozen=True)
class _Route:
    method: str
    path: str
    function: str

    @property
    def specificity(self) -> tuple[list[int], bool]:
        """Lower is more specific: literal before parameter before greedy tail, then ANY last."""
        kinds = [2 if "+}" in part else 1 if "{" in part else 0 for part in _segments(self.path)]
        return kinds, self.method == "ANY"

    @property
    def pattern(self) -> re.Pattern[str]:
        parts = []
        for part in _segments(self.path):
            name = part.strip("{}").rstrip("+")
            if part.endswith("+}"):
                parts.append(f"(?P<{name}>.+)")
            elif part.startswith("{"):
                parts.append(f"(?P<{name}>[^/]+)")
            else:
                parts.append(re.escape(part))
        return re.compile("/" + "/".join(parts))


class RouteTable:
    """Routes as (method or `ANY`, path, function), and the function of `$default`."""

    def __init__(
        self, routes: Iterable[tuple[str, str, str]] = (), default: str | None = None
    ) -> None:
        found = [_Route(*route) for route in routes]
        found.sort(key=lambda route: route.specificity)
        self._routes = [(route, route.pattern) for route in found]
        self._default = default

    @classmethod
    def of_openapi(cls, document: dict[str, Any], default: str | None = None) -> "RouteTable":
        """The operations of an OpenAPI document that carry `x-function`."""
        routes = [
            ("ANY" if method == _ANY else method.upper(), path, operation["x-function"])
            for path, item in document.get("paths", {}).items()
            for method, operation in item.items()
            if method in (*_METHODS, _ANY) and "x-function" in operation
        ]
        return cls(routes, default)

    @property
    def functions(self) -> list[str]:
        """The functions that answer some route, each once."""
        names = [route.function for route, _ in self._routes]
        return list(dict.fromkeys([*names, *([self._default] if self._default else [])]))

    def match(self, method: str, path: str) -> Match | None:
        """The route for a path without its stage, percent-encoded as it came; None is a 404."""
        for route, pattern in self._routes:
            if route.method in (method, "ANY") and (found := pattern.fullmatch(path)):
                parameters = {name: unquote(value) for name, value in found.groupdict().items()}
                return Match(f"{route.method} {route.path}", route.function, parameters)
        return Match("$default", self._default, {}) if self._default else None


class OpenApiFile:
    """The routes of a file, read again whenever the file changes."""

    def __init__(self, path: Path, default: str | None = None) -> None:
        self._path = path
        self._default = default
        self._stamp: tuple[int, int] | None = None
        self._table = RouteTable(default=default)

    def routes(self) -> RouteTable:
        """The current routes; the former ones while the file is missing or half written."""
        try:
            stat = self._path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if stamp != self._stamp:
                self._table = RouteTable.of_openapi(
                    json.loads(self._path.read_text()), self._default
                )
                self._stamp = stamp
        except (OSError, ValueError):
            pass
        return self._table


def _segments(path: str) -> list[str]:
    return path.removeprefix("/").split("/")

"""Routes as a domain declares them: for signed-in callers, unless one says that it is public.

A route says which errors it may answer with, beyond those that every route has; both end up in
`docs/openapi.json`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])
METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Operation:
    """One method at one path. `errors` are the HTTP statuses of its failures."""

    method: str
    path: str
    function: Callable[..., Any]
    summary: str
    tag: str
    public: bool
    errors: tuple[int, ...]

    def needs_caller(self, method: str, path: str) -> bool:
        """Whether a request for this method and path needs a caller.

        As generous as Powertools' own patterns, or more: `<id>` stands for a part of the path.
        """
        if self.public or method.upper() != self.method:
            return False
        pattern = re.sub(r"<\w+>", "[^/]+", re.escape(self.path))
        return re.fullmatch(rf"{pattern}[/\s]*", path) is not None


@dataclass
class Router:
    """The routes of a domain; `tag` groups them in the API's description."""

    tag: str
    operations: list[Operation] = field(default_factory=list)

    def get(
        self, path: str, *, summary: str, errors: Sequence[int] = (), public: bool = False
    ) -> Callable[[Function], Function]:
        """Declare a route that only reads."""
        return self._declare("GET", path, summary, errors, public)

    def head(
        self, path: str, *, summary: str, errors: Sequence[int] = (), public: bool = False
    ) -> Callable[[Function], Function]:
        """Declare the body-less twin of a GET; the answer's body is left out."""
        return self._declare("HEAD", path, summary, errors, public)

    def post(
        self, path: str, *, summary: str, errors: Sequence[int] = (), public: bool = False
    ) -> Callable[[Function], Function]:
        """Declare a route that does something."""
        return self._declare("POST", path, summary, errors, public)

    def patch(
        self, path: str, *, summary: str, errors: Sequence[int] = (), public: bool = False
    ) -> Callable[[Function], Function]:
        """Declare a route that changes what it is given."""
        return self._declare("PATCH", path, summary, errors, public)

    def _declare(
        self, method: str, path: str, summary: str, errors: Sequence[int], public: bool
    ) -> Callable[[Function], Function]:
        def declare(function: Function) -> Function:
            known = _always(method, public)
            self.operations.append(
                Operation(
                    method=method,
                    path=path,
                    function=function,
                    summary=summary,
                    tag=self.tag,
                    public=public,
                    errors=tuple(sorted({*known, *errors})),
                )
            )
            return function

        return declare


def _always(method: str, public: bool) -> set[int]:
    """What any route may answer: 503 while AWS is out of reach, 500 for a mistake of ours."""
    errors = {500, 503}
    if method in METHODS_WITH_BODY:
        errors |= {400, 413, 415}
    return errors if public else errors | {401, 403}

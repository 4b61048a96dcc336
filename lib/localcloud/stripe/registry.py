"""What the local Stripe consists of: resources and their routes."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.stripe.params import Hash
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work, plain

Handler = Callable[..., Obj]


@dataclass(frozen=True)
class Route:
    """`handler(work, params, **ids)` answers `method` on a `template` like `/v1/customers/{id}`."""

    method: str
    template: str
    handler: Handler
    params: Hash = field(default_factory=Hash)

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template))


@dataclass(frozen=True)
class Resource:
    """One kind of object.

    `expandable` maps a field to the kind it names; `included` makes fields that exist only when
    expanded; `on_due` runs when an object's `_due` time has come, and must move or clear it.
    """

    kind: str
    routes: tuple[Route, ...] = ()
    present: Callable[[Work, Obj], Obj] = plain
    expandable: Mapping[str, str] = field(default_factory=dict)
    included: Mapping[str, Callable[[Work, Obj], Any]] = field(default_factory=dict)
    on_due: Callable[[Work, Obj], None] | None = None


class Router:
    """Finds the route of a request. A literal segment wins over a placeholder."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        routes = [route for resource in resources for route in resource.routes]
        routes.sort(key=lambda route: route.template.count("{"))
        self._routes = [(route, route.pattern) for route in routes]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and the ids in its path, or None. `search` is never an id, but not built."""
        if path.endswith("/search"):
            return None
        for route, pattern in self._routes:
            if route.method == method and (match := pattern.fullmatch(path)):
                return route, match.groupdict()
        return None

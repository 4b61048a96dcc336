"""What an alias or version has of its own: policy, invoke settings, address, warm capacity.

Stock moto keeps one of each for the whole function, whatever qualifier a call names, and it knows
no provisioned concurrency.
"""

import uuid
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

from moto.awslambda.models import EventInvokeConfig, LambdaBackend, LambdaFunction
from moto.awslambda.responses import LambdaResponse

from localcloud.aws.repair import repair

LATEST = "$LATEST"


@dataclass
class Own:
    """What one qualifier has; empty or None until it is made."""

    statements: list[dict[str, Any]] = field(default_factory=list)
    revision: str = field(default_factory=lambda: str(uuid.uuid4()))
    invoke: EventInvokeConfig | None = None
    url: dict[str, Any] | None = None
    provisioned: dict[str, Any] | None = None


@dataclass(frozen=True)
class Target:
    """The function and qualifier that a call names, and what is kept for them."""

    latest: LambdaFunction
    qualifier: str
    own: Own

    @property
    def qualified_arn(self) -> str:
        return f"{self.latest.function_arn}:{self.qualifier}"

    @property
    def arn(self) -> str:
        """The ARN without a qualifier for $LATEST."""
        return str(self.latest.function_arn if self.qualifier == LATEST else self.qualified_arn)


def owned(latest: LambdaFunction) -> dict[str, Own]:
    """By qualifier, what $LATEST, versions and aliases of a function have of their own."""
    found: dict[str, Own] = latest.__dict__.setdefault("owned", {})
    return found


def target(response: LambdaResponse) -> Target:
    """From `/<date>/functions/<name or ARN>/…?Qualifier=…`; raises for what does not exist."""
    name = unquote(response.path.split("/")[3]).rpartition(":function:")[2]
    name, _, in_name = name.partition(":")
    query = parse_qs(response.parsed_url.query)
    qualifier = in_name or query.get("Qualifier", [LATEST])[0]
    latest = response.backend.get_function(name, LATEST)
    response.backend.get_function(name, qualifier)
    return Target(latest, qualifier, owned(latest).setdefault(qualifier, Own()))


@repair(LambdaBackend, "delete_alias")
def delete_alias(self: LambdaBackend, name: str, function_name: str) -> None:
    """An alias takes with it what it had; one of the same name begins with nothing."""
    owned(self.get_function(function_name, LATEST)).pop(name, None)
    delete_alias.stock(self, name, function_name)  # type: ignore[attr-defined]

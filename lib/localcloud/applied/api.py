"""An HTTP API as API Gateway's control plane describes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.functions.transport import RefusedError
from localcloud.gateway.event import STAGE, ApiIdentity
from localcloud.gateway.http_api import Cors, Served
from localcloud.gateway.routing import Match, RouteTable

from .control_plane import ControlPlane

PRINCIPAL = "apigateway.amazonaws.com"
_INVOKE_ARN = re.compile(r"arn:[^:]+:apigateway:[^:]+:lambda:path/[^/]+/functions/(.+)/invocations")
_LONGEST_MS = 30_000


class NotAppliedError(Exception):
    """Local AWS holds no such API, or several; the text says what to do."""


@dataclass(frozen=True)
class Integration:
    """What a route calls: a function, with how long API Gateway waits for it.

    `problem` says why this gateway cannot call it, empty when it can.
    """

    function_arn: str
    seconds: float
    problem: str = ""

    def check(self) -> None:
        """Raises RefusedError when there is a problem."""
        if self.problem:
            raise RefusedError(self.problem, "BadIntegration", 500)


@dataclass(frozen=True)
class AppliedApi:
    """An API with its stage; `integrations` by route key."""

    arn: str
    served: Served
    integrations: Mapping[str, Integration] = field(hash=False)

    def source_arn(self, match: Match) -> str:
        """What API Gateway names as `aws:SourceArn` when it calls the function of a route."""
        key = match.route_key.replace(" ", "", 1)
        return f"{self.arn}/{self.served.identity.stage}/{key}"


def read_api(plane: ControlPlane, name: str) -> AppliedApi:
    """The HTTP API of this name with its stage `backend`; without the stage it has no routes.

    Raises:
        NotAppliedError: there is none, or more than one.
    """
    found = [api for api in plane.pages("apigatewayv2", "get_apis", "Items") if api["Name"] == name]
    if len(found) != 1:
        raise NotAppliedError(
            f"Local AWS holds {len(found) or 'no'} HTTP API{'s' if found else ''} named {name}: "
            "apply terraform/app to it."
        )
    api, config = found[0], plane.config
    identity = ApiIdentity(config.account_id, api["ApiId"])
    integrations = _integrations(plane, api["ApiId"]) if _has_stage(plane, api["ApiId"]) else {}
    routes = [
        (route["RouteKey"], integrations[target])
        for route in plane.pages("apigatewayv2", "get_routes", "Items", ApiId=api["ApiId"])
        if (target := route.get("Target", "").removeprefix("integrations/")) in integrations
    ]
    return AppliedApi(
        arn=f"arn:aws:execute-api:{config.region}:{config.account_id}:{api['ApiId']}",
        served=Served(identity, _table(routes), _cors(api.get("CorsConfiguration") or {})),
        integrations=dict(routes),
    )


def _has_stage(plane: ControlPlane, api_id: str) -> bool:
    stages = plane.pages("apigatewayv2", "get_stages", "Items", ApiId=api_id)
    return any(stage["StageName"] == STAGE for stage in stages)


def _integrations(plane: ControlPlane, api_id: str) -> dict[str, Integration]:
    found = plane.pages("apigatewayv2", "get_integrations", "Items", ApiId=api_id)
    return {each["IntegrationId"]: _integration(each) for each in found}


def _integration(found: dict[str, Any]) -> Integration:
    uri = found.get("IntegrationUri", "")
    if match := _INVOKE_ARN.fullmatch(uri):
        uri = match[1]
    problem = ""
    if found["IntegrationType"] != "AWS_PROXY" or ":function:" not in uri:
        problem = f"The integration {found['IntegrationId']} calls no Lambda function."
    elif found.get("PayloadFormatVersion") != "2.0":
        problem = (
            f"The integration of {uri} has payload format "
            f"{found.get('PayloadFormatVersion') or 'none'}; the functions read 2.0."
        )
    return Integration(uri, found.get("TimeoutInMillis", _LONGEST_MS) / 1000, problem)


def _table(routes: list[tuple[str, Integration]]) -> RouteTable:
    named = {key: each.function_arn.rpartition(":function:")[2] for key, each in routes}
    default = named.pop("$default", None)
    pairs = [(*key.split(" ", 1), name) for key, name in named.items()]
    return RouteTable([(method, path, name) for method, path, name in pairs], default)


def _cors(found: dict[str, Any]) -> Cors:
    return Cors(
        origins=found.get("AllowOrigins", []),
        methods=",".join(found.get("AllowMethods", [])),
        headers=",".join(found.get("AllowHeaders", [])),
        max_age=found.get("MaxAge", 0),
        credentials=found.get("AllowCredentials", False),
        exposed=",".join(found.get("ExposeHeaders", [])),
    )

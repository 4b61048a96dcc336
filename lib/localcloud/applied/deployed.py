"""Functions as Lambda's control plane describes them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from localcloud.aws.iam.policy import Statement, statements
from localcloud.functions.manifest import FunctionSpec

from .control_plane import ControlPlane

LAMBDA = "lambda.amazonaws.com"
RETRIES = 2
"""What Lambda does with a failed asynchronous call unless it is configured otherwise."""


@dataclass(frozen=True)
class Deployed:
    """A function by one of its names: an alias, or itself (`$LATEST`).

    `timeout` in seconds, `memory` in MB. `on_failure` is the ARN that gets failed asynchronous
    calls, empty for none, after `retries` repetitions.
    """

    arn: str
    spec: FunctionSpec
    version: str
    image_uri: str
    environment: Mapping[str, str] = field(hash=False)
    role_arn: str
    log_group: str
    policy: tuple[Statement, ...] = field(hash=False)
    on_failure: str
    retries: int

    @property
    def function_arn(self) -> str:
        """Its ARN without version or alias: what Lambda assumes the role for."""
        return ":".join(self.arn.split(":")[:7])


def read_functions(plane: ControlPlane, prefix: str, others: set[str]) -> dict[str, Deployed]:
    """By ARN: functions whose name begins with `prefix`, each under itself and every alias.

    `others` are further ARNs that something calls; those that do not exist are left out.
    """
    arns = {
        arn
        for function in plane.pages("lambda", "list_functions", "Functions")
        if function["FunctionName"].startswith(prefix)
        for arn in (
            plane.config.function_arn(function["FunctionName"]),
            *_aliases(plane, function["FunctionName"]),
        )
    }
    found = (_read(plane, arn) for arn in sorted(arns | others))
    return {deployed.arn: deployed for deployed in found if deployed}


def _aliases(plane: ControlPlane, name: str) -> Iterator[str]:
    for alias in plane.pages("lambda", "list_aliases", "Aliases", FunctionName=name):
        yield alias["AliasArn"]


def _read(plane: ControlPlane, arn: str) -> Deployed | None:
    client = plane.client("lambda")
    _, _, _, _, _, _, name, *qualifier = arn.split(":")
    named = {"FunctionName": name}
    if qualifier:
        named["Qualifier"] = qualifier[0]
    try:
        found = client.get_function(**named)
    except client.exceptions.ResourceNotFoundException:
        return None
    settings = found["Configuration"]
    invoking = _invoke_config(client, named)
    return Deployed(
        arn=arn,
        spec=_spec(settings),
        version=settings["Version"],
        image_uri=found["Code"].get("ImageUri", ""),
        environment=settings.get("Environment", {}).get("Variables", {}),
        role_arn=settings["Role"],
        log_group=settings.get("LoggingConfig", {}).get("LogGroup", ""),
        policy=_policy(client, named, arn),
        on_failure=invoking.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        or "",
        retries=invoking.get("MaximumRetryAttempts", RETRIES),
    )


def _spec(settings: dict[str, Any]) -> FunctionSpec:
    image = settings.get("ImageConfigResponse", {}).get("ImageConfig", {})
    return FunctionSpec(
        name=settings["FunctionName"],
        image="",
        command=(image.get("Command") or [""])[0],
        timeout=settings["Timeout"],
        memory=settings["MemorySize"],
    )


def _policy(client: Any, named: Mapping[str, str], arn: str) -> tuple[Statement, ...]:
    """The statements about exactly this ARN: what is granted on an alias holds for it alone."""
    try:
        found = statements(client.get_policy(**named)["Policy"])
    except client.exceptions.ResourceNotFoundException:
        return ()
    return tuple(each for each in found if arn in (each.resources or ()))


def _invoke_config(client: Any, named: Mapping[str, str]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = client.get_function_event_invoke_config(**named)
    except client.exceptions.ResourceNotFoundException:
        return {}
    return found

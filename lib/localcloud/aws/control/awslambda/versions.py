"""Published versions keep what they were published with; stock moto changes their code afterwards.

"Manage Lambda function versions": a version is a snapshot of code and configuration, and its number
is never given again.
"""

import copy
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction, LambdaStorage
from moto.awslambda.responses import LambdaResponse

from localcloud.aws.repair import repair


@repair(LambdaStorage, "publish_version")
def publish_version(
    self: LambdaStorage, name_or_arn: str, description: str = ""
) -> LambdaFunction | None:
    """A snapshot of $LATEST; without a change since the last one, the last one."""
    latest = self.get_function_by_name_or_arn_forbid_qualifier(name_or_arn)
    versions = self._functions[latest.function_name]["versions"]
    if versions and not latest.code_or_config_updated:
        return versions[-1]
    latest.code_or_config_updated = False
    latest.published = getattr(latest, "published", 0) + 1
    version = copy.copy(latest)
    version.code = dict(latest.code)
    version.set_version(latest.published)
    version.description = description or latest.description
    versions.append(version)
    self._arns[version.function_arn] = version
    return version


@repair(LambdaBackend, "create_function")
def create_function(self: LambdaBackend, spec: dict[str, Any]) -> LambdaFunction:
    """The answer names the published version; for it, stock moto copies all logs of the region."""
    function = create_function.stock(self, {**spec, "Publish": False})  # type: ignore[attr-defined]
    if spec.get("Publish"):
        function = copy.copy(function)
        function.version = self.publish_version(spec["FunctionName"]).version
    return function


@repair(LambdaBackend, "update_function_code")
def update_function_code(
    self: LambdaBackend,
    function_name: str,
    qualifier: str,  # noqa: ARG001 - moto's parameters
    body: dict[str, Any],
) -> dict[str, Any] | None:
    """Changes $LATEST alone; stock moto changes what it has just published once more."""
    function = self.get_function(function_name)
    answer: dict[str, Any]
    if body.get("DryRun"):
        function._set_function_code(body)
        answer = function.get_configuration()
        return answer
    answer = function.update_function_code(body)
    if body.get("Publish"):
        answer = self.publish_version(function_name).get_configuration()
    return answer


@repair(LambdaResponse, "_set_configuration_qualifier")
def qualified(configuration: dict[str, Any], function_name: str, qualifier: str) -> dict[str, Any]:
    """What is asked for by an alias carries the alias in its ARN, as in AWS."""
    _, _, name = function_name.rpartition(":function:")
    alias = qualifier or name.partition(":")[2]
    answer: dict[str, Any] = qualified.stock(  # type: ignore[attr-defined]
        configuration, function_name, qualifier
    )
    if alias and alias != "$LATEST" and not alias.isdigit():
        arn = answer["FunctionArn"].rpartition(":")[0]
        answer["FunctionArn"] = f"{arn}:{alias}"
    return answer

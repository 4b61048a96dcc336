"""Settings of a function that stock moto accepts and drops, on creation or on update.

Lambda API Reference: CreateFunction, UpdateFunctionConfiguration, FunctionConfiguration.
"""

from typing import Any

from moto.awslambda.models import ImageConfig, LambdaFunction

from localcloud.aws.repair import repair


@repair(LambdaFunction, "__init__")
def new_function(
    self: LambdaFunction, account_id: str, spec: dict[str, Any], region: str, version: str | int = 1
) -> None:
    """Keeps where failed events and logs go."""
    new_function.stock(self, account_id, spec, region, version)  # type: ignore[attr-defined]
    self.dead_letter_config = spec.get("DeadLetterConfig") or {}
    self.logging_config = _logging(self.function_name, spec.get("LoggingConfig") or {})


def _logging(function_name: str, given: dict[str, str]) -> dict[str, str]:
    """LoggingConfig with AWS's defaults; levels exist for the format JSON only."""
    config = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function_name}", **given}
    if config["LogFormat"] == "JSON":
        config = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", **config}
    return config


@repair(LambdaFunction, "get_configuration")
def configuration(self: LambdaFunction, on_create: bool = False) -> dict[str, Any]:
    """With the settings kept by `new_function`."""
    config: dict[str, Any] = configuration.stock(self, on_create)  # type: ignore[attr-defined]
    config["LoggingConfig"] = self.logging_config
    if self.dead_letter_config.get("TargetArn"):
        config["DeadLetterConfig"] = self.dead_letter_config
    return config


@repair(LambdaFunction, "update_configuration")
def update_configuration(self: LambdaFunction, config_updates: dict[str, Any]) -> dict[str, Any]:
    """Changes every setting that it is given; stock moto ignores half of them."""
    if "TracingConfig" in config_updates:
        self.tracing_config = config_updates["TracingConfig"]
    if "ImageConfig" in config_updates:
        self.image_config = ImageConfig(config_updates["ImageConfig"])
    if "EphemeralStorage" in config_updates:
        self.ephemeral_storage = config_updates["EphemeralStorage"]["Size"]
    if "KMSKeyArn" in config_updates:
        self.kms_key_arn = config_updates["KMSKeyArn"]
    if "DeadLetterConfig" in config_updates:
        self.dead_letter_config = config_updates["DeadLetterConfig"]
    if "LoggingConfig" in config_updates:
        self.logging_config = _logging(self.function_name, config_updates["LoggingConfig"])
    if "Environment" in config_updates:
        # An empty environment comes without Variables, which stock moto stumbles over.
        variables = config_updates["Environment"].get("Variables") or {}
        config_updates = {**config_updates, "Environment": {"Variables": variables}}
    answer: dict[str, Any] = update_configuration.stock(  # type: ignore[attr-defined]
        self, config_updates
    )
    return answer

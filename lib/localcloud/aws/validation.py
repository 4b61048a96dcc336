"""Refusing input that moto would trip over: no JSON object, or fields of the wrong type."""

import functools
import json
from typing import Any

# Names of botocore's service models where they differ from the signing name.
MODELS = {"ses": "ses", "monitoring": "cloudwatch"}


class MalformedError(ValueError):
    """The body of a JSON-protocol call is not a JSON object."""


def require_json_object(environ: dict[str, Any]) -> None:
    """Raise `MalformedError` when a call of the JSON protocol has no JSON object as its body."""
    if "HTTP_X_AMZ_TARGET" not in environ:
        return
    try:
        if isinstance(json.loads(environ["groundwork.body"]), dict):
            return
    except ValueError:
        pass
    raise MalformedError("The request body is not a JSON object.")


def complaint(service: str, environ: dict[str, Any]) -> str | None:
    """What AWS's own model of the action finds wrong with a body that moto failed on."""
    action = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    model = _service_model(MODELS.get(service, service))
    if not action or model is None or action not in model.operation_names:
        return None
    from botocore.validate import ParamValidator

    shape = model.operation_model(action).input_shape
    report = ParamValidator().validate(json.loads(environ["groundwork.body"]), shape)
    return str(report.generate_report()) if report.has_errors() else None


@functools.cache
def _service_model(name: str) -> Any:
    import botocore.session
    from botocore.exceptions import UnknownServiceError

    try:
        return botocore.session.get_session().get_service_model(name)
    except UnknownServiceError:
        return None

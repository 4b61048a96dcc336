"""`docs/openapi.json` from the functions' own apps; each operation is stamped with its function.

Terraform makes the routes from this file, the local gateway routes by it, frontends get types.
"""

import importlib
import json
from typing import Any

from localcloud import generated
from localcloud.config import ROOT, functions
from saas.schemas import Failure

PATH = ROOT / "docs" / "openapi.json"
TITLE = "Groundwork API"
_POWERTOOLS_ERRORS = {"HTTPValidationError", "ResponseValidationError", "ValidationError"}


def generate() -> str:
    """The document as text, stable from run to run.

    Raises:
        ValueError: two functions claim the same route.
    """
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": "1.0.0"},
        "servers": [{"url": "/backend"}],
        "paths": {},
        "components": {"schemas": {}},
    }
    for name, function in functions().items():
        module_name, _, command = function["command"].rpartition(".")
        app = getattr(importlib.import_module(module_name), f"{command}_app", None)
        if app is not None:
            _merge(document, json.loads(app.get_openapi_json_schema(title=TITLE)), name)
    document["components"]["schemas"]["Failure"] = Failure.model_json_schema()
    document["paths"] = dict(sorted(document["paths"].items()))
    document["components"]["schemas"] = dict(sorted(document["components"]["schemas"].items()))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main(check: bool) -> int:
    """Write the document, or with `check` only compare; returns the process's exit code."""
    return generated.keep(PATH, generate(), "the code", check=check)


def _merge(document: dict[str, Any], part: dict[str, Any], function: str) -> None:
    for path, operations in part.get("paths", {}).items():
        target = document["paths"].setdefault(path, {})
        for method, operation in operations.items():
            if method in target:
                raise ValueError(f"{method.upper()} {path} belongs to two functions")
            target[method] = _stamped(operation, function)
    schemas = part.get("components", {}).get("schemas", {})
    document["components"]["schemas"] |= {
        key: value for key, value in schemas.items() if key not in _POWERTOOLS_ERRORS
    }


def _stamped(operation: dict[str, Any], function: str) -> dict[str, Any]:
    """The operation with its function, and our own error answers instead of Powertools' 422."""
    responses = operation.get("responses", {})
    for status in ("422", "500"):
        responses.pop(status, None)
    responses["default"] = {
        "description": "An error, in the envelope",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}},
    }
    return {"x-function": function, **operation}

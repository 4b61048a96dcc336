"""`docs/openapi.json` from the functions' own apps; each operation is stamped with its function.

Terraform makes the routes from this file, the local gateway routes by it, frontends get types.
"""

import importlib
import json
from http import HTTPStatus
from typing import Any

from localcloud import generated
from localcloud.config import ROOT, functions
from saas.http import App
from saas.routing import Operation
from saas.schemas import Failure

PATH = ROOT / "docs" / "openapi.json"
TITLE = "Groundwork API"
SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A Cognito access or ID token",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Secure-next-auth.session-token",
        "description": "The session cookie of NextAuth; the environment says which name counts",
    },
}
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
        "components": {"schemas": {}, "responses": {}, "securitySchemes": SECURITY},
    }
    for name, function in functions().items():
        module_name, _, command = function["command"].rpartition(".")
        app = getattr(importlib.import_module(module_name), f"{command}_app", None)
        if app is not None:
            _merge(document, app, name)
    document["components"]["schemas"]["Failure"] = Failure.model_json_schema()
    document["paths"] = dict(sorted(document["paths"].items()))
    for kind in ("schemas", "responses"):
        document["components"][kind] = dict(sorted(document["components"][kind].items()))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main(check: bool) -> int:
    """Write the document, or with `check` only compare; returns the process's exit code."""
    return generated.keep(PATH, generate(), "the code", check=check)


def _merge(document: dict[str, Any], app: App, function: str) -> None:
    part = json.loads(app.get_openapi_json_schema(title=TITLE))
    for declared in app.operations:
        path, method = declared.path, declared.method.lower()
        target = document["paths"].setdefault(path, {})
        if method in target:
            raise ValueError(f"{declared.method} {path} belongs to two functions")
        target[method] = _stamped(part["paths"][path][method], declared, function)
    document["components"]["responses"] |= _errors(app.operations)
    schemas = part.get("components", {}).get("schemas", {})
    document["components"]["schemas"] |= {
        key: value for key, value in schemas.items() if key not in _POWERTOOLS_ERRORS
    }


def _stamped(operation: dict[str, Any], declared: Operation, function: str) -> dict[str, Any]:
    """The operation with its function, who may call it, and the errors that it declares."""
    answer = operation["responses"]["200"]
    if declared.method == "HEAD":
        answer = {"description": answer["description"]}
    operation["responses"] = {"200": answer} | {
        str(status): {"$ref": f"#/components/responses/{_named(status, declared.method)}"}
        for status in declared.errors
    }
    security: list[Any] = [] if declared.public else [{"bearer": []}, {"session": []}]
    return {"x-function": function, **operation, "security": security}


def _named(status: int, method: str) -> str:
    """`TooManyRequests`; answers to HEAD have no body."""
    name = "".join(word.capitalize() for word in HTTPStatus(status).phrase.split())
    return f"{name}WithoutBody" if method == "HEAD" else name


def _errors(operations: list[Operation]) -> dict[str, Any]:
    """Every error that some operation declares, in the envelope."""
    found: dict[str, Any] = {}
    schema = {"$ref": "#/components/schemas/Failure"}
    for declared in operations:
        for status in declared.errors:
            described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
            if declared.method != "HEAD":
                described["content"] = {"application/json": {"schema": schema}}
            found[_named(status, declared.method)] = described
    return found

"""Request validation driven by the SDK's own service model, worded as the service words it."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from localcloud.bedrock.errors import BedrockError, invalid

_JSON_KIND = {str: "STRING", int: "NUMBER", float: "DECIMAL"}
_WANTED = {"string": "String", "integer": "Integer", "long": "Long", "float": "Float"}


@lru_cache(maxsize=4)
def input_shape(operation: str) -> Any:
    """The input shape of an operation of `bedrock-runtime`."""
    import botocore.session

    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    return model.operation_model(operation).input_shape


def check(operation: str, body: Any) -> None:
    """Check a request body (without URI members) against the operation's constraints.

    Raises:
        BedrockError: SerializationException for a wrong JSON type, ValidationException with all
            violated constraints otherwise.
    """
    violations: list[str] = []
    shape = input_shape(operation)
    if not isinstance(body, dict):
        raise _unreadable("structure", body)
    for name, member in shape.members.items():
        if name != "modelId" and body.get(name) is not None:
            _walk(member, body[name], name, violations)
    if violations:
        noun = "error" if len(violations) == 1 else "errors"
        raise invalid(f"{len(violations)} validation {noun} detected: {'; '.join(violations)}")


def _walk(shape: Any, value: Any, path: str, violations: list[str]) -> None:
    if shape.type_name in _CHECKS:
        _CHECKS[shape.type_name](shape, value, path, violations)


def _walk_list(shape: Any, value: Any, path: str, violations: list[str]) -> None:
    if not isinstance(value, list):
        raise _unreadable("list", value)
    _check_size(shape, value, len(value), path, violations)
    for index, item in enumerate(value, start=1):
        _walk(shape.member, item, f"{path}.{index}.member", violations)


def _walk_map(shape: Any, value: Any, path: str, violations: list[str]) -> None:
    if not isinstance(value, dict):
        raise _unreadable("map", value)
    _check_size(shape, value, len(value), path, violations)
    for key, item in value.items():
        _walk(shape.key, key, f"{path}.{key}.member", violations)
        _walk(shape.value, item, f"{path}.{key}.member", violations)


def _walk_structure(shape: Any, value: Any, path: str, violations: list[str]) -> None:
    if shape.is_document_type:
        return
    if not isinstance(value, dict):
        raise _unreadable("structure", value)
    for name in shape.required_members:
        if value.get(name) is None:
            violations.append(
                f"Value at '{path}.{name}' failed to satisfy constraint: Member must not be null"
            )
    for name, member in shape.members.items():
        if value.get(name) is not None:
            _walk(member, value[name], f"{path}.{name}", violations)


def _check_string(shape: Any, value: Any, path: str, violations: list[str]) -> None:
    if not isinstance(value, str):
        raise _unreadable("string", value)
    _check_size(shape, value, len(value), path, violations)
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        violations.append(
            f"Value '{value}' at '{path}' failed to satisfy constraint: "
            f"Member must satisfy regular expression pattern: {pattern}"
        )
    if shape.enum and value not in shape.enum:
        violations.append(
            f"Value '{value}' at '{path}' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
        )


def _check_size(shape: Any, value: Any, size: int, path: str, violations: list[str]) -> None:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    for bound, broken, words in ((low, "<", "greater"), (high, ">", "less")):
        if bound is not None and (size < bound if broken == "<" else size > bound):
            violations.append(
                f"Value '{value}' at '{path}' failed to satisfy constraint: "
                f"Member must have length {words} than or equal to {bound}"
            )


def _check_number(shape: Any, value: Any, path: str, violations: list[str]) -> None:
    whole = shape.type_name in ("integer", "long")
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise _unreadable(shape.type_name, value)
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    for bound, broken, words in ((low, "<", "greater"), (high, ">", "less")):
        if bound is not None and (value < bound if broken == "<" else value > bound):
            violations.append(
                f"Value '{value}' at '{path}' failed to satisfy constraint: "
                f"Member must have value {words} than or equal to {bound}"
            )


def _check_boolean(_shape: Any, value: Any, _path: str, _violations: list[str]) -> None:
    if not isinstance(value, bool):
        raise _unreadable("boolean", value)


_CHECKS: dict[str, Callable[[Any, Any, str, list[str]], None]] = {
    "structure": _walk_structure,
    "list": _walk_list,
    "map": _walk_map,
    "string": _check_string,
    "integer": _check_number,
    "long": _check_number,
    "float": _check_number,
    "double": _check_number,
    "boolean": _check_boolean,
}


def _unreadable(wanted: str, value: Any) -> BedrockError:
    """What the service's JSON reader says of a value of another type."""
    if isinstance(value, dict):
        text = "Start of structure or map found where not expected."
    elif isinstance(value, list):
        text = "Start of list found where not expected"
    elif wanted in ("structure", "map", "list"):
        text = "Unexpected field type"
    else:
        kind = (
            f"{value}".upper() if isinstance(value, bool) else _JSON_KIND.get(type(value), "NULL")
        )
        text = f"{kind}_VALUE can not be converted to {_article(wanted)}"
    return BedrockError("SerializationException", text)


def _article(wanted: str) -> str:
    name = _WANTED.get(wanted, wanted.capitalize())
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"

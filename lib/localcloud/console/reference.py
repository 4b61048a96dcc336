"""The API reference, made from `docs/openapi.json`."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
DEEPEST = 6
METHODS = ("get", "post", "put", "patch", "delete")
NAMED = {
    "cursor": "…",
    "email": "ada@example.com",
    "createdAt": "2027-01-31T12:00:00Z",
    "updatedAt": "2027-01-31T12:00:00Z",
    "start": "2027-01-01T00:00:00Z",
    "end": "2027-02-01T00:00:00Z",
    "resetAt": "2027-02-01T00:00:00Z",
    "prompt": "Why is the sky blue?",
    "response": "Because of Rayleigh scattering.",
    "priceId": "price_starter_monthly",
    "planId": "starter",
    "model": "fast",
}
"""What example answers say where a schema only says "string"."""


class Document:
    """An OpenAPI document whose references can be followed."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def groups(self) -> list[dict[str, Any]]:
        """Operations by their tag, in the document's order."""
        found: dict[str, list[dict[str, Any]]] = {}
        for path, item in self._document.get("paths", {}).items():
            for method in METHODS:
                if operation := item.get(method):
                    tag = next(iter(operation.get("tags", [])), "other")
                    found.setdefault(tag, []).append(self._operation(method, path, operation))
        return [{"name": name, "operations": group} for name, group in found.items()]

    def _operation(self, method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
        answers = [
            {"status": status, "description": answer.get("description", ""), **self._body(answer)}
            for status, answer in operation.get("responses", {}).items()
        ]
        return {
            "id": operation.get("operationId") or f"{method}-{path}",
            "method": method.upper(),
            "path": path,
            "summary": operation.get("summary", ""),
            "description": operation.get("description", ""),
            "function": operation.get("x-function", ""),
            "parameters": [self._parameter(each) for each in operation.get("parameters", [])],
            "body": self._body(operation["requestBody"]) if "requestBody" in operation else None,
            "answers": answers,
        }

    def _parameter(self, parameter: dict[str, Any]) -> dict[str, Any]:
        schema = parameter.get("schema", {})
        return {
            "name": parameter["name"],
            "place": parameter.get("in", ""),
            "required": bool(parameter.get("required")),
            "type": self.type_of(schema),
            "notes": self._notes(schema, parameter.get("description", "")),
        }

    def _body(self, holder: dict[str, Any]) -> dict[str, Any]:
        """Content type, fields and an example of a body; empty fields for one without a schema."""
        for kind, media in holder.get("content", {}).items():
            schema = media.get("schema", {})
            return {
                "content": kind,
                "fields": list(self.fields(schema)),
                "about": self.resolved(schema).get("description", ""),
                "example": json.dumps(self.example(schema), indent=2, ensure_ascii=False),
            }
        return {"content": "", "fields": [], "about": "", "example": ""}

    def resolved(self, schema: Schema) -> Schema:
        """The schema that a reference, or the only real choice of several, stands for."""
        for _ in range(DEEPEST):
            if "$ref" in schema:
                target: Any = self._document
                for part in schema["$ref"].removeprefix("#/").split("/"):
                    target = target[part]
                schema = target
            elif len(real := _choices(schema)) == 1:
                schema = real[0]
            else:
                break
        return schema

    def fields(self, schema: Schema, prefix: str = "", depth: int = 0) -> Iterable[dict[str, Any]]:
        """Every field with its dotted name, type, whether it is required, and notes."""
        schema = self.resolved(schema)
        if schema.get("type") == "array":
            schema = self.resolved(schema.get("items", {}))
        if depth > DEEPEST:
            return
        required = schema.get("required", ())
        for name, field in schema.get("properties", {}).items():
            nested = self.resolved(field)
            mark = "[]" if nested.get("type") == "array" else ""
            yield {
                "name": f"{prefix}{name}{mark}",
                "type": self.type_of(field),
                "required": name in required,
                "notes": self._notes({**nested, **field}, nested.get("description", "")),
            }
            yield from self.fields(field, f"{prefix}{name}{mark}.", depth + 1)

    def type_of(self, schema: Schema) -> str:
        """`string`, `array of Call`, `integer or null`."""
        if "$ref" in schema:
            found = self.resolved(schema)
            kind = found.get("type", "any")
            return schema["$ref"].rpartition("/")[2] if kind == "object" else str(kind)
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return " or ".join(dict.fromkeys(self.type_of(choice) for choice in choices))
        if schema.get("type") == "array":
            return f"array of {self.type_of(schema.get('items', {}))}"
        return str(schema.get("type") or "any")

    def _notes(self, schema: Schema, description: str) -> str:
        """Limits, defaults and fixed values in words."""
        words = [description] if description else []
        if "enum" in schema:
            words.append("one of " + ", ".join(str(value) for value in schema["enum"]))
        if "const" in schema:
            words.append(f"always {json.dumps(schema['const'])}")
        elif schema.get("default") not in (None, ""):
            words.append(f"default {json.dumps(schema['default'])}")
        for key, word in (
            ("minimum", "from"),
            ("maximum", "up to"),
            ("minLength", "at least"),
            ("maxLength", "at most"),
        ):
            if key in schema:
                plural = "" if schema[key] == 1 else "s"
                unit = f" character{plural}" if key.endswith("Length") else ""
                words.append(f"{word} {schema[key]:g}{unit}")
        return "; ".join(words)

    def example(self, schema: Schema, name: str = "", depth: int = 0) -> Any:
        """A value that fits a schema."""
        schema = self.resolved(schema)
        for key in ("example", "const", "default"):
            if schema.get(key) not in (None, "", 0):
                return schema[key]
        if "enum" in schema:
            return schema["enum"][0]
        if depth > DEEPEST:
            return None
        kind = schema.get("type")
        if kind == "array":
            return [self.example(schema.get("items", {}), name, depth + 1)]
        if "properties" in schema:
            return {
                each: self.example(field, each, depth + 1)
                for each, field in schema["properties"].items()
            }
        plain = {"integer": 1, "number": 0.5, "boolean": True, "object": {}}
        return plain.get(str(kind), NAMED.get(name, "…") if kind == "string" else None)


def document(path: Path) -> dict[str, Any]:
    """What the page shows of a document on disk; no groups when there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {}
    info = found.get("info", {})
    servers = found.get("servers") or [{"url": ""}]
    return {
        "title": info.get("title", ""),
        "version": info.get("version", ""),
        "server": servers[0]["url"],
        "groups": Document(found).groups(),
    }


def _choices(schema: Schema) -> list[Schema]:
    """What a schema may be besides null."""
    found = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf") or []
    return [choice for choice in found if choice.get("type") != "null"]

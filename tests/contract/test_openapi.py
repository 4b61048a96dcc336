"""`docs/openapi.json` is what the code says, and it says all that the contract demands."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from localcloud import openapi
from localcloud.config import functions
from saas.http import create_app
from saas.routing import Router
from saas.schemas import Success

DOMAINS = ("ai", "billing", "users")
ROUTES = {
    "POST /auth/session": "users-api",
    "GET /users/me": "users-api",
    "PATCH /users/me": "users-api",
    "GET /health/users": "users-api",
    "GET /subscription/status": "billing-api",
    "GET /plans": "billing-api",
    "POST /stripe/checkout": "billing-api",
    "POST /stripe/portal": "billing-api",
    "GET /health/billing": "billing-api",
    "POST /stripe/webhook": "billing-webhook",
    "POST /ai/generate": "ai-api",
    "GET /ai/history": "ai-api",
    "GET /ai/usage": "ai-api",
    "POST /upload/url": "ai-api",
    "GET /health/ai": "ai-api",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(openapi.PATH.read_text(encoding="utf-8"))
    return loaded


def _operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_the_file_is_up_to_date() -> None:
    assert openapi.PATH.read_text(encoding="utf-8") == openapi.generate(), "run `make fix`"


def test_it_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(document)


def test_every_route_of_the_contract_is_there_with_its_function(document: dict[str, Any]) -> None:
    found = {route: operation["x-function"] for route, operation in _operations(document).items()}
    assert {route: found.get(route) for route in ROUTES} == ROUTES


def test_every_operation_names_a_function_that_exists(document: dict[str, Any]) -> None:
    for operation in _operations(document).values():
        assert operation["x-function"] in functions()
        assert operation["summary"]
        assert {"500", "503"} <= operation["responses"].keys()


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for operation in _operations(document).values()]
    assert len(ids) == len(set(ids))


def test_drift_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    stale = tmp_path / "openapi.json"
    stale.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(openapi, "PATH", stale)
    assert openapi.main(check=True) == 1
    assert stale.read_text(encoding="utf-8") == "{}"


def test_two_functions_may_not_claim_one_route() -> None:
    document: dict[str, Any] = {"paths": {}, "components": {"schemas": {}, "responses": {}}}
    router = Router("tests")

    @router.get("/x", summary="", public=True)
    def answer() -> Success[str]:
        return Success(data="")

    openapi._merge(document, create_app(router), "one")
    with pytest.raises(ValueError, match="GET /x"):
        openapi._merge(document, create_app(router), "two")


PUBLIC = {
    "GET /plans",
    "POST /stripe/webhook",
    *(f"{method} /health/{name}" for method in ("GET", "HEAD") for name in DOMAINS),
}


def test_only_these_operations_are_open_to_anybody(document: dict[str, Any]) -> None:
    operations = _operations(document)
    assert {name for name, each in operations.items() if not each["security"]} == PUBLIC
    schemes = {"bearer", "session"}
    for name, operation in operations.items():
        if name not in PUBLIC:
            assert {scheme for each in operation["security"] for scheme in each} == schemes
            assert {"401", "403"} <= operation["responses"].keys()


def _strings(schema: Any, document: dict[str, Any], place: str) -> Iterator[tuple[str, Any]]:
    """Each string that a request schema takes, with where it stands."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from _strings(document["components"]["schemas"][name], document, place)
    if schema.get("type") == "string":
        yield place, schema
    for each in schema.get("anyOf", []):
        yield from _strings(each, document, place)
    for name, each in schema.get("properties", {}).items():
        yield from _strings(each, document, f"{place}.{name}")
    if "items" in schema:
        yield from _strings(schema["items"], document, f"{place}[]")


def test_every_string_of_every_request_has_a_length(document: dict[str, Any]) -> None:
    found = {}
    for name, operation in _operations(document).items():
        for parameter in operation.get("parameters", []):
            found |= dict(_strings(parameter["schema"], document, f"{name} {parameter['name']}"))
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            found |= dict(_strings(schema, document, name))
    assert len(found) > 8
    assert [place for place, schema in found.items() if "maxLength" not in schema] == []


def test_the_manifest_is_sound() -> None:
    for name, function in functions().items():
        assert function["command"].startswith(f"{function['image']}.handler."), name
        assert 1 <= function["timeout"] <= 900
        assert 128 <= function["memory"] <= 10_240
    assert sum(bool(function.get("default")) for function in functions().values()) == 1

"""Route choice as API Gateway documents it, and re-reading of the OpenAPI file."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from localcloud.gateway.routing import OpenApiFile, RouteTable

ROUTES = [
    ("get", "/pets/dog/1", "exact"),
    ("get", "/pets/dog/{id}", "parameter"),
    ("get", "/pets/{kind}/{id}", "parameters"),
    ("get", "/pets/{rest+}", "greedy"),
    ("x-amazon-apigateway-any-method", "/{all+}", "any"),
    ("x-amazon-apigateway-any-method", "/pets/dog/1", "exact-any"),
    ("post", "/", "root"),
]


def document(routes: list[tuple[str, str, str]] = ROUTES) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for method, path, function in routes:
        paths.setdefault(path, {})[method] = {"x-function": function}
    return {"paths": paths}


@pytest.mark.parametrize(
    ("method", "path", "function", "key", "parameters"),
    [
        ("GET", "/pets/dog/1", "exact", "GET /pets/dog/1", {}),
        ("PUT", "/pets/dog/1", "exact-any", "ANY /pets/dog/1", {}),
        ("GET", "/pets/dog/2", "parameter", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET", "/pets/cat/2", "parameters", "GET /pets/{kind}/{id}", {"kind": "cat", "id": "2"}),
        ("GET", "/pets/cat/2/toys", "greedy", "GET /pets/{rest+}", {"rest": "cat/2/toys"}),
        ("GET", "/pets/a%2Fb", "greedy", "GET /pets/{rest+}", {"rest": "a/b"}),
        ("GET", "/pets/dog/a%20b%C3%A4", "parameter", "GET /pets/dog/{id}", {"id": "a bä"}),
        ("DELETE", "/pets/cat", "any", "ANY /{all+}", {"all": "pets/cat"}),
        ("POST", "/", "root", "POST /", {}),
        ("GET", "/", "fallback", "$default", {}),
    ],
)
def test_the_most_specific_route_wins(
    method: str, path: str, function: str, key: str, parameters: dict[str, str]
) -> None:
    match = RouteTable.of_openapi(document(), "fallback").match(method, path)
    assert match is not None
    assert (match.function, match.route_key, match.parameters) == (function, key, parameters)


def test_without_a_default_an_unknown_route_is_none() -> None:
    table = RouteTable.of_openapi(document([("get", "/a", "one")]))
    assert table.match("GET", "/b") is None
    assert table.match("POST", "/a") is None
    assert table.match("HEAD", "/a") is None
    assert table.match("GET", "/a/") is None


def test_the_order_in_the_file_does_not_matter() -> None:
    backwards = RouteTable.of_openapi(document(list(reversed(ROUTES))), "fallback")
    found = backwards.match("GET", "/pets/dog/1")
    assert found is not None
    assert found.function == "exact"


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "openapi.json"
    file = OpenApiFile(path)
    assert file.routes().match("GET", "/a") is None
    path.write_text(json.dumps(document([("get", "/a", "one")])))
    assert file.routes().functions == ["one"]
    path.write_text(json.dumps(document([("get", "/a", "other")])))
    os.utime(path, ns=(1, 1))
    assert file.routes().functions == ["other"]
    path.write_text('{"paths": {"/half')
    assert file.routes().functions == ["other"]

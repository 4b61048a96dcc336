"""The gateway reads API, routes, integrations and functions from local AWS's control plane."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.config import StackConfig
from tests.integration.applied_stage import DIGEST, World, local_aws, serving, world
from tests.integration.local_gateway import RunningGateway, wait_until

BROKEN = {"message": "Internal Server Error"}
MISSING = {"message": "Not Found"}


@pytest.fixture(scope="module")
def aws_config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackConfig]:
    with local_aws(tmp_path_factory.mktemp("applied")) as config:
        yield config


@pytest.fixture
def stage(aws_config: StackConfig, tmp_path: Path) -> Iterator[World]:
    with world(aws_config, tmp_path) as made:
        yield made


@pytest.fixture
def served(stage: World) -> Iterator[tuple[World, RunningGateway, str, str]]:
    """A world with one echoing function behind one permitted API, and its gateway."""
    api = stage.api()
    alias = stage.function("echo", "demo.handler.api", stage.role("echo-role"))
    stage.permit(alias, "apigateway", stage.execute_arn(api))
    stage.route(api, "GET /echo/{id}", alias)
    stage.route(api, "$default", alias)
    with serving(stage) as gateway:
        yield stage, gateway, api, alias


Served = tuple[World, RunningGateway, str, str]


def test_a_request_reaches_the_function_of_its_route(served: Served) -> None:
    _, gateway, api, _ = served
    event = gateway.event("GET", "/backend/echo/7?a=b")
    assert event["routeKey"] == "GET /echo/{id}"
    assert event["pathParameters"] == {"id": "7"}
    context = event["requestContext"]
    assert (context["apiId"], context["stage"]) == (api, "backend")
    assert gateway.event("POST", "/backend/elsewhere")["routeKey"] == "$default"
    assert gateway.request("GET", "/backendelse").status == 404


def test_a_function_has_exactly_its_deployment(stage: World) -> None:
    role = stage.role("environment-role")
    alias = stage.function(
        "environment",
        "demo.handler.environment",
        role,
        MemorySize=384,
        Environment={"Variables": {"TABLE_NAME": "of-terraform", "APP_ENV": "dev"}},
    )
    api = stage.api()
    stage.permit(alias, "apigateway", stage.execute_arn(api))
    with serving(stage) as gateway:
        environment, error = gateway.invoke(alias)
    assert error is None
    assert (environment["TABLE_NAME"], environment["APP_ENV"]) == ("of-terraform", "dev")
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "demo-dev-environment"
    assert environment["AWS_LAMBDA_FUNCTION_VERSION"] == "1"
    assert environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "384"
    assert environment["AWS_ENDPOINT_URL"] == stage.config.aws_url
    assert environment["AWS_ACCESS_KEY_ID"] != stage.config.access_key_id
    assert environment["AWS_SESSION_TOKEN"]
    assert "COGNITO_CLIENT_ID" not in environment


def test_a_function_acts_as_its_role(stage: World) -> None:
    import boto3

    stage.api()
    alias = stage.function("environment", "demo.handler.environment", stage.role("its-role"))
    with serving(stage) as gateway:
        environment, _ = gateway.invoke(alias)
    caller = boto3.client(
        "sts",
        endpoint_url=stage.config.aws_url,
        region_name=stage.config.region,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment["AWS_SESSION_TOKEN"],
    ).get_caller_identity()
    assert caller["Arn"].split("/")[:2] == ["arn:aws:sts::123456789012:assumed-role", "its-role"]


def test_without_its_permission_an_api_calls_nothing(served: Served) -> None:
    stage, gateway, _, alias = served
    stage.forbid(alias)
    stage.refresh()
    refused = gateway.request("GET", "/backend/echo/7")
    assert (refused.status, refused.json()) == (500, BROKEN)
    assert any("apigateway.amazonaws.com is not authorized" in line for line in gateway.lines)


@pytest.mark.parametrize("source", ["other-api/*", "{api}/other-stage/*", "{api}/backend/POST/*"])
def test_a_permission_for_something_else_permits_nothing(served: Served, source: str) -> None:
    stage, gateway, api, alias = served
    stage.forbid(alias)
    identifier, _, path = source.format(api=api).partition("/")
    stage.permit(alias, "apigateway", stage.execute_arn(identifier, path))
    stage.refresh()
    assert gateway.request("GET", "/backend/echo/7").status == 500


def test_a_permission_on_the_function_does_not_hold_for_its_alias(served: Served) -> None:
    stage, gateway, api, alias = served
    stage.forbid(alias)
    stage.client("lambda").add_permission(
        FunctionName=alias.rpartition(":")[0],
        StatementId="unqualified",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=stage.execute_arn(api),
    )
    stage.refresh()
    assert gateway.request("GET", "/backend/echo/7").status == 500


def test_what_has_no_route_is_not_found(served: Served) -> None:
    stage, gateway, api, _ = served
    client = stage.client("apigatewayv2")
    for route in client.get_routes(ApiId=api)["Items"]:
        if route["RouteKey"] == "$default":
            client.delete_route(ApiId=api, RouteId=route["RouteId"])
    stage.refresh()
    missing = gateway.request("POST", "/backend/elsewhere")
    assert (missing.status, missing.json()) == (404, MISSING)
    assert gateway.request("GET", "/backend/echo/7").status == 200


def test_without_the_stage_nothing_is_found(stage: World) -> None:
    api = stage.api(stage="other")
    alias = stage.function("echo", "demo.handler.api", stage.role("echo-role"))
    stage.permit(alias, "apigateway", stage.execute_arn(api))
    stage.route(api, "$default", alias)
    with serving(stage) as gateway:
        assert gateway.request("GET", "/backend/echo").status == 404


def test_an_integration_has_its_own_timeout_and_payload_format(stage: World) -> None:
    api = stage.api()
    alias = stage.function("shape", "demo.handler.shape", stage.role("shape-role"))
    stage.permit(alias, "apigateway", stage.execute_arn(api))
    stage.route(api, "POST /slow", alias, TimeoutInMillis=300)
    stage.route(api, "POST /old", alias, PayloadFormatVersion="1.0")
    with serving(stage) as gateway:
        body = {"headers": [("Content-Type", "application/json")], "body": b'{"statusCode":200}'}
        gateway.invoke(alias, {"body": "{}"})
        assert gateway.request("POST", "/backend/slow", **body).status == 200
        body["body"] = b'"hang"'
        assert gateway.request("POST", "/backend/slow", **body).status == 503
        assert gateway.request("POST", "/backend/old", **body).json() == BROKEN
        assert any("payload format 1.0" in line for line in gateway.lines)


def test_an_image_without_code_is_refused_by_its_digest(served: Served) -> None:
    stage, gateway, _, alias = served
    unknown = DIGEST.replace("1", "2")
    function = alias.rpartition(":")[0]
    client = stage.client("lambda")
    updated = client.update_function_code(
        FunctionName=function, ImageUri=f"registry.example/demo@{unknown}", Publish=True
    )
    client.update_alias(FunctionName=function, Name="live", FunctionVersion=updated["Version"])
    stage.refresh()
    assert gateway.request("GET", "/backend/echo/7").json() == BROKEN
    assert any(unknown in line and "code.json" in line for line in gateway.lines)


def test_a_role_that_lambda_may_not_assume_runs_nothing(stage: World) -> None:
    api = stage.api()
    alias = stage.function("echo", "demo.handler.api", stage.role("wrong", service="ec2"))
    stage.permit(alias, "apigateway", stage.execute_arn(api))
    stage.route(api, "$default", alias)
    with serving(stage) as gateway:
        assert gateway.request("GET", "/backend/echo").json() == BROKEN
        assert any("cannot be assumed by Lambda" in line for line in gateway.lines)


def test_a_new_version_is_served_without_a_restart(served: Served) -> None:
    stage, gateway, api, _ = served
    client = stage.client("lambda")
    versioned = stage.function(
        "versioned", "demo.handler.environment", stage.role("versioned-role")
    )
    stage.permit(versioned, "apigateway", stage.execute_arn(api))
    stage.route(api, "GET /version", versioned)
    function = versioned.rpartition(":")[0]

    def version() -> Any:
        answer = gateway.request("GET", "/backend/version")
        found = answer.json()
        return found.get("AWS_LAMBDA_FUNCTION_VERSION"), found.get("APP_VERSION")

    client.update_function_configuration(
        FunctionName=function, Environment={"Variables": {"APP_VERSION": "old"}}
    )
    second = client.publish_version(FunctionName=function)["Version"]
    client.update_alias(FunctionName=function, Name="live", FunctionVersion=second)
    wait_until(lambda: version() == (second, "old"))
    client.update_function_configuration(
        FunctionName=function, Environment={"Variables": {"APP_VERSION": "new"}}
    )
    third = client.publish_version(FunctionName=function)["Version"]
    stage.refresh()
    assert version() == (second, "old"), "the alias has not moved yet"
    client.update_alias(FunctionName=function, Name="live", FunctionVersion=third)
    wait_until(lambda: version() == (third, "new"))


def test_the_api_answers_browsers_as_its_cors_configuration_says(stage: World) -> None:
    site = stage.config.site_url
    cors = {
        "AllowOrigins": [site],
        "AllowMethods": ["GET"],
        "AllowHeaders": ["x-one"],
        "ExposeHeaders": ["x-two"],
        "MaxAge": 5,
        "AllowCredentials": True,
    }
    api = stage.api(CorsConfiguration=cors)
    alias = stage.function("echo", "demo.handler.api", stage.role("echo-role"))
    stage.permit(alias, "apigateway", stage.execute_arn(api))
    stage.route(api, "$default", alias)
    with serving(stage) as gateway:
        asked = [("Origin", site), ("Access-Control-Request-Method", "GET")]
        preflight = gateway.request("OPTIONS", "/backend/x", headers=asked)
        answer = gateway.request("GET", "/backend/x", headers=asked[:1])
        # The guard lets this one in; the API's configuration does not name it.
        by_address = [("Origin", f"http://{stage.config.own_hosts[1]}")]
        other = gateway.request("GET", "/backend/x", headers=by_address)
    assert preflight.header("access-control-allow-methods") == "GET"
    assert preflight.header("access-control-allow-headers") == "x-one"
    assert preflight.header("access-control-max-age") == "5"
    assert answer.header("access-control-allow-origin") == site
    assert answer.header("access-control-expose-headers") == "x-two"
    assert answer.header("access-control-allow-credentials") == "true"
    assert other.header("access-control-allow-origin") is None


def test_before_an_apply_the_gateway_says_what_it_waits_for(stage: World) -> None:
    with serving(stage) as gateway:
        waiting = gateway.request("GET", "/_local/endpoints")
        assert waiting.status == 503
        assert "no HTTP API named demo-dev" in waiting.body.decode()
        assert gateway.request("GET", "/backend/x").json() == MISSING
        stage.api()
        stage.refresh()
        assert gateway.request("GET", "/_local/endpoints").json()["applied"] == "demo-dev"


@pytest.mark.parametrize(
    ("environment", "held", "newest"),
    [
        ({}, ["newest", "older"], "newest"),
        ({"APP_ENV": "dev"}, ["unset", None, "short", "x" * 40, "y" * 40], "x" * 40),
    ],
)
def test_clients_learn_the_names_that_the_functions_have(
    stage: World, environment: dict[str, str], held: list[str | None], newest: str
) -> None:
    stage.client("ssm").put_parameter(
        Name="/demo/sessions", Value=json.dumps(held), Type="SecureString"
    )
    variables = {
        **environment,
        "TABLE_NAME": "demo-table",
        "UPLOADS_BUCKET": "demo-uploads",
        "COGNITO_ISSUER": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_abc",
        "COGNITO_CLIENT_ID": "client",
        "SESSION_COOKIE_NAMES": "__Secure-next-auth.session-token",
        "SESSION_SECRET_NAME": "/demo/sessions",
    }
    stage.api()
    stage.function(
        "echo", "demo.handler.api", stage.role("r"), Environment={"Variables": variables}
    )
    with serving(stage) as gateway:
        told = gateway.request("GET", "/_local/endpoints").json()
        signed_in = gateway.request("POST", "/_local/session", body=b'{"sub":"user-1"}')
    assert (told["tableName"], told["uploadsBucket"]) == ("demo-table", "demo-uploads")
    assert (told["userPoolId"], told["userPoolClientId"]) == ("us-east-1_abc", "client")
    assert told["nextauthSecret"] == newest
    cookie = signed_in.header("set-cookie") or ""
    assert cookie.startswith("__Secure-next-auth.session-token=")
    assert "; Secure" in cookie


def test_a_reset_would_contradict_terraform(stage: World) -> None:
    stage.api()
    with serving(stage) as gateway:
        refused = gateway.request("POST", "/_local/reset")
        assert refused.status == 409
        assert gateway.request("GET", "/_local/endpoints").status == 200

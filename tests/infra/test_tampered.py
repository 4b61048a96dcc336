"""The proof that the journey can fail: whatever Terraform made and somebody takes away is missed.

Everything is taken away at once, each from another function, and put back by one `make deploy`.
"""

from typing import Any

import pytest

from tests.e2e.customer import eventually
from tests.e2e.journey import Journey
from tests.infra.stack import PREFIX, PRESENT, LocalAccount

USERS, AI, WEBHOOK = (f"{PREFIX}-{key}" for key in ("users-api", "ai-api", "billing-webhook"))
BROKEN = {"message": "Internal Server Error"}


@pytest.fixture(scope="module")
def tampered(applied: LocalAccount) -> LocalAccount:
    """Without a permission, a route, a variable, a right, a trigger's permission, a schedule's."""
    functions = applied.client("lambda")
    functions.remove_permission(FunctionName=WEBHOOK, Qualifier="live", StatementId="api")
    functions.remove_permission(
        FunctionName=f"{PREFIX}-users-post-confirmation", Qualifier="live", StatementId="cognito"
    )
    _forget_variable(functions, USERS, "COGNITO_ISSUER")
    api = applied.client("apigatewayv2")
    (identifier,) = [each["ApiId"] for each in api.get_apis()["Items"] if each["Name"] == PREFIX]
    for route in api.get_routes(ApiId=identifier)["Items"]:
        if route["RouteKey"] == "GET /plans":
            api.delete_route(ApiId=identifier, RouteId=route["RouteId"])
    iam = applied.client("iam")
    for role in (AI, f"{PREFIX}-scheduler"):
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            iam.delete_role_policy(RoleName=role, PolicyName=policy)
    applied.refresh()
    return applied


def _forget_variable(functions: Any, name: str, variable: str) -> None:
    found = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    kept = {key: value for key, value in found.items() if key != variable}
    assert len(kept) == len(found) - 1
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": kept})
    version = functions.publish_version(FunctionName=name)["Version"]
    functions.update_alias(FunctionName=name, Name="live", FunctionVersion=version)


def test_without_its_permission_the_api_calls_no_function(tampered: LocalAccount) -> None:
    answer = tampered.call("POST", "/stripe/webhook", json={})
    assert (answer.status_code, answer.json()) == (500, BROKEN)


def test_without_its_route_a_path_is_unknown(tampered: LocalAccount) -> None:
    assert tampered.call("GET", "/plans").status_code == 404


def test_without_a_variable_a_function_fails(tampered: LocalAccount) -> None:
    answer = tampered.call("GET", "/users/me", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 500


def test_without_the_permission_of_its_trigger_nobody_signs_up(tampered: LocalAccount) -> None:
    journey = Journey(tampered.endpoints())
    with pytest.raises(journey.cognito.exceptions.UnexpectedLambdaException):
        journey.sign_up()


def test_without_its_rights_a_role_reads_nothing(tampered: LocalAccount) -> None:
    journey = Journey(tampered.endpoints())
    created = journey.site.post(
        f"{tampered.config.site_url}/_local/session", json={"sub": "somebody"}, timeout=30
    )
    assert created.status_code == 200, created.text
    answer = tampered.call("GET", "/ai/history", cookies=journey.cookies())
    assert answer.status_code in (500, 503), answer.text
    # A function's last lines arrive a moment after its answer.
    eventually(
        lambda: any("AccessDenied" in line for line in tampered.printed()),
        "no function said that it was refused",
    )


def test_without_its_rights_a_schedule_calls_nothing(tampered: LocalAccount) -> None:
    refused = tampered.fire(f"{PREFIX}-billing-reconcile")
    assert refused.status_code == 403, refused.text


def test_a_deployment_puts_everything_back(tampered: LocalAccount) -> None:
    tampered.deploy(tampered.build(PRESENT)).ok()
    tampered.journey()

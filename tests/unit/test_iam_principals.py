"""Whom a resource's policy admits."""

from typing import Any

import pytest

from localcloud.applied import permissions
from localcloud.aws.iam.policy import Access, statements
from localcloud.aws.iam.principals import Principal, admits

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:users-api"
API = "arn:aws:execute-api:us-east-1:123456789012:api1/*/GET/users/me"
SERVICE = "apigateway.amazonaws.com"


def statement(principal: Any, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    named = {} if principal is None else {"Principal": principal}
    action = {"Action": "lambda:InvokeFunction", "Resource": FUNCTION}
    return {"Effect": effect, **named, **action, **more}


def invoked(*policy: dict[str, Any]) -> bool:
    return permissions.admits(
        statements({"Statement": list(policy)}), SERVICE, permissions.invocation(FUNCTION, API)
    )


@pytest.mark.parametrize(
    ("principal", "admitted"),
    [
        ({"Service": SERVICE}, True),
        ({"Service": ["events.amazonaws.com", SERVICE]}, True),
        ({"Service": "events.amazonaws.com"}, False),
        ({"Service": "*"}, False),
        ({"AWS": SERVICE}, False),
        ({"AWS": "*"}, False),
        ("*", True),
    ],
)
def test_a_service_is_admitted_by_its_name(principal: Any, admitted: bool) -> None:
    assert invoked(statement(principal)) is admitted


def test_nobody_is_admitted_without_a_word_or_against_one() -> None:
    named = {"Service": SERVICE}
    assert not invoked()
    assert not invoked(statement(named), statement(named, "Deny"))
    assert not invoked(statement(named), statement("*", "Deny"))
    assert invoked(statement(named), statement({"Service": "events.amazonaws.com"}, "Deny"))


def test_what_is_not_modelled_counts_against_the_caller() -> None:
    named = {"Service": SERVICE}
    unknown = statement(None, "Deny", NotPrincipal={"AWS": "arn:aws:iam::123456789012:root"})
    assert not invoked(statement(named), unknown)
    assert not invoked(statement(None, NotPrincipal={"AWS": "*"}))


def test_only_the_resource_for_which_a_service_acts_counts() -> None:
    def condition(arn: str) -> dict[str, Any]:
        return {"Condition": {"ArnLike": {"AWS:SourceArn": arn}}}

    named = {"Service": SERVICE}
    assert invoked(statement(named, **condition(API.replace("GET", "*"))))
    assert not invoked(statement(named, **condition(API.replace("api1", "api2"))))


@pytest.mark.parametrize("principal", [{"AWS": "*"}, "*"])
def test_everyone_of_an_account_is_named_by_a_star(principal: Any) -> None:
    policy = statements({"Statement": statement(principal)})
    asking = Principal("AWS", ("arn:aws:iam::123456789012:root",))
    assert admits(policy, asking, Access("lambda:InvokeFunction", FUNCTION))

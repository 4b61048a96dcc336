"""The doctor's judgement on answers of AWS that local AWS cannot give."""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.stub import Stubber

from operations.account import Account
from operations.doctor import aws, bedrock, configuration
from operations.doctor.subject import Subject, all_looked, looked
from operations.environments import Environment
from operations.errors import OperationError
from operations.findings import Finding, ok, problem
from saas.plans import Model, catalogue

ROLE = "arn:aws:sts::123456789012:assumed-role/deployer/ada"
FAST = catalogue().models["fast"]


@cache
def _session() -> boto3.Session:
    """One session: the models it has loaded serve all clients."""
    return boto3.Session("a", "b", region_name="us-east-1")


class Doctor:
    """A subject whose clients answer what was recorded; nothing else can be asked."""

    def __init__(self, env: str = "dev", caller: str = ROLE, **outputs: Any) -> None:
        self._stubs: dict[str, Stubber] = {}
        account = Account("123456789012", caller, "us-east-1", cast(Any, self))
        environment = Environment(env, "groundwork", "us-east-1", Path("x.tfvars"))
        self.subject = Subject(environment, account, outputs)

    def client(self, service: str, **_: Any) -> Any:
        """What Account.client gets from its session."""
        return self.stub(service).client

    def stub(self, service: str) -> Stubber:
        if service not in self._stubs:
            self._stubs[service] = Stubber(_session().client(cast(Any, service)))
            self._stubs[service].activate()
        return self._stubs[service]

    def answers(self, service: str, operation: str, answer: dict[str, Any], **asked: Any) -> None:
        self.stub(service).add_response(operation, answer, asked or None)

    def refuses(self, service: str, operation: str, code: str, message: str = "no") -> None:
        self.stub(service).add_client_error(operation, code, message, 400)

    def close(self) -> None:
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()
            stub.client.close()


@pytest.fixture
def dev() -> Iterator[Doctor]:
    made = Doctor()
    yield made
    made.close()


@pytest.fixture
def prod() -> Iterator[Doctor]:
    made = Doctor("prod", user_pool_id="us-east-1_pool")
    yield made
    made.close()


def _limits(total: int, free: int) -> dict[str, Any]:
    return {"AccountLimit": {"ConcurrentExecutions": total, "UnreservedConcurrentExecutions": free}}


@pytest.mark.parametrize(("free", "state"), [(10, "warning"), (4, "warning"), (900, "ok")])
def test_ten_calls_at_once_are_a_warning_where_nobody_pays(
    dev: Doctor, free: int, state: str
) -> None:
    dev.answers("lambda", "get_account_settings", _limits(max(free, 10), free))
    assert aws.concurrency(dev.subject).state == state


def test_ten_calls_at_once_are_a_problem_in_production(prod: Doctor) -> None:
    prod.answers("lambda", "get_account_settings", _limits(10, 10))
    found = aws.concurrency(prod.subject)
    assert found.state == "problem"
    assert "10 functions at once" in found.text
    assert "L-B99A9384" in found.remedy


def _simulated(*decisions: tuple[str, str], missing: bool = False) -> dict[str, Any]:
    return {
        "EvaluationResults": [
            {
                "EvalActionName": action,
                "EvalDecision": decision,
                "MissingContextValues": ["iam:PermissionsBoundary"] if missing else [],
            }
            for action, decision in decisions
        ]
    }


ARN = "arn:aws:iam::123456789012:role/teams/deployer"
ROLE_ANSWER = {
    "Role": {
        "Path": "/teams/",
        "RoleName": "deployer",
        "RoleId": "AROA12345678901234567",
        "Arn": ARN,
        "CreateDate": "2026-01-01T00:00:00Z",
    }
}


def _simulate(doctor: Doctor, denied: str = "", *, missing: bool = False) -> None:
    """Every group of actions is asked for the role itself, with its path."""
    for resource, actions in aws.needed(doctor.subject).items():
        doctor.answers("iam", "get_role", ROLE_ANSWER, RoleName="deployer")
        decided = [(a, "implicitDeny" if a == denied else "allowed") for a in actions]
        doctor.answers(
            "iam",
            "simulate_principal_policy",
            _simulated(*decided, missing=missing),
            PolicySourceArn=ARN,
            ActionNames=actions,
            ResourceArns=[resource],
        )


def test_a_missing_right_is_named(dev: Doctor) -> None:
    _simulate(dev, "lambda:UpdateAlias")
    found = aws.rights(dev.subject)
    assert found.state == "problem"
    assert "may not: lambda:UpdateAlias" in found.text


def test_enough_rights_are_enough(dev: Doctor) -> None:
    _simulate(dev)
    assert aws.rights(dev.subject).state == "ok"


def test_a_decision_that_hangs_on_the_request_is_not_held_against_anybody(dev: Doctor) -> None:
    _simulate(dev, "iam:PassRole", missing=True)
    assert aws.rights(dev.subject).state == "ok"


READS = {
    "lambda": ("list_functions", {"Functions": []}),
    "apigatewayv2": ("get_apis", {"Items": []}),
    "dynamodb": ("list_tables", {"TableNames": []}),
    "cognito-idp": ("list_user_pools", {"UserPools": []}),
    "ssm": ("describe_parameters", {"Parameters": []}),
    "logs": ("describe_log_groups", {"logGroups": []}),
    "cloudfront": (
        "list_distributions",
        {"DistributionList": {"Marker": "", "MaxItems": 1, "IsTruncated": False, "Quantity": 0}},
    ),
}


def _reads(doctor: Doctor, denied: str = "") -> None:
    doctor.refuses("iam", "get_role", "AccessDenied")
    for service, (operation, answer) in READS.items():
        if service == denied:
            doctor.refuses(service, operation, "AccessDeniedException")
        else:
            doctor.answers(service, operation, answer)
    doctor.answers("iam", "list_roles", {"Roles": []})


def test_where_rights_cannot_be_asked_reading_is_tried(dev: Doctor) -> None:
    _reads(dev)
    found = aws.rights(dev.subject)
    assert (found.state, found.text[:13]) == ("warning", "reading works")


def test_who_may_not_even_read_is_told_what(dev: Doctor) -> None:
    _reads(dev, denied="dynamodb")
    found = aws.rights(dev.subject)
    assert found.state == "problem"
    assert found.text.endswith("may not even read: dynamodb:ListTables")


def test_the_root_user_is_warned_of() -> None:
    doctor = Doctor(caller="arn:aws:iam::123456789012:root")
    assert aws.rights(doctor.subject).state == "warning"


def _pool(sender: str) -> dict[str, Any]:
    return {"UserPool": {"EmailConfiguration": {"EmailSendingAccount": sender}}}


@pytest.mark.parametrize(("released", "state"), [(True, "ok"), (False, "problem")])
def test_mail_by_ses_needs_it_out_of_the_sandbox(prod: Doctor, released: bool, state: str) -> None:
    prod.answers("cognito-idp", "describe_user_pool", _pool("DEVELOPER"))
    prod.answers("sesv2", "get_account", {"ProductionAccessEnabled": released})
    assert aws.mail(prod.subject).state == state


def test_mail_by_cognito_itself_is_not_enough_for_production(prod: Doctor) -> None:
    prod.answers("cognito-idp", "describe_user_pool", {"UserPool": {}})
    found = aws.mail(prod.subject)
    assert (found.state, "50 mails a day" in found.text) == ("problem", True)


def _available(**changes: Any) -> dict[str, Any]:
    return {
        "modelId": "amazon.nova-lite-v1:0",
        "agreementAvailability": {"status": "AVAILABLE"},
        "authorizationStatus": "AUTHORIZED",
        "entitlementAvailability": "AVAILABLE",
        "regionAvailability": "AVAILABLE",
        **changes,
    }


PROFILE = {
    "inferenceProfileName": "US Nova Lite",
    "inferenceProfileArn": "arn:aws:bedrock:us-east-1:123456789012:inference-profile/" + FAST.id,
    "models": [{"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"}],
    "inferenceProfileId": FAST.id,
    "status": "ACTIVE",
    "type": "SYSTEM_DEFINED",
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"authorizationStatus": "NOT_AUTHORIZED"}, "the account is not authorised"),
        ({"regionAvailability": "NOT_AVAILABLE"}, "it is not served in this region"),
        ({"agreementAvailability": {"status": "NOT_AVAILABLE"}}, "terms are not accepted yet"),
        ({"agreementAvailability": {"status": "PENDING"}}, "accepted yet (pending)"),
        ({"entitlementAvailability": "NOT_AVAILABLE"}, "access was not requested"),
    ],
)
def test_a_model_that_cannot_be_called(dev: Doctor, changes: dict[str, Any], said: str) -> None:
    profile = {"inferenceProfileIdentifier": FAST.id}
    dev.answers("bedrock", "get_inference_profile", PROFILE, **profile)
    answer = _available(**changes)
    asked = {"modelId": "amazon.nova-lite-v1:0"}
    dev.answers("bedrock", "get_foundation_model_availability", answer, **asked)
    found = bedrock.access(dev.subject, FAST)
    assert found.state == "problem"
    assert said in found.text
    assert "request access" in found.remedy


def test_a_model_that_can_be_called(dev: Doctor) -> None:
    dev.answers("bedrock", "get_inference_profile", PROFILE)
    dev.answers("bedrock", "get_foundation_model_availability", _available())
    assert bedrock.access(dev.subject, FAST).state == "ok"


def test_a_profile_of_another_region_is_a_problem(dev: Doctor) -> None:
    dev.refuses("bedrock", "get_inference_profile", "ResourceNotFoundException")
    found = bedrock.access(dev.subject, FAST)
    assert (found.state, "is no inference profile of us-east-1" in found.text) == ("problem", True)


def _quota(name: str, value: float) -> dict[str, Any]:
    return {"QuotaName": name, "Value": value}


QUOTAS = [
    _quota("On-demand model inference tokens per minute for Amazon Nova Lite", 1),
    _quota("Cross-region model inference requests per minute for Amazon Nova Lite", 2),
    _quota("Global cross-region model inference tokens per minute for Amazon Nova Lite", 3),
    _quota("Cross-region model inference tokens per minute for Amazon Nova Lite 2", 4),
    _quota("Cross-region model inference tokens per minute for Amazon Nova Lite", 5),
    _quota("Cross-region model inference tokens per minute for Anthropic Claude Haiku 4.5 V1", 6),
    _quota(
        "Cross-region model inference tokens per minute for Anthropic Claude Haiku 4.5 V1 1M "
        "Context Length",
        7,
    ),
]


@pytest.mark.parametrize(
    ("model", "cross_region", "value"),
    [
        ("Nova Lite", True, 5),
        ("Nova Lite", False, 1),
        ("Claude Haiku 4.5", True, 6),
        ("Nova Pro", True, None),
    ],
)
def test_the_quota_is_found_by_its_name(
    model: str, cross_region: bool, value: float | None
) -> None:
    assert bedrock.tokens_per_minute(QUOTAS, model, cross_region) == value


def _largest(model: Model) -> int:
    """A call of enterprise's limits: 100,000 characters in, 8,000 tokens out."""
    assert model.alias in catalogue().plans[-1].models
    return 100_000 // 4 + min(8_000, model.tokens_per_second * catalogue().answer_within_seconds)


@pytest.mark.parametrize(
    ("calls", "state"), [(0.9, "problem"), (1.0, "warning"), (4.9, "warning"), (5.0, "ok")]
)
def test_the_largest_allowed_call_has_to_fit_and_often_enough(calls: float, state: str) -> None:
    assert bedrock.judged_quota(FAST, calls * _largest(FAST)).state == state


def test_an_unknown_quota_is_a_warning() -> None:
    assert bedrock.judged_quota(FAST, None).state == "warning"


def test_quotas_are_read_page_by_page_and_once(dev: Doctor) -> None:
    details = {
        "modelDetails": {
            "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
            "modelId": "amazon.nova-lite-v1:0",
            "modelName": "Nova Lite",
        }
    }
    stub = dev.stub("bedrock")
    for _ in catalogue().models:
        stub.add_response("get_inference_profile", PROFILE)
        stub.add_response("get_foundation_model_availability", _available())
        stub.add_response("get_foundation_model", details)
    dev.answers("service-quotas", "list_service_quotas", {"Quotas": [], "NextToken": "2"})
    big = _quota("Cross-region model inference tokens per minute for Amazon Nova Lite", 4e6)
    dev.answers("service-quotas", "list_service_quotas", {"Quotas": [big]})
    found = list(bedrock.check(dev.subject))
    assert [finding.check for finding in found[:2]] == ["model fast", "quota of fast"]
    assert {finding.state for finding in found} == {"ok"}


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("session-secrets", '["' + "x" * 40 + '"]', None),
        ("session-secrets", "x" * 40, None),
        ("session-secrets", '["short"]', "number 1, that is shorter than 16 characters"),
        ("session-secrets", json.dumps(["x" * 40, "unset"]), "number 2, that was never set"),
        ("session-secrets", json.dumps(["x" * 40, "", "y" * 40]), "number 2, that was never set"),
        ("session-secrets", json.dumps(["x" * 40, None]), "number 2, that is no text"),
        ("session-secrets", "groundwork-local-nextauth-secret", "this repository publishes"),
        ("session-secrets", "x" * 16, None),
        ("session-secrets", "[]", "neither a JSON list"),
        ("session-secrets", "[broken", "neither a JSON list"),
        ("stripe-secret-key", "sk_test_1", None),
        ("stripe-secret-key", "rk_live_1", None),
        ("stripe-secret-key", "pk_test_1", "no secret key"),
        ("stripe-secret-key", "sk_test_1\n", "white space"),
        ("stripe-webhook-secrets", json.dumps(["whsec_" + "1" * 32, "whsec_" + "2" * 32]), None),
        ("stripe-webhook-secrets", "sk_test_" + "1" * 32, "whsec_"),
        ("stripe-webhook-secrets", json.dumps(["whsec_" + "1" * 32, ""]), "was never set"),
    ],
)
def test_a_secret_of_the_wrong_kind(kind: str, value: str, said: str | None) -> None:
    fault = configuration.shape_fault(kind, value)
    assert (fault is None) == (said is None)
    assert said is None or (fault and said in fault and value.strip() not in fault)


@pytest.mark.parametrize(
    ("value", "state", "said"),
    [
        (json.dumps(["x" * 32, "y" * 40]), "ok", "is set"),
        (json.dumps(["x" * 40, "y" * 31]), "warning", "fewer than 32 characters"),
        ("x" * 16, "warning", "fewer than 32 characters"),
        ("x" * 15, "problem", "shorter than 16 characters"),
    ],
)
def test_a_short_session_secret_is_a_warning_that_says_how_to_rotate(
    monkeypatch: pytest.MonkeyPatch, dev: Doctor, value: str, state: str, said: str
) -> None:
    monkeypatch.setattr(configuration.secrets, "read", lambda *_: value)
    subject = replace(dev.subject, outputs={"secret_names": None})
    found = configuration.judged(subject, "session-secrets", "/a")
    assert (found.state, value in str(found)) == (state, False)
    assert said in found.text
    assert state == "ok" or found.remedy.startswith("make secrets ENV=dev ROTATE=1")


def test_what_cannot_be_read_is_a_warning_and_no_crash(dev: Doctor) -> None:
    dev.refuses("lambda", "get_account_settings", "UnknownOperationException", "Not implemented")
    found = looked("Lambda concurrency", lambda: aws.concurrency(dev.subject))
    said = "could not be read: Not implemented (UnknownOperationException)"
    assert found == Finding("Lambda concurrency", "warning", said)


def test_a_look_may_find_several_things_or_fail() -> None:
    assert list(all_looked("x", lambda: [problem("x", "a"), ok("x", "b")])) == [
        problem("x", "a"),
        ok("x", "b"),
    ]

    def fails() -> list[Finding]:
        raise OperationError("Stripe did not answer")

    assert [str(each) for each in all_looked("x", fails)] == [
        "warning  x                          could not be read: Stripe did not answer"
    ]

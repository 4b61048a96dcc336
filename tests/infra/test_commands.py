"""The commands that look at what was applied, as an operator types them."""

import json
from typing import Any

import pytest

from tests.infra.stack import ENV, PREFIX, LocalAccount

LOGS = f"/aws/lambda/{PREFIX}-users-api"


@pytest.fixture(scope="module")
def findings(applied: LocalAccount) -> dict[str, dict[str, Any]]:
    """What `make doctor JSON=1` says, by check."""
    outcome = applied.clone.run("doctor", "--env", ENV, "--json")
    assert outcome.status == 1  # CloudFront's address leads nowhere on this machine
    return {each["check"]: each for each in json.loads(outcome.output)}


def test_the_frontends_file_is_what_was_applied(applied: LocalAccount) -> None:
    applied.clone.run("outputs", "--env", ENV).ok()
    path = applied.clone.folder / ".local" / f".env.{ENV}"
    assert path.stat().st_mode & 0o777 == 0o600
    lines = [line.partition("=") for line in path.read_text().splitlines()]
    found = {name: value for name, _, value in lines if name and name[0] != "#"}
    [pool] = applied.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"]
    assert found["NEXT_PUBLIC_COGNITO_USER_POOL_ID"] == pool["Id"]
    assert found["COGNITO_ISSUER"].endswith(f"/{pool['Id']}")
    assert found["NEXT_PUBLIC_API_URL"] == "/backend"
    stored = applied.client("ssm").get_parameter(
        Name=f"/groundwork/{ENV}/session-secrets", WithDecryption=True
    )
    assert json.loads(stored["Parameter"]["Value"])[0] == found["NEXTAUTH_SECRET"]


def test_a_smoke_test_alone_checks_the_images_that_run(applied: LocalAccount) -> None:
    url = f"--url={applied.config.site_url}/backend"
    outcome = applied.clone.run("smoke", "--env", ENV, url).ok()
    assert outcome.output.count("as it should be") == 7


@pytest.mark.parametrize(
    "check",
    [
        "AWS credentials",
        "deployment",
        "secret session-secrets",
        "secret stripe-secret-key",
        "secret stripe-webhook-secrets",
        "Stripe key",
        "Stripe account",
        "price of starter",
        "price of professional",
        "Stripe portal",
    ],
)
def test_the_doctor_finds_what_is_well(findings: dict[str, dict[str, Any]], check: str) -> None:
    assert findings[check]["state"] == "ok", findings[check]


def test_the_doctor_sees_that_stripe_delivers_elsewhere(
    applied: LocalAccount, findings: dict[str, dict[str, Any]]
) -> None:
    found = findings["Stripe webhook endpoint"]
    assert found["state"] == "problem"
    assert f"ours sends to {applied.config.site_url}/backend/stripe/webhook" in found["text"]


@pytest.mark.parametrize("check", ["the site's host", "same-origin API", "webhook delivery"])
def test_the_doctor_sees_that_the_site_does_not_answer(
    findings: dict[str, dict[str, Any]], check: str
) -> None:
    assert findings[check]["state"] == "problem"
    assert "does not answer" in findings[check]["text"]


def test_what_local_aws_cannot_tell_is_said_and_nothing_crashes(
    findings: dict[str, dict[str, Any]],
) -> None:
    unread = {
        check for check, each in findings.items() if each["text"].startswith("could not be read: ")
    }
    models = {f"{what} {alias}" for what in ("model", "quota of") for alias in ("fast", "best")}
    assert models <= unread
    assert all(findings[check]["state"] == "warning" for check in unread)


def test_drift_is_seen_and_named(applied: LocalAccount) -> None:
    logs = applied.client("logs")
    [group] = logs.describe_log_groups(logGroupNamePrefix=LOGS)["logGroups"]
    logs.put_retention_policy(logGroupName=LOGS, retentionInDays=1)
    try:
        outcome = applied.clone.run("drift", "--env", ENV)
    finally:
        days = group["retentionInDays"]
        logs.put_retention_policy(logGroupName=LOGS, retentionInDays=days)
    assert outcome.status == 2
    assert "1 to change." in outcome.output
    assert LOGS in outcome.output


def test_without_images_a_deployment_says_how_to_get_them(applied: LocalAccount) -> None:
    outcome = applied.clone.run("deploy", "--env", ENV, "--yes", "--images=nothing.json")
    assert outcome.status == 1
    registry = f"{applied.config.account_id}.dkr.ecr.{applied.config.region}.amazonaws.com"
    assert f"make push REGISTRY={registry}/groundwork" in outcome.output

"""dev, staging and prod are planned alike, but for the differences that this file shows."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra import offline

ENVIRONMENTS = ("dev", "staging", "prod")

# Resource type and attribute: what dev, staging and prod have. A change here is a decision: is
# staging still close enough to prod to prove a release, and prod still safe?
DIFFERENCES: dict[str, set[tuple[Any, ...]]] = {
    # Only developers call the API from a site of their own machine.
    "aws_apigatewayv2_api cors_configuration": {(1, 0, 0)},
    "aws_apigatewayv2_stage default_route_settings.throttling_burst_limit": {(40, 40, 200)},
    "aws_apigatewayv2_stage default_route_settings.throttling_rate_limit": {(20, 20, 100)},
    "aws_budgets_budget limit_amount": {("25", "50", "200")},
    "aws_cloudfront_distribution origin.domain_name": {
        ("ENV.frontend.example", "ENV.frontend.example", "www.frontend.example")
    },
    "aws_cloudwatch_log_group retention_in_days": {(7, 14, 90)},
    "aws_lambda_function tracing_config.mode": {("PassThrough", "PassThrough", "Active")},
    # Only prod holds what nobody could make again.
    "aws_cognito_user_pool deletion_protection": {("INACTIVE", "INACTIVE", "ACTIVE")},
    "aws_dynamodb_table deletion_protection_enabled": {(False, False, True)},
    "aws_dynamodb_table point_in_time_recovery.enabled": {(False, True, True)},
    "aws_s3_bucket force_destroy": {(True, True, False)},
}


def test_the_environments_differ_only_where_they_should(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    found: dict[str, set[tuple[Any, ...]]] = {}
    for name, values in _differences(_plans(tmp_path_factory)):
        found.setdefault(name, set()).add(values)
    assert found == DIFFERENCES


def _plans(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Each environment's planned resources by address, its own name in them written `ENV`."""
    root = offline.copied(tmp_path_factory.mktemp("terraform"))
    (root / "images.json").write_text(json.dumps(offline.RELEASE))
    # What is only known after an apply would be made up anew in each plan.
    mocked = (offline.APP / "tests" / "app.tftest.hcl").read_text().partition("variables {")[0]
    pretending = mocked.replace("override_during = plan", "")
    files = {name: (root / "envs" / f"{name}.tfvars").read_text() for name in ENVIRONMENTS}
    cases = {name: f'{text}\nimages_file = "images.json"' for name, text in files.items()}
    messages = offline.planned(root, cases, "-verbose", pretending=pretending)
    plans = []
    for name in ENVIRONMENTS:
        assert offline.errors(messages[name]) == ""
        plan = next(each["test_plan"] for each in messages[name] if each["type"] == "test_plan")
        after = {each["address"]: each["change"]["after"] for each in plan["resource_changes"]}
        plans.append(_renamed(after, name))
    assert len(plans[0]) > 90
    return plans


def _renamed(value: Any, environment: str) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(each, environment) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, environment) for each in value]
    return re.sub(rf"\b{environment}\b", "ENV", value) if isinstance(value, str) else value


def _differences(plans: list[dict[str, Any]]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Type and attribute of what is not the same in all plans, with its values."""
    for address in sorted({address for plan in plans for address in plan}):
        kind = re.sub(r"^(module\.\w+(\[[^]]*\])?\.)*", "", address).partition(".")[0]
        for path, values in _compared([], [plan.get(address) for plan in plans]):
            yield " ".join([kind, ".".join(path)]).strip(), values


def _compared(path: list[str], values: list[Any]) -> Iterator[tuple[list[str], tuple[Any, ...]]]:
    if all(value == values[0] for value in values):
        return
    if all(isinstance(value, dict) for value in values):
        for key in sorted({key for value in values for key in value}):
            yield from _compared([*path, key], [value.get(key) for value in values])
    elif all(isinstance(value, list) and len(value) == len(values[0]) for value in values):
        for each in zip(*values, strict=True):
            yield from _compared(path, list(each))
    else:
        yield path, tuple(_short(value) for value in values)


def _short(value: Any) -> Any:
    """What can stand in a set: texts of lists, blocks by their number."""
    if isinstance(value, list):
        blocks = any(isinstance(each, dict) for each in value)
        return len(value) if blocks or not value else ",".join(map(str, value))
    return value

"""dev, staging and prod differ where somebody decided so, and nowhere else."""

import json

import pytest

from tests.infra.environments import RENEW, SNAPSHOT, Values, differences, planned, text_of


@pytest.fixture(scope="module")
def plans() -> dict[str, dict[str, Values]]:
    return planned()


def test_environments_differ_only_where_they_should(plans: dict[str, dict[str, Values]]) -> None:
    found, reviewed = text_of(differences(plans)), SNAPSHOT.read_text()
    assert json.loads(found) == json.loads(reviewed), (
        f"The environments differ in another way than {SNAPSHOT.name} says. If that is meant: "
        f"{RENEW}, and have the change of the file reviewed."
    )


def test_production_is_protected(plans: dict[str, dict[str, Values]]) -> None:
    """Said apart from the snapshot, so that a careless renewal cannot lose it."""
    prod = plans["prod"]
    assert prod["module.table.aws_dynamodb_table.this"]["deletion_protection_enabled"] is True
    assert prod["module.user_pool.aws_cognito_user_pool.this"]["deletion_protection"] == "ACTIVE"
    assert prod["module.uploads.aws_s3_bucket.this"]["force_destroy"] is False

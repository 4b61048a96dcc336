"""Protection protects, and without it a destruction leaves nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.infra.images import IMAGES
from tests.infra.stack import ENV, PREFIX, PRESENT, LocalAccount, local_account

BUCKET = f"{PREFIX}-uploads-123456789012"
ROW = {"pk": {"S": "USER#1"}, "sk": {"S": "USER#1"}}


@pytest.fixture(scope="module")
def before(account: LocalAccount) -> dict[str, list[str]]:
    """What is in the account without the environment."""
    account.build(PRESENT)
    return account.resources()


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAccount]:
    """An account with nothing but what a deployment needs: state bucket and repositories."""
    with local_account(tmp_path_factory.mktemp("destroyed")) as made:
        made.client("s3").create_bucket(
            Bucket=f"groundwork-tfstate-{made.config.account_id}-{made.config.region}"
        )
        for image in IMAGES:
            made.client("ecr").create_repository(repositoryName=f"groundwork/{image}")
        yield made


@pytest.fixture(scope="module")
def valuable(account: LocalAccount, before: Any) -> LocalAccount:
    """A protected environment, with a user and an uploaded file in it."""
    account.configure(protected="true")
    account.deploy(account.build(PRESENT)).ok()
    account.client("dynamodb").put_item(TableName=PREFIX, Item=ROW)
    account.client("s3").put_object(Bucket=BUCKET, Key="uploads/1/file", Body=b"text")
    return account


def test_a_protected_environment_is_not_destroyed(valuable: LocalAccount) -> None:
    existing = valuable.resources()
    refused = valuable.clone.run("destroy", "--env", ENV, "--yes")
    assert refused.status == 1, refused.output
    for protected in (
        f"the table {PREFIX} has deletion protection",
        f"the user pool {PREFIX} has deletion protection",
        f"the bucket {BUCKET} is not empty",
    ):
        assert protected in refused.output
    assert "set `protected = false`" in refused.output
    assert valuable.resources() == existing
    assert valuable.client("dynamodb").get_item(TableName=PREFIX, Key=ROW)["Item"] == ROW
    assert valuable.call("GET", "/health/users").status_code == 200


def test_aws_itself_refuses_to_lose_what_is_protected(valuable: LocalAccount) -> None:
    cognito = valuable.client("cognito-idp")
    (pool,) = cognito.list_user_pools(MaxResults=10)["UserPools"]
    for delete, named in (
        (valuable.client("dynamodb").delete_table, {"TableName": PREFIX}),
        (cognito.delete_user_pool, {"UserPoolId": pool["Id"]}),
        (valuable.client("s3").delete_bucket, {"Bucket": BUCKET}),
    ):
        with pytest.raises(ClientError):
            delete(**named)


def test_without_protection_a_destruction_leaves_nothing(
    valuable: LocalAccount, before: dict[str, list[str]]
) -> None:
    valuable.configure(protected="false")
    valuable.deploy(valuable.build(PRESENT)).ok()
    done = valuable.clone.run("destroy", "--env", ENV, "--yes").ok()
    assert "0 resources are left" in done.output
    left = valuable.resources()
    assert {kind: sorted(ids) for kind, ids in left.items() if not _is_state(kind)} == {
        kind: sorted(ids) for kind, ids in before.items() if not _is_state(kind)
    }


def _is_state(kind: str) -> bool:
    """The objects in the state bucket: the empty state and the releases, which stay."""
    return kind == "s3/objects"

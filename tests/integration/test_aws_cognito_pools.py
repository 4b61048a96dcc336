"""Pools that are changed after they were made, as adopting one does."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.aws_fixtures import LocalAws


@pytest.fixture
def cognito(aws: LocalAws) -> Any:
    return aws.client("cognito-idp")


def made(cognito: Any, **more: Any) -> dict[str, Any]:
    pool: dict[str, Any] = cognito.create_user_pool(
        PoolName="changing", UsernameAttributes=["email"], **more
    )["UserPool"]
    return pool


def described(cognito: Any, pool: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = cognito.describe_user_pool(UserPoolId=pool["Id"])["UserPool"]
    return found


def test_a_change_keeps_what_is_fixed_and_sets_the_rest_back(cognito: Any) -> None:
    """Stock moto forgets that people sign in with their e-mail, in any case."""
    schema = [{"Name": "email", "Required": True, "Mutable": True}]
    insensitive = {"CaseSensitive": False}
    triggers = {"PreSignUp": "arn:aws:lambda:us-east-1:123456789012:function:old"}
    pool = made(cognito, UsernameConfiguration=insensitive, Schema=schema, LambdaConfig=triggers)
    cognito.admin_create_user(
        UserPoolId=pool["Id"],
        Username="ada@example.com",
        UserAttributes=[{"Name": "email", "Value": "ada@example.com"}],
        MessageAction="SUPPRESS",
    )
    cognito.update_user_pool(UserPoolId=pool["Id"], DeletionProtection="INACTIVE")
    now = described(cognito, pool)
    assert now["UsernameAttributes"] == ["email"]
    assert now["UsernameConfiguration"] == insensitive
    assert now["Name"] == "changing"
    [email] = [each for each in now["SchemaAttributes"] if each["Name"] == "email"]
    assert email["Required"] is True
    assert not now.get("LambdaConfig")
    found = cognito.admin_get_user(UserPoolId=pool["Id"], Username="ADA@example.com")
    assert found["UserStatus"] == "FORCE_CHANGE_PASSWORD"


def test_tags_of_a_pool_can_be_set_read_and_removed(cognito: Any) -> None:
    """TagResource, UntagResource and ListTagsForResource are missing in moto."""
    pool = made(cognito, UserPoolTags={"stack": "old"})
    arn = {"ResourceArn": described(cognito, pool)["Arn"]}
    cognito.tag_resource(**arn, Tags={"app": "groundwork", "stack": "new"})
    assert cognito.list_tags_for_resource(**arn)["Tags"] == {"app": "groundwork", "stack": "new"}
    cognito.untag_resource(**arn, TagKeys=["app"])
    cognito.update_user_pool(UserPoolId=pool["Id"])
    assert described(cognito, pool)["UserPoolTags"] == {"stack": "new"}
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cognito.list_tags_for_resource(ResourceArn=f"{arn['ResourceArn']}x")

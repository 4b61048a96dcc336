"""A role's credentials do what its policies allow, and nothing else."""

from typing import Any
from uuid import uuid4

import pytest
import requests
from botocore.exceptions import ClientError

from tests.integration.aws_fixtures import LocalAws
from tests.integration.iam_stage import Role, allow, arn, deny, document, leading, table_arn


def item(pk: str, **more: str) -> dict[str, dict[str, str]]:
    return {name: {"S": value} for name, value in {"pk": pk, "sk": "x", **more}.items()}


def refusal(call: Any, **arguments: Any) -> tuple[str, int, str]:
    """Code, status and message of a call that must be refused, tried once."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    answer = refused.value.response
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0
    error, status = answer["Error"], answer["ResponseMetadata"]["HTTPStatusCode"]
    return error["Code"], status, error["Message"]


def code(call: Any, **arguments: Any) -> str:
    return refusal(call, **arguments)[0]


# The refusal


def test_the_refusal_is_aws_s_own(aws: LocalAws) -> None:
    role = Role.made(aws, allow("dynamodb:GetItem", table_arn(aws)))
    dynamodb = role.client("dynamodb", config=None)
    name = aws.config.table_name
    assert "Item" not in dynamodb.get_item(TableName=name, Key=item("NOBODY"))
    session = f"arn:aws:sts::{aws.config.account_id}:assumed-role/{role.name}/session"
    assert refusal(dynamodb.put_item, TableName=name, Item=item("NOBODY")) == (
        "AccessDeniedException",
        400,
        f"User: {session} is not authorized to perform: dynamodb:PutItem on resource: "
        f"{table_arn(aws)} because no identity-based policy allows the dynamodb:PutItem action",
    )
    assert "Item" not in aws.client("dynamodb").get_item(TableName=name, Key=item("NOBODY"))
    code(dynamodb.put_item, TableName=name, Item=item("NOBODY"))
    assert aws.logged().count(f"iam: User: {session} is not authorized") == 1, "said once"


def test_each_protocol_has_its_own_form(aws: LocalAws) -> None:
    role = Role.made(aws)
    topic = arn(aws, "sns", "alarms")
    queue = f"{aws.config.aws_url}/{aws.config.account_id}/failed"
    listing = role.client("s3").list_objects_v2
    publish, send = role.client("sns").publish, role.client("sqs").send_message
    assert refusal(publish, TopicArn=topic, Message="x")[:2] == ("AccessDenied", 403)
    assert refusal(listing, Bucket=aws.config.uploads_bucket)[:2] == ("AccessDenied", 403)
    assert code(send, QueueUrl=queue, MessageBody="x") == "AccessDeniedException"
    ssm = role.client("ssm").get_parameter
    assert refusal(ssm, Name="/x")[:2] == ("AccessDeniedException", 400)


def test_what_is_not_known_is_refused_and_logged(aws: LocalAws) -> None:
    role = Role.made(aws, allow("*", "*"))
    found = refusal(role.client("lambda").list_functions)
    assert found[:2] == ("AccessDeniedException", 403)
    gap = "no mapping for lambda GET /2015-03-31/functions"
    assert gap in found[2]
    assert f"iam: not modelled, so refused: {gap}" in aws.logged()
    url = f"{aws.config.aws_url}/_local/iam/calls"
    assert any(gap in known for known in requests.get(url, timeout=5).json()["gaps"])


def test_administrators_are_neither_asked_nor_recorded(aws: LocalAws) -> None:
    url = f"{aws.config.aws_url}/_local/iam/calls"
    before = requests.get(url, timeout=5).json()["calls"]
    for keys in ({}, {"aws_access_key_id": "AKIASOMEBODYELSE0000"}):
        aws.client("dynamodb", **keys).list_tables()
    assert requests.get(url, timeout=5).json()["calls"] == before


# Policies


def test_a_change_of_policy_counts_at_once(aws: LocalAws) -> None:
    role, iam = Role.made(aws), aws.client("iam")
    look = role.client("dynamodb").describe_table
    name = {"TableName": aws.config.table_name}
    assert code(look, **name) == "AccessDeniedException"
    role.replace_policy(allow("dynamodb:DescribeTable", table_arn(aws)))
    look(**name)
    created = iam.create_policy(
        PolicyName=role.name, PolicyDocument=document(deny("dynamodb:*", "*"))
    )
    policy = created["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=role.name, PolicyArn=policy)
    assert refusal(look, **name)[2].endswith("with an explicit deny in an identity-based policy")
    iam.create_policy_version(
        PolicyArn=policy, PolicyDocument=document(allow("s3:*", "*")), SetAsDefault=True
    )
    look(**name)
    iam.put_role_permissions_boundary(RoleName=role.name, PermissionsBoundary=policy)
    action = "dynamodb:DescribeTable"
    assert refusal(look, **name)[2].endswith(f"no permissions boundary allows the {action} action")
    iam.delete_role_permissions_boundary(RoleName=role.name)
    look(**name)
    iam.detach_role_policy(RoleName=role.name, PolicyArn=policy)
    iam.delete_role_policy(RoleName=role.name, PolicyName="function")
    iam.delete_role(RoleName=role.name)
    assert code(look, **name) == "AccessDeniedException"


@pytest.mark.parametrize("token", [None, "other"])
def test_a_session_needs_its_token(aws: LocalAws, token: str | None) -> None:
    role = Role.made(aws, allow("*", "*"))
    found = refusal(role.client("dynamodb", aws_session_token=token).list_tables)
    assert found[:2] == ("UnrecognizedClientException", 400)
    buckets = role.client("s3", aws_session_token=token).list_buckets
    assert code(buckets) == "InvalidToken"


# DynamoDB


@pytest.fixture(scope="module")
def table(aws: LocalAws) -> Any:
    """An administrator's client, with one row of two users."""
    dynamodb = aws.client("dynamodb")
    for pk in ("AI#u1", "USER#u1"):
        row = item(pk, gsi1pk=pk, gsi1sk="x")
        dynamodb.put_item(TableName=aws.config.table_name, Item=row)
    return dynamodb


def test_leading_keys_confine_every_operation(aws: LocalAws, table: Any) -> None:
    name, here = aws.config.table_name, table_arn(aws)
    statement = allow("dynamodb:*", [here, f"{here}/index/GSI1"], Condition=leading("AI#*"))
    dynamodb = Role.made(aws, statement).client("dynamodb")

    def update(pk: str) -> dict[str, Any]:
        return {"TableName": name, "Key": item(pk), "UpdateExpression": "REMOVE note"}

    def query(pk: str, key: str = "pk", **more: Any) -> dict[str, Any]:
        return {
            "TableName": name,
            "KeyConditionExpression": "begins_with(#sk, :b) AND #key = :v",
            "ExpressionAttributeNames": {"#key": key, "#sk": key.replace("pk", "sk")},
            "ExpressionAttributeValues": {":v": {"S": pk}, ":b": {"S": "x"}},
            **more,
        }

    def index(pk: str) -> dict[str, Any]:
        return query(pk, "gsi1pk", IndexName="GSI1")

    def legacy(pk: str) -> dict[str, Any]:
        condition = {"AttributeValueList": [{"S": pk}], "ComparisonOperator": "EQ"}
        return {"TableName": name, "KeyConditions": {"pk": condition}}

    def batch(*pks: str) -> dict[str, Any]:
        return {"RequestItems": {name: {"Keys": [item(pk) for pk in pks]}}}

    def writes(pk: str) -> dict[str, Any]:
        return {"RequestItems": {name: [{"PutRequest": {"Item": item(pk)}}]}}

    def deletes(pk: str) -> dict[str, Any]:
        return {"RequestItems": {name: [{"DeleteRequest": {"Key": item(pk, sk="none")}}]}}

    def reads(*pks: str) -> dict[str, Any]:
        return {"TransactItems": [{"Get": {"TableName": name, "Key": item(k)}} for k in pks]}

    ours, theirs = "AI#u1", "USER#u1"
    for call, allowed, refused in [
        (dynamodb.get_item, {"TableName": name, "Key": item(ours)}, {"Key": item(theirs)}),
        (dynamodb.put_item, {"TableName": name, "Item": item(ours)}, {"Item": item(theirs)}),
        (dynamodb.update_item, update(ours), update(theirs)),
        (dynamodb.delete_item, {"TableName": name, "Key": item("AI#0")}, {"Key": item(theirs)}),
        (dynamodb.query, query(ours), query(theirs)),
        (dynamodb.query, index(ours), index(theirs)),
        (dynamodb.query, legacy(ours), legacy(theirs)),
        (dynamodb.batch_get_item, batch(ours), batch(ours, theirs)),
        (dynamodb.batch_write_item, writes(ours), writes(theirs)),
        (dynamodb.batch_write_item, deletes(ours), deletes(theirs)),
        (dynamodb.transact_get_items, reads(ours), reads(ours, theirs)),
    ]:
        call(**allowed)
        assert code(call, **{**allowed, **refused}) == "AccessDeniedException"
    assert "Item" in table.get_item(TableName=name, Key=item(theirs))


def test_a_transaction_needs_each_of_its_actions(aws: LocalAws) -> None:
    name, here = aws.config.table_name, table_arn(aws)
    pk = f"AI#{uuid4()}"
    exists = {"ConditionExpression": "attribute_not_exists(nothing)"}
    parts = {
        "PutItem": {"Put": {"TableName": name, "Item": item(pk)}},
        "UpdateItem": {
            "Update": {
                "TableName": name,
                "Key": item(pk, sk="b"),
                "UpdateExpression": "SET #n = :n",
                "ExpressionAttributeNames": {"#n": "n"},
                "ExpressionAttributeValues": {":n": {"N": "1"}},
            }
        },
        "DeleteItem": {"Delete": {"TableName": name, "Key": item(pk, sk="c")}},
        "ConditionCheckItem": {
            "ConditionCheck": {"TableName": name, "Key": item(pk, sk="d"), **exists}
        },
    }
    role = Role.made(aws, allow([f"dynamodb:{action}" for action in parts], here))
    transact = role.client("dynamodb").transact_write_items
    transact(TransactItems=list(parts.values()))
    for missing in parts:
        role.replace_policy(allow([f"dynamodb:{a}" for a in parts if a != missing], here))
        found = refusal(transact, TransactItems=list(parts.values()))
        assert found[0] == "AccessDeniedException"
        assert f"not authorized to perform: dynamodb:{missing} on" in found[2]


def test_a_query_that_hides_its_partition_key_is_refused(aws: LocalAws) -> None:
    statement = allow("dynamodb:Query", table_arn(aws), Condition=leading("AI#*"))
    found = refusal(
        Role.made(aws, statement).client("dynamodb").query,
        TableName=aws.config.table_name,
        KeyConditionExpression=":v = pk",
        ExpressionAttributeValues={":v": {"S": "USER#u1"}},
    )
    assert found[0] == "AccessDeniedException"


def test_an_index_is_a_resource_of_its_own(aws: LocalAws) -> None:
    query = Role.made(aws, allow("dynamodb:Query", table_arn(aws))).client("dynamodb").query
    found = refusal(
        query,
        TableName=aws.config.table_name,
        IndexName="GSI1",
        KeyConditionExpression="gsi1pk = :v",
        ExpressionAttributeValues={":v": {"S": "x"}},
    )
    assert f"on resource: {table_arn(aws)}/index/GSI1 " in found[2]


# Secrets


def test_a_secret_under_aws_s_own_key_needs_no_key(aws: LocalAws) -> None:
    name = aws.config.stripe_secret_name
    role = Role.made(aws, allow("ssm:GetParameter", arn(aws, "ssm", f"parameter{name}")))
    get = role.client("ssm").get_parameter
    found = get(Name=name, WithDecryption=True)["Parameter"]["Value"]
    assert found == aws.config.stripe_secret_key
    other = aws.config.session_secret_name
    assert code(get, Name=other, WithDecryption=True) == "AccessDeniedException"
    assert role.calls() == [
        ("ssm:GetParameter", arn(aws, "ssm", f"parameter{other}"), False, 1),
        ("ssm:GetParameter", arn(aws, "ssm", f"parameter{name}"), True, 1),
    ]


def test_a_secret_under_another_key_needs_it_through_the_service(aws: LocalAws) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    alias = f"alias/{uuid4().hex}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    name = f"/iam/{uuid4().hex}"
    parameter = arn(aws, "ssm", f"parameter{name}")
    ssm = aws.client("ssm")
    ssm.put_parameter(Name=name, Value="v", Type="SecureString", KeyId=alias)
    secret = aws.client("secretsmanager").create_secret(
        Name=name[1:], SecretString="v", KmsKeyId=key
    )["ARN"]
    reading = [
        allow("ssm:GetParameter", parameter),
        allow("secretsmanager:GetSecretValue", secret),
    ]
    role = Role.made(aws, *reading)

    def read() -> str:
        wanted = {"Name": name, "WithDecryption": True}
        return str(role.client("ssm").get_parameter(**wanted)["Parameter"]["Value"])

    def read_secret() -> str:
        found = role.client("secretsmanager").get_secret_value(SecretId=name[1:])
        return str(found["SecretString"])

    assert role.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] != "v"
    for reads in (read, read_secret):
        found = refusal(reads)
        assert f"not authorized to perform: kms:Decrypt on resource: {key}" in found[2]
    for service, reads, context in (
        ("ssm", read, {"kms:EncryptionContext:PARAMETER_ARN": parameter}),
        ("secretsmanager", read_secret, {"kms:EncryptionContext:SecretARN": secret}),
    ):
        via = f"{service}.{aws.config.region}.amazonaws.com"
        wanted = {"kms:ViaService": via, **context}
        statement = allow("kms:Decrypt", key, Condition={"StringEquals": wanted})
        role.replace_policy(*reading, statement)
        assert reads() == "v"
    direct = role.client("kms").decrypt
    sealed = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert code(direct, CiphertextBlob=sealed) == "AccessDeniedException"
    role.replace_policy(allow("kms:Decrypt", key))
    assert direct(CiphertextBlob=sealed)["Plaintext"] == b"x"


# The record


def test_calls_are_counted_and_forgotten(aws: LocalAws) -> None:
    role = Role.made(aws, allow("dynamodb:GetItem", table_arn(aws)))
    dynamodb, name = role.client("dynamodb"), aws.config.table_name
    for _ in range(2):
        dynamodb.get_item(TableName=name, Key=item("NOBODY"))
    code(dynamodb.scan, TableName=name)
    assert role.calls() == [
        ("dynamodb:GetItem", table_arn(aws), True, 2),
        ("dynamodb:Scan", table_arn(aws), False, 1),
    ]
    url = f"{aws.config.aws_url}/_local/iam/calls"
    assert requests.delete(url, timeout=5).status_code == 200
    assert requests.get(url, timeout=5).json() == {"calls": [], "gaps": []}
    foreign = requests.delete(url, headers={"Origin": "http://evil.example"}, timeout=5)
    assert foreign.status_code == 403

"""Roles as their clients live with them: presigned addresses, models, our own client."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from saas import aws_http
from saas.settings import AwsEnvironment
from tests.credentials import V4_COOKIE, claims, v4_token
from tests.factories import LambdaContext, body_of, http_event
from tests.integration import domain_environment
from tests.integration.aws_fixtures import LocalAws
from tests.integration.bedrock_server import LocalBedrock, serving
from tests.integration.iam_stage import Role, allow, arn, table_arn
from users import handler

PATHS = Config(signature_version="s3v4", s3={"addressing_style": "path"})


def code(call: Any, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return str(refused.value.response["Error"]["Code"])


# S3


def test_a_presigned_address_may_what_its_signer_may_when_it_is_used(aws: LocalAws) -> None:
    bucket = aws.config.uploads_bucket
    pending = f"arn:aws:s3:::{bucket}/uploads/pending/*"
    role = Role.made(aws, allow("s3:PutObject", pending))
    s3 = role.client("s3", config=PATHS)

    def put(key: str) -> requests.Response:
        url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key})
        return requests.put(url, data=b"x", timeout=5)

    key = f"uploads/pending/{uuid4()}/a file+ü.txt"
    assert put(key).status_code == 200
    assert aws.client("s3", config=PATHS).get_object(Bucket=bucket, Key=key)["Body"].read() == b"x"
    elsewhere = put(f"uploads/{uuid4()}")
    assert elsewhere.status_code == 403
    assert "<Code>AccessDenied</Code>" in elsewhere.text
    assert "is not authorized to perform: s3:PutObject on resource" in elsewhere.text
    later = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key})
    role.replace_policy(allow("s3:GetObject", pending))
    assert requests.put(later, data=b"y", timeout=5).status_code == 403
    # A bad signature is a bad signature, whoever made it.
    forged = requests.put(later[:-4] + "0000", data=b"y", timeout=5)
    assert "<Code>SignatureDoesNotMatch</Code>" in forged.text
    assert role.client("s3", config=PATHS).get_object(Bucket=bucket, Key=key)["Body"].read() == b"x"


def test_who_may_not_list_a_bucket_is_not_told_what_is_missing(aws: LocalAws) -> None:
    bucket = f"arn:aws:s3:::{aws.config.uploads_bucket}"
    role = Role.made(aws, allow("s3:GetObject", f"{bucket}/*"))
    s3 = role.client("s3", config=PATHS)
    missing = {"Bucket": aws.config.uploads_bucket, "Key": f"missing-{uuid4()}"}
    assert code(s3.get_object, **missing) == "AccessDenied"
    assert code(s3.head_object, **missing) == "403"
    role.replace_policy(allow("s3:GetObject", f"{bucket}/*"), allow("s3:ListBucket", bucket))
    assert code(s3.get_object, **missing) == "NoSuchKey"
    assert code(s3.head_object, **missing) == "404"


# Bedrock

PROFILE = "us.amazon.nova-lite-v1:0"
HELLO = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


@pytest.fixture(scope="module")
def bedrock(aws: LocalAws) -> Iterator[LocalBedrock]:
    with serving(aws.config) as running:
        yield running


def model_arns() -> list[str]:
    return [
        f"arn:aws:bedrock:{region}::foundation-model/amazon.nova-lite-v1:0"
        for region in ("us-east-1", "us-east-2", "us-west-2")
    ]


def models(role: Role, bedrock: LocalBedrock) -> Any:
    config = Config(retries={"total_max_attempts": 1})
    return role.client("bedrock-runtime", endpoint_url=bedrock.url, config=config)


def test_a_model_is_asked_with_permission_in_every_region(
    aws: LocalAws, bedrock: LocalBedrock
) -> None:
    profile = arn(aws, "bedrock", f"inference-profile/{PROFILE}")
    through = {"StringLike": {"bedrock:InferenceProfileArn": profile}}

    def statements(*regions: str) -> list[dict[str, Any]]:
        return [
            allow("bedrock:InvokeModel", profile),
            allow("bedrock:InvokeModel", list(regions), Condition=through),
        ]

    role = Role.made(aws, *statements(*model_arns()))
    runtime = models(role, bedrock)
    answer = runtime.converse(modelId=PROFILE, **HELLO)
    assert answer["output"]["message"]["role"] == "assistant"
    assert role.calls() == [
        ("bedrock:InvokeModel", resource, True, 1) for resource in sorted([profile, *model_arns()])
    ]
    assert code(runtime.converse_stream, modelId=PROFILE, **HELLO) == "AccessDeniedException"
    # On the model alone, the profile's condition does not hold.
    body = json.dumps({"inputText": "x"})
    direct = {"modelId": "amazon.nova-lite-v1:0", "body": body}
    assert code(runtime.invoke_model, **direct) == "AccessDeniedException"
    role.replace_policy(*statements(*model_arns()[:2]))
    with pytest.raises(ClientError) as refused:
        runtime.converse(modelId=PROFILE, **HELLO)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert f"on resource: {model_arns()[2]} because" in refused.value.response["Error"]["Message"]


def test_a_model_is_refused_while_nobody_knows_the_role(aws: LocalAws) -> None:
    role = Role.made(aws, allow("bedrock:*", "*"))
    with serving() as alone:
        runtime = models(role, alone)
        assert code(runtime.converse, modelId=PROFILE, **HELLO) == "ServiceUnavailableException"


def test_a_model_s_caller_needs_a_session_token(aws: LocalAws, bedrock: LocalBedrock) -> None:
    role = Role.made(aws, allow("bedrock:*", "*"))
    runtime = role.client("bedrock-runtime", endpoint_url=bedrock.url, aws_session_token="another")
    assert code(runtime.converse, modelId=PROFILE, **HELLO) == "UnrecognizedClientException"


def test_questions_of_other_parts_have_to_be_whole(aws: LocalAws) -> None:
    url = f"{aws.config.aws_url}/_local/authorise"
    role = Role.made(aws, allow("lambda:InvokeFunction", "*"))
    asking = {
        "access_key_id": role.keys["AccessKeyId"],
        "session_token": role.keys["SessionToken"],
    }
    one = {"action": "lambda:InvokeFunction", "resource": "arn:x"}
    assert requests.post(url, json={**asking, "needed": [one]}, timeout=5).json()["allowed"]
    other = {**one, "action": "lambda:GetFunction"}
    answer = requests.post(url, json={**asking, "needed": [one, other]}, timeout=5).json()
    assert (answer["allowed"], answer["code"]) == (False, "AccessDeniedException")
    for broken in ({**asking}, {**asking, "needed": [{"action": "x"}]}, {"needed": [one]}):
        assert requests.post(url, json=broken, timeout=5).status_code == 400


# Our own client


@pytest.fixture
def as_role(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Role]:
    """A function's environment with the credentials of a role that may do nothing."""
    role = Role.made(aws)
    domain_environment.enter(monkeypatch, aws)
    for name, value in role.environment.items():
        monkeypatch.setenv(name, value)
    domain_environment.forget()
    yield role
    domain_environment.forget()


def test_our_client_takes_a_refusal_for_final(as_role: Role) -> None:
    client = aws_http.Client(aws_http.DYNAMODB, AwsEnvironment.read())
    with pytest.raises(aws_http.AwsError) as refused:
        client.call("GetItem", {"TableName": as_role.aws.config.table_name, "Key": {}})
    client.close()
    assert (refused.value.code, refused.value.status) == ("AccessDeniedException", 400)
    assert not aws_http.is_outage(refused.value)
    assert as_role.calls() == [("dynamodb:GetItem", table_arn(as_role.aws), False, 1)]


def test_a_refusal_is_our_mistake_and_no_outage(
    as_role: Role, caplog: pytest.LogCaptureFixture
) -> None:
    config = as_role.aws.config
    secret = arn(as_role.aws, "ssm", f"parameter{config.session_secret_name}")
    as_role.replace_policy(allow("ssm:GetParameter", secret))
    token = v4_token(claims("user-refused"), secret=config.nextauth_secret)
    event = http_event("GET", "/users/me", cookies=[f"{V4_COOKIE}={token}"])
    answer = handler.api(event, LambdaContext())
    assert (answer["statusCode"], body_of(answer)["code"]) == (500, "internal_error")
    assert "authorized" not in answer["body"]
    assert "AwsError: AccessDeniedException (HTTP 400)" in caplog.text
    (refused,) = [call for call in as_role.calls() if not call[2]]
    assert refused == ("dynamodb:BatchGetItem", table_arn(as_role.aws), False, 1)

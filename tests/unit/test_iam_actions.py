"""Which actions and resources a request needs, where no state of local AWS is looked at."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from localcloud.aws.iam.actions import accesses
from localcloud.aws.iam.call import Call, Credential, Unmapped, credential_of
from localcloud.aws.iam.callers import Caller
from localcloud.aws.iam.evaluation import Policies
from localcloud.bedrock.permissions import needed

ROLE = "arn:aws:iam::123456789012:role/ai-api"
SESSION = "arn:aws:sts::123456789012:assumed-role/ai-api/session"
BUCKET = "arn:aws:s3:::uploads"
POOL = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_abc"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:failed"
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
Pairs = list[tuple[str, str]]


def call(service: str, **environ: Any) -> Call:
    caller = Caller("ai-api", SESSION, ROLE, "123456789012", Policies(()))
    plain = {"REQUEST_METHOD": "POST", "RAW_URI": "/", "PATH_INFO": "/", "QUERY_STRING": ""}
    return Call(service, "us-east-1", caller, {**plain, "groundwork.body": b"", **environ})


def pairs(found: Call) -> Pairs:
    return [(access.action, access.resource) for access in accesses(found)]


def json_call(service: str, operation: str, **body: Any) -> Call:
    target = {"HTTP_X_AMZ_TARGET": f"Some_20200101.{operation}"}
    return call(service, **target, **{"groundwork.body": json.dumps(body).encode()})


def s3(method: str, uri: str, **headers: str) -> Call:
    path, _, query = uri.partition("?")
    where = {"RAW_URI": uri, "PATH_INFO": path, "QUERY_STRING": query}
    return call("s3", REQUEST_METHOD=method, **where, **headers)


@pytest.mark.parametrize(
    ("method", "uri", "needs"),
    [
        ("GET", "/uploads/a/b.txt", [("s3:GetObject", f"{BUCKET}/a/b.txt")]),
        ("HEAD", "/uploads/a%20b?x-id=HeadObject", [("s3:GetObject", f"{BUCKET}/a b")]),
        ("PUT", "/uploads/%C3%BC?X-Amz-Signature=0", [("s3:PutObject", f"{BUCKET}/ü")]),
        ("PUT", "/uploads/a?partNumber=1&uploadId=x", [("s3:PutObject", f"{BUCKET}/a")]),
        ("POST", "/uploads/a?uploads", [("s3:PutObject", f"{BUCKET}/a")]),
        ("POST", "/uploads/a?uploadId=x", [("s3:PutObject", f"{BUCKET}/a")]),
        ("DELETE", "/uploads/a?uploadId=x", [("s3:AbortMultipartUpload", f"{BUCKET}/a")]),
        ("GET", "/uploads/a?uploadId=x", [("s3:ListMultipartUploadParts", f"{BUCKET}/a")]),
        ("DELETE", "/uploads/a", [("s3:DeleteObject", f"{BUCKET}/a")]),
        ("GET", "/uploads/a?versionId=1", [("s3:GetObjectVersion", f"{BUCKET}/a")]),
        ("PUT", "/uploads/a?tagging", [("s3:PutObjectTagging", f"{BUCKET}/a")]),
        ("GET", "/uploads?list-type=2&prefix=a%2F", [("s3:ListBucket", BUCKET)]),
        ("HEAD", "/uploads/", [("s3:ListBucket", BUCKET)]),
        ("GET", "/uploads?location", [("s3:GetBucketLocation", BUCKET)]),
        ("GET", "/", [("s3:ListAllMyBuckets", "*")]),
    ],
)
def test_s3(method: str, uri: str, needs: Pairs) -> None:
    assert pairs(s3(method, uri)) == needs


def test_s3_headers_that_need_more() -> None:
    put = ("s3:PutObject", f"{BUCKET}/a")
    copied = s3("PUT", "/uploads/a", HTTP_X_AMZ_COPY_SOURCE="other/b%20c?versionId=1")
    assert pairs(copied) == [put, ("s3:GetObject", "arn:aws:s3:::other/b c")]
    tagged = s3("PUT", "/uploads/a", HTTP_X_AMZ_TAGGING="a=b")
    assert pairs(tagged) == [put, ("s3:PutObjectTagging", f"{BUCKET}/a")]


def test_s3_lists_with_their_prefix() -> None:
    (access,) = accesses(s3("GET", "/uploads?list-type=2&prefix=a%2F"))
    assert access.context["s3:prefix"] == ("a/",)


@pytest.mark.parametrize(
    ("service", "operation", "body", "needs"),
    [
        (
            "sqs",
            "SendMessage",
            {"QueueUrl": "http://127.0.0.1:4001/123456789012/failed", "MessageBody": "x"},
            [("sqs:SendMessage", QUEUE)],
        ),
        (
            "sqs",
            "SendMessageBatch",
            {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/failed"},
            [("sqs:SendMessage", QUEUE)],
        ),
        ("sqs", "GetQueueUrl", {"QueueName": "failed"}, [("sqs:GetQueueUrl", QUEUE)]),
        (
            "cognito-idp",
            "AdminGetUser",
            {"UserPoolId": "us-east-1_abc", "Username": "u"},
            [("cognito-idp:AdminGetUser", POOL)],
        ),
        ("cognito-idp", "GetUser", {"AccessToken": "x"}, []),
        ("cognito-idp", "SignUp", {"ClientId": "x"}, []),
        (
            "ssm",
            "GetParameter",
            {"Name": "/groundwork/dev/stripe:3"},
            [
                (
                    "ssm:GetParameter",
                    "arn:aws:ssm:us-east-1:123456789012:parameter/groundwork/dev/stripe",
                )
            ],
        ),
        (
            "ssm",
            "GetParameters",
            {"Names": ["plain", "arn:aws:ssm:us-east-1:123456789012:parameter/b:label"]},
            [
                ("ssm:GetParameters", "arn:aws:ssm:us-east-1:123456789012:parameter/plain"),
                ("ssm:GetParameters", "arn:aws:ssm:us-east-1:123456789012:parameter/b"),
            ],
        ),
        (
            "kms",
            "Encrypt",
            {"KeyId": "k1", "EncryptionContext": {"A": "b"}},
            [("kms:Encrypt", "arn:aws:kms:us-east-1:123456789012:key/k1")],
        ),
        (
            "secretsmanager",
            "GetSecretValue",
            {"SecretId": "unknown"},
            [
                (
                    "secretsmanager:GetSecretValue",
                    "arn:aws:secretsmanager:us-east-1:123456789012:secret:unknown",
                )
            ],
        ),
        ("dynamodb", "ListTables", {}, [("dynamodb:ListTables", "*")]),
    ],
)
def test_json_services(service: str, operation: str, body: Any, needs: Pairs) -> None:
    assert pairs(json_call(service, operation, **body)) == needs


@pytest.mark.parametrize(
    ("service", "fields", "needs"),
    [
        ("sns", {"Action": "Publish", "TopicArn": TOPIC}, [("sns:Publish", TOPIC)]),
        ("sts", {"Action": "GetCallerIdentity"}, []),
        ("sts", {"Action": "AssumeRole", "RoleArn": ROLE}, [("sts:AssumeRole", ROLE)]),
    ],
)
def test_query_services(service: str, fields: dict[str, str], needs: Pairs) -> None:
    body = urlencode(fields).encode()
    assert pairs(call(service, **{"groundwork.body": body})) == needs


@pytest.mark.parametrize(
    ("found", "named"),
    [
        (json_call("dynamodb", "ExecuteStatement", Statement="SELECT"), "ExecuteStatement"),
        (json_call("ssm", "SendCommand", DocumentName="x"), "ssm SendCommand"),
        (json_call("logs", "PutLogEvents"), "logs PutLogEvents"),
        (call("lambda", PATH_INFO="/2015-03-31/functions"), "lambda POST /2015-03-31/functions"),
        (s3("POST", "/uploads?delete"), "s3 POST /uploads"),
        (s3("GET", "/uploads/a?torrent"), "s3 GET /uploads/a"),
        (s3("PUT", "/uploads"), "s3 PUT /uploads"),
        (json_call("sns", "ListTopics"), "sns ListTopics"),
        (json_call("kms", "ListKeys"), "kms ListKeys"),
    ],
)
def test_what_has_no_mapping_is_named(found: Call, named: str) -> None:
    with pytest.raises(Unmapped, match="no mapping for ") as gap:
        accesses(found)
    assert named in str(gap.value)


def test_a_direct_use_of_a_key_carries_its_encryption_context() -> None:
    (access,) = accesses(json_call("kms", "Encrypt", KeyId="k", EncryptionContext={"Tenant": "t"}))
    assert access.context["kms:encryptioncontext:tenant"] == ("t",)
    assert "kms:viaservice" not in access.context
    assert access.context["aws:securetransport"] == ("true",)
    assert access.context["aws:requestedregion"] == ("us-east-1",)


# Bedrock


def test_a_profile_needs_itself_and_its_model_everywhere() -> None:
    profile = "arn:aws:bedrock:us-west-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0"
    found = needed("bedrock:InvokeModel", "us.amazon.nova-lite-v1:0", "us-west-1", "123456789012")
    assert found == needed("bedrock:InvokeModel", profile, "us-west-1", "123456789012")
    assert [each["resource"] for each in found] == [profile] + [
        f"arn:aws:bedrock:{region}::foundation-model/amazon.nova-lite-v1:0"
        for region in ("us-west-1", "us-east-1", "us-east-2", "us-west-2")
    ]
    assert [each["context"].get("bedrock:InferenceProfileArn") for each in found] == [
        None,
        *[[profile]] * 4,
    ]


@pytest.mark.parametrize("prefix", ["", "arn:aws:bedrock:us-east-1::foundation-model/"])
def test_a_model_needs_itself_alone(prefix: str) -> None:
    model = "amazon.titan-embed-text-v2:0"
    (found,) = needed("bedrock:InvokeModel", f"{prefix}{model}", "us-east-1", "123456789012")
    assert found["resource"] == f"arn:aws:bedrock:us-east-1::foundation-model/{model}"


# Signers


def test_who_signed() -> None:
    scope = "ASIA1/20261101/eu-west-1/s3/aws4_request"
    header = {"HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host"}
    query = f"X-Amz-Credential={quote(scope, safe='')}&X-Amz-Signature=0"
    expected = Credential("ASIA1", "eu-west-1")
    assert credential_of({**header, "QUERY_STRING": ""}) == expected
    assert credential_of({"QUERY_STRING": query}) == expected
    # The signature check reads the last one, too.
    twice = f"X-Amz-Credential=AKIA2%2Fx&{query}"
    assert credential_of({"QUERY_STRING": twice}) == expected
    assert credential_of({"QUERY_STRING": ""}) is None
    assert credential_of({"QUERY_STRING": "X-Amz-Credential=x"}) is None

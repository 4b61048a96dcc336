"""The server itself: readiness, provisioning, mail, gaps and garbage, connections, reset."""

import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from botocore.exceptions import ClientError

from localcloud.aws.provision import provision
from localcloud.config import StackConfig
from tests.integration.aws_fixtures import LocalAws, aws, free_port, start  # noqa: F401


def post(aws: LocalAws, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:  # noqa: F811
    """A raw JSON-protocol call: status and decoded answer."""
    names = {"Content-Type": "application/x-amz-json-1.0"}
    names |= {name.replace("_", "-"): value for name, value in headers.items()}
    connection = http.client.HTTPConnection("127.0.0.1", aws.config.aws_port, timeout=10)
    try:
        connection.request("POST", "/", body, names)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def mails(aws: LocalAws, to: str) -> list[dict[str, Any]]:  # noqa: F811
    with urllib.request.urlopen(f"{aws.config.aws_url}/_local/mail") as answer:
        return [mail for mail in json.load(answer) if mail["to"] == to]


def scope(service: str) -> str:
    return (
        f"AWS4-HMAC-SHA256 Credential=AKIAGROUNDWORKLOCAL0/20261101/us-east-1/{service}"
        "/aws4_request, SignedHeaders=host, Signature=0"
    )


def test_provisioning_again_changes_nothing(aws: LocalAws) -> None:  # noqa: F811
    table = aws.client("dynamodb")
    key = {"pk": {"S": f"KEPT#{uuid4()}"}, "sk": {"S": "x"}}
    table.put_item(TableName=aws.config.table_name, Item=key)
    assert provision(aws.config) == aws.provisioned
    assert "Item" in table.get_item(TableName=aws.config.table_name, Key=key)


def test_what_is_provisioned(aws: LocalAws) -> None:  # noqa: F811
    config = aws.config
    dynamodb, s3 = aws.client("dynamodb"), aws.client("s3")
    table = dynamodb.describe_table(TableName=config.table_name)["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["GSI1"]
    ttl = dynamodb.describe_time_to_live(TableName=config.table_name)["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    (rule,) = s3.get_bucket_cors(Bucket=config.uploads_bucket)["CORSRules"]
    assert rule["AllowedOrigins"] == config.site_origins
    (expiry,) = s3.get_bucket_lifecycle_configuration(Bucket=config.uploads_bucket)["Rules"]
    assert (expiry["Filter"], expiry["Expiration"]) == ({"Prefix": "uploads/pending/"}, {"Days": 1})
    cognito = aws.client("cognito-idp")
    pool = cognito.describe_user_pool(UserPoolId=aws.provisioned.user_pool_id)["UserPool"]
    assert pool["LambdaConfig"]["PostConfirmation"].endswith(":function:users-post-confirmation")
    assert aws.client("sts").get_caller_identity()["Account"] == config.account_id


def test_secrets_are_readable_by_name(aws: LocalAws) -> None:  # noqa: F811
    ssm, config = aws.client("ssm"), aws.config

    def secret(name: str) -> str:
        parameter = ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        assert parameter["Type"] == "SecureString"
        return str(parameter["Value"])

    assert json.loads(secret(config.session_secret_name)) == [config.nextauth_secret]
    assert secret(config.stripe_secret_name) == config.stripe_secret_key
    assert json.loads(secret(config.webhook_secret_name)) == [config.webhook_secret]
    cipher = ssm.get_parameter(Name=config.stripe_secret_name)["Parameter"]["Value"]
    assert cipher != config.stripe_secret_key
    manager = aws.client("secretsmanager")
    name = f"test/{uuid4()}"
    manager.create_secret(Name=name, SecretString="kept")
    assert manager.get_secret_value(SecretId=name)["SecretString"] == "kept"


def test_ses_mail_is_readable(aws: LocalAws) -> None:  # noqa: F811
    sender, to = "team@example.com", f"{uuid4().hex}@example.com"
    ses, ses2 = aws.client("ses"), aws.client("sesv2")
    message = {"Subject": {"Data": "Welcome"}, "Body": {"Text": {"Data": "Good to see you."}}}
    with pytest.raises(ClientError) as unverified:
        ses.send_email(Source="a@b.example", Destination={"ToAddresses": [to]}, Message=message)
    assert unverified.value.response["Error"]["Code"] == "MessageRejected"
    ses.verify_email_identity(EmailAddress=sender)
    ses.send_email(Source=sender, Destination={"ToAddresses": [to]}, Message=message)
    message["Subject"]["Data"] = "Again"
    ses2.send_email(
        FromEmailAddress=sender, Destination={"ToAddresses": [to]}, Content={"Simple": message}
    )
    newest, oldest = mails(aws, to)
    assert set(newest) == {"id", "to", "subject", "body", "code", "source", "at"}
    assert (newest["subject"], newest["source"], newest["code"]) == ("Again", "ses", None)
    assert (oldest["subject"], oldest["body"]) == ("Welcome", "Good to see you.")


# Gaps and garbage


def test_an_unknown_action_is_one_clear_refusal(aws: LocalAws) -> None:  # noqa: F811
    """Stock moto answers 500, which SDKs and Terraform repeat for minutes."""
    target = "DynamoDB_20120810.TeleportTable"
    status, answer = post(aws, b"{}", X_Amz_Target=target, Authorization=scope("dynamodb"))
    assert (status, answer["__type"]) == (400, "UnknownOperationException")
    assert "aws: not implemented: dynamodb TeleportTable" in aws.logged()
    started = time.monotonic()
    with pytest.raises(ClientError) as refused:
        aws.client("cognito-idp").start_user_import_job(
            UserPoolId=aws.provisioned.user_pool_id, JobId="import-1"
        )
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert time.monotonic() - started < 5


def test_an_unknown_service_is_one_clear_refusal(aws: LocalAws) -> None:  # noqa: F811
    status, _ = post(aws, b"{}", X_Amz_Target="Quantum.Leap", Authorization=scope("quantumleap"))
    assert status == 400
    assert "aws: not implemented: quantumleap" in aws.logged()


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[]", b"null", b'"text"', b"", b'{"Key": 1}'])
@pytest.mark.parametrize(
    ("service", "target"),
    [
        ("dynamodb", "DynamoDB_20120810.GetItem"),
        ("dynamodb", "DynamoDB_20120810.TransactWriteItems"),
        ("cognito-idp", "AWSCognitoIdentityProviderService.SignUp"),
        ("cognito-idp", "AWSCognitoIdentityProviderService.InitiateAuth"),
        ("ssm", "AmazonSSM.GetParameter"),
        ("secretsmanager", "secretsmanager.GetSecretValue"),
    ],
)
def test_garbage_is_refused_without_a_traceback(
    aws: LocalAws,  # noqa: F811
    service: str,
    target: str,
    body: bytes,
) -> None:
    before = len(aws.logged())
    status, answer = post(aws, body, X_Amz_Target=target, Authorization=scope(service))
    assert 400 <= status < 500
    assert answer["__type"]
    assert "Traceback" not in aws.logged()[before:]


@pytest.mark.parametrize("authorization", ["", "Bearer x", "AWS4-HMAC-SHA256 Credential=a/b"])
def test_a_broken_signature_is_refused(aws: LocalAws, authorization: str) -> None:  # noqa: F811
    before = len(aws.logged())
    headers = {"Authorization": authorization, "X-Amz-Target": "DynamoDB_20120810.ListTables"}
    request = urllib.request.Request(aws.config.aws_url, b"{}", headers)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code in (400, 403)
    refused.value.close()
    assert aws.logged()[before:] == ""


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: 999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost:PORT\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"-1\r\nx\r\n0\r\n\r\n",
    ],
)
def test_broken_http_is_refused(aws: LocalAws, request_bytes: bytes) -> None:  # noqa: F811
    port = aws.config.aws_port
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request_bytes.replace(b"PORT", str(port).encode()))
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    status = int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/") else 400
    assert 400 <= status < 506
    assert b"Error" in answer or b"Bad" in answer or b"Large" in answer


# Connections


def test_a_connection_serves_many_requests(aws: LocalAws) -> None:  # noqa: F811
    connection = http.client.HTTPConnection("127.0.0.1", aws.config.aws_port, timeout=5)
    connection.connect()
    first = connection.sock
    for _ in range(3):
        connection.request("GET", "/_health")
        assert connection.getresponse().read() == b'{"status":"ok"}'
        assert connection.sock is first
    connection.close()


def test_one_slow_client_holds_up_nobody(aws: LocalAws) -> None:  # noqa: F811
    """A half-sent body is read before any lock is taken."""
    head = (
        f"POST / HTTP/1.1\r\nHost: localhost:{aws.config.aws_port}\r\n"
        "X-Amz-Target: DynamoDB_20120810.ListTables\r\n"
        f"Authorization: {scope('dynamodb')}\r\nContent-Length: 2\r\n\r\n{{"
    )
    with socket.create_connection(("127.0.0.1", aws.config.aws_port)) as slow:
        slow.sendall(head.encode())
        started = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            client = aws.client("dynamodb")
            tables = list(pool.map(lambda _: client.list_tables()["TableNames"], range(8)))
        assert all(aws.config.table_name in names for names in tables)
        assert time.monotonic() - started < 3


def test_reset_empties_everything_and_provisioning_restores_the_same_ids(tmp_path: Path) -> None:
    config = StackConfig(*[free_port() for _ in range(5)], state_dir=tmp_path, frontend_url=None)
    process = start(config, tmp_path / "aws.log")
    try:
        first = provision(config)
        here = LocalAws(config, first, tmp_path / "aws.log")
        key = {"pk": {"S": "GONE"}, "sk": {"S": "x"}}
        here.client("dynamodb").put_item(TableName=config.table_name, Item=key)
        fault = b'{"kind": "error_before", "on": "dynamodb:*", "count": null}'
        urllib.request.urlopen(f"{config.aws_url}/_local/faults", fault).close()
        request = urllib.request.Request(f"{config.aws_url}/_local/reset", method="POST")
        assert urllib.request.urlopen(request).status == 200
        assert here.client("dynamodb").list_tables()["TableNames"] == []
        assert here.client("s3").list_buckets()["Buckets"] == []
        assert here.client("cognito-idp").list_user_pools(MaxResults=10)["UserPools"] == []
        assert provision(config) == first
        found = here.client("dynamodb").get_item(TableName=config.table_name, Key=key)
        assert "Item" not in found
        assert here.logged() == "", "quiet unless something is wrong"
    finally:
        process.terminate()
        assert process.wait(5) == 0


@pytest.mark.parametrize(
    ("body", "origin", "status"),
    [
        ({"table": "no-such-table", "pk": "USER#"}, {}, 404),
        ({"table": "groundwork-local", "nonsense": 1}, {}, 400),
        ({"table": "groundwork-local", "pk": "USER#", "after": "%%%"}, {}, 400),
        ({"table": "groundwork-local", "keys": [["no", "such"]]}, {}, 200),
        ({"table": "groundwork-local", "pk": "USER#"}, {"Origin": "http://evil.example"}, 403),
    ],
)
def test_questions_about_a_table(
    aws: LocalAws,  # noqa: F811
    body: dict[str, object],
    origin: dict[str, str],
    status: int,
) -> None:
    url = f"{aws.config.aws_url}/_local/items"
    assert requests.post(url, json=body, headers=origin, timeout=10).status_code == status

"""Our signature is the one that botocore makes."""

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from saas.settings import AwsEnvironment
from saas.signing import signed_headers

NOW = datetime(2026, 3, 1, 23, 59, 58, tzinfo=UTC)


@pytest.mark.parametrize("session_token", ["", "a/session+token=="])
@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("dynamodb", "/"),
        ("ssm", "/"),
        ("secretsmanager", "/"),
        ("bedrock", "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse"),
        ("bedrock", "/model/arn%3Aaws%3Abedrock%3A%3A%3Amodel%2Fx~y_z.1-2/converse"),
    ],
)
@pytest.mark.parametrize("body", [b"", b'{"a":"\xc3\xbc"}'])
def test_it_equals_botocore(
    monkeypatch: pytest.MonkeyPatch, service: str, path: str, body: bytes, session_token: str
) -> None:
    aws = AwsEnvironment(
        region="eu-central-1",
        access_key_id="AKIAEXAMPLE",
        secret_access_key="wJalr/XUtnFEMI+K7MDENG",
        session_token=session_token,
    )
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB.GetItem"}
    ours = signed_headers(
        aws, service, host="example.test:8001", path=path, headers=headers, body=body, now=NOW
    )
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: NOW.replace(tzinfo=None))
    request = AWSRequest(
        "POST",
        f"https://example.test:8001{path}",
        headers={**headers, "host": "example.test:8001"},
        data=body,
    )
    credentials = Credentials(aws.access_key_id, aws.secret_access_key, session_token or None)
    SigV4Auth(credentials, service, aws.region).add_auth(request)
    theirs = {name.lower(): value for name, value in request.headers.items()}
    assert ours["authorization"] == theirs["authorization"]
    assert ours["x-amz-date"] == theirs["x-amz-date"]
    assert ours.get("x-amz-security-token") == theirs.get("x-amz-security-token")

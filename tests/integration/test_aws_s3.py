"""S3 repairs: signatures, expiry, what a presigned URL is bound to, and the bucket's own CORS."""

import base64
import hashlib
import http.client
import io
import json
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.integration.aws_fixtures import LocalAws, aws  # noqa: F401

V4 = Config(signature_version="s3v4", retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Bucket:
    """The stack's uploads bucket, and keys that no other test uses."""

    aws: LocalAws
    s3: Any
    name: str

    def key(self) -> str:
        return f"uploads/pending/{uuid4().hex}/a file+ü (1).txt"

    def presigned(
        self, key: str, seconds: int = 60, method: str = "put_object", **bound: Any
    ) -> str:
        parameters = {"Bucket": self.name, "Key": key, **bound}
        url: str = self.s3.generate_presigned_url(method, parameters, ExpiresIn=seconds)
        return url

    def http(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], str]:
        """Status, headers (lower case) and text, as a browser's fetch would see them."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        try:
            connection.request(method, f"{parts.path}?{parts.query}", body, headers or {})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, names, answer.read().decode()
        finally:
            connection.close()

    def origin(self) -> str:
        return f"http://localhost:{self.aws.config.gateway_port}"


@pytest.fixture(scope="module")
def bucket(aws: LocalAws) -> Bucket:  # noqa: F811
    return Bucket(aws, aws.client("s3", config=V4), aws.config.uploads_bucket)


def code_of(xml: str) -> str:
    return ElementTree.fromstring(xml).findtext("Code") or ""


def refused(call: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as error:
        call()
    response = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_signed_requests_read_what_they_wrote(bucket: Bucket) -> None:
    key = bucket.key()
    bucket.s3.put_object(Bucket=bucket.name, Key=key, Body=b"hello", Metadata={"owner_id": "u 1"})
    found = bucket.s3.get_object(Bucket=bucket.name, Key=key)
    assert found["Body"].read() == b"hello"
    assert found["Metadata"] == {"owner_id": "u 1"}
    listed = bucket.s3.list_objects_v2(Bucket=bucket.name, Prefix=key.rpartition("/")[0])
    assert [entry["Key"] for entry in listed["Contents"]] == [key]


def test_a_wrong_secret_is_refused(bucket: Bucket) -> None:
    wrong = bucket.aws.client("s3", config=V4, aws_secret_access_key="not-the-secret")
    put = {"Bucket": bucket.name, "Key": bucket.key(), "Body": b"x"}
    assert refused(lambda: wrong.put_object(**put)) == ("SignatureDoesNotMatch", 403)
    assert refused(lambda: wrong.list_objects_v2(Bucket=bucket.name)) == (
        "SignatureDoesNotMatch",
        403,
    )


def test_an_unknown_key_and_nobody_at_all_are_refused(bucket: Bucket) -> None:
    stranger = bucket.aws.client("s3", config=V4, aws_access_key_id="AKIASTRANGERSTRANGER")
    assert refused(stranger.list_buckets) == ("InvalidAccessKeyId", 403)
    nobody = bucket.aws.client("s3", config=Config(signature_version=UNSIGNED))
    assert refused(lambda: nobody.list_objects_v2(Bucket=bucket.name)) == ("AccessDenied", 403)


def test_a_presigned_url_serves_until_it_expires(bucket: Bucket) -> None:
    key = bucket.key()
    url = bucket.presigned(key, seconds=1)
    assert bucket.http("PUT", url, b"in time")[0] == 200
    time.sleep(2.1)
    status, _, body = bucket.http("PUT", url, b"too late")
    assert (status, code_of(body)) == (403, "AccessDenied")
    assert "Request has expired" in body
    assert bucket.s3.get_object(Bucket=bucket.name, Key=key)["Body"].read() == b"in time"


def test_a_presigned_put_is_bound_to_type_and_size(bucket: Bucket) -> None:
    key = bucket.key()
    url = bucket.presigned(key, ContentType="image/png", ContentLength=4)
    for body, kind in ((b"abcd", "text/html"), (b"abcde", "image/png"), (b"abc", "image/png")):
        status, _, answer = bucket.http("PUT", url, body, {"Content-Type": kind})
        assert (status, code_of(answer)) == (403, "SignatureDoesNotMatch")
    assert refused(lambda: bucket.s3.head_object(Bucket=bucket.name, Key=key))[1] == 404
    assert bucket.http("PUT", url, b"abcd", {"Content-Type": "image/png"})[0] == 200
    stored = bucket.s3.head_object(Bucket=bucket.name, Key=key)
    assert (stored["ContentType"], stored["ContentLength"]) == ("image/png", 4)


def test_a_presigned_url_cannot_be_turned_into_another(bucket: Bucket) -> None:
    mine, other = bucket.key(), bucket.key()
    url = bucket.presigned(mine)
    moved = url.replace(mine.split("/")[2], other.split("/")[2])
    longer = url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")
    signature = url.partition("X-Amz-Signature=")[2][:64]
    forged = url.replace(signature, "0" * 64)
    for method, changed in (("PUT", moved), ("PUT", longer), ("PUT", forged), ("DELETE", url)):
        status, _, body = bucket.http(method, changed, b"x")
        assert (status, code_of(body)) == (403, "SignatureDoesNotMatch")
    status, _, body = bucket.http("PUT", url, b"x", {"x-amz-acl": "public-read"})
    assert (status, code_of(body)) == (403, "AccessDenied")
    unsigned = url.partition("?")[0]
    status, _, body = bucket.http("GET", unsigned)
    assert (status, code_of(body)) == (403, "AccessDenied")


def test_a_body_other_than_the_signed_one_is_refused(bucket: Bucket) -> None:
    key = bucket.key()

    def swap(request: Any, **_: Any) -> None:
        request.body = b"evil!"

    client = bucket.aws.client("s3", config=V4)
    client.meta.events.register("before-send.s3.PutObject", swap)
    put = {"Bucket": bucket.name, "Key": key, "Body": b"plain"}
    assert refused(lambda: client.put_object(**put)) == ("XAmzContentSHA256Mismatch", 400)


def test_the_old_signature_is_refused(bucket: Bucket) -> None:
    old = bucket.aws.client("s3", config=Config(signature_version="s3"))
    url = old.generate_presigned_url("get_object", {"Bucket": bucket.name, "Key": "x"})
    status, _, body = bucket.http("GET", url)
    assert (status, code_of(body)) == (400, "InvalidRequest")


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA256"])
def test_the_sdk_uploads_streams_with_checksums(bucket: Bucket, algorithm: str) -> None:
    """Over http the SDK signs the body's hash; over https it would send it in chunks (below)."""
    key, content = bucket.key(), bytes(range(256)) * 5000
    bucket.s3.upload_fileobj(
        io.BytesIO(content), bucket.name, key, ExtraArgs={"ChecksumAlgorithm": algorithm}
    )
    assert bucket.s3.get_object(Bucket=bucket.name, Key=key)["Body"].read() == content


def test_aws_chunked_bodies_are_decoded(bucket: Bucket) -> None:
    """What an SDK sends over https, here with a presigned URL's signature (payload unsigned)."""
    key, content = bucket.key(), b"chunk by chunk"
    checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
    body = f"{len(content):x}\r\n".encode() + content + b"\r\n0\r\n"
    body += f"x-amz-checksum-sha256:{checksum}\r\n\r\n".encode()
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "Content-Encoding": "aws-chunked",
    }
    assert bucket.http("PUT", bucket.presigned(key), body, headers)[0] == 200
    assert bucket.s3.get_object(Bucket=bucket.name, Key=key)["Body"].read() == content


def test_cors_follows_the_bucket(bucket: Bucket) -> None:
    key = bucket.key()
    url = bucket.presigned(key, ContentType="text/plain")
    ask = {
        "Origin": bucket.origin(),
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }
    status, headers, _ = bucket.http("OPTIONS", url, headers=ask)
    assert status == 200
    assert headers["access-control-allow-origin"] == bucket.origin()
    assert "PUT" in headers["access-control-allow-methods"]
    assert headers["access-control-allow-headers"] == "content-type"
    refused_ask = {**ask, "Access-Control-Request-Method": "DELETE"}
    status, headers, body = bucket.http("OPTIONS", url, headers=refused_ask)
    assert (status, code_of(body)) == (403, "AccessForbidden")
    assert "access-control-allow-origin" not in headers
    foreign = {**ask, "Origin": "http://evil.example"}
    status, headers, _ = bucket.http("OPTIONS", url, headers=foreign)
    assert (status, "access-control-allow-origin" in headers) == (403, False)
    put = {"Content-Type": "text/plain", "Origin": bucket.origin()}
    status, headers, _ = bucket.http("PUT", url, b"from a browser", put)
    assert (status, headers["access-control-allow-origin"]) == (200, bucket.origin())
    assert headers["access-control-expose-headers"] == "ETag"
    put["Origin"] = "http://evil.example"
    status, headers, _ = bucket.http("PUT", url, b"from elsewhere", put)
    assert (status, "access-control-allow-origin" in headers) == (403, False)
    kept = bucket.s3.get_object(Bucket=bucket.name, Key=key)["Body"].read()
    assert kept == b"from a browser"


def test_a_bucket_without_rules_allows_no_origin(bucket: Bucket) -> None:
    name = f"plain-{uuid4().hex[:12]}"
    bucket.s3.create_bucket(Bucket=name)
    url = f"{bucket.aws.config.aws_url}/{name}/key"
    ask = {"Origin": bucket.origin(), "Access-Control-Request-Method": "PUT"}
    assert bucket.http("OPTIONS", url, headers=ask)[0] == 403


def test_keys_made_by_local_iam_work(bucket: Bucket) -> None:
    iam = bucket.aws.client("iam")
    user = f"ci-{uuid4().hex[:8]}"
    iam.create_user(UserName=user)
    statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=user, PolicyName="upload", PolicyDocument=policy)
    made = iam.create_access_key(UserName=user)["AccessKey"]
    keys = {
        "aws_access_key_id": made["AccessKeyId"],
        "aws_secret_access_key": made["SecretAccessKey"],
    }
    key = bucket.key()
    bucket.aws.client("s3", config=V4, **keys).put_object(Bucket=bucket.name, Key=key, Body=b"ci")
    assert bucket.s3.get_object(Bucket=bucket.name, Key=key)["Body"].read() == b"ci"


def test_what_has_not_changed_comes_without_a_body(bucket: Bucket) -> None:
    key = bucket.key()
    tag = bucket.s3.put_object(Bucket=bucket.name, Key=key, Body=b"kept")["ETag"]
    later = "Fri, 01 Jan 2100 00:00:00 GMT"
    answers = []
    for method in ("GET", "HEAD"):
        parts = urlsplit(bucket.presigned(key, method=f"{method.lower()}_object"))
        request = f"{method} {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        asked = [
            f"{request}{more}\r\n\r\n"
            for more in (
                f"If-None-Match: {tag}",
                f"If-Modified-Since: {later}",
                "Connection: close",
            )
        ]
        with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as sent:
            sent.sendall("".join(asked).encode())
            answers.append(b"".join(iter(lambda: sent.recv(65536), b"")))
    # What follows the head of a 304 is the next answer.
    for answer, body in zip(answers, (b"kept", b""), strict=True):
        one, two, three, last = answer.split(b"\r\n\r\n")
        assert [head[:12] for head in (one, two, three)] == [
            b"HTTP/1.1 304",
            b"HTTP/1.1 304",
            b"HTTP/1.1 200",
        ]
        assert last == body
    for method in ("head_object", "get_object"):
        with pytest.raises(ClientError, match="304"):
            getattr(bucket.s3, method)(Bucket=bucket.name, Key=key, IfNoneMatch=tag)
    assert bucket.s3.get_object(Bucket=bucket.name, Key=key)["Body"].read() == b"kept"

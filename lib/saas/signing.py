"""AWS Signature Version 4 for requests with a body, without the SDK.

Source: AWS General Reference, "Signature Version 4 signing process". A test compares the result
with botocore's own signer.
"""

import hashlib
import hmac
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from saas.settings import AwsEnvironment

ALGORITHM = "AWS4-HMAC-SHA256"


def signed_headers(
    aws: AwsEnvironment,
    service: str,
    *,
    host: str,
    path: str,
    headers: dict[str, str],
    body: bytes,
    now: datetime,
) -> dict[str, str]:
    """The headers to send for a POST: the given ones, time, session token and authorization.

    Args:
        service: the signing name, such as `dynamodb` or `bedrock`.
        host: host with port as the request names it.
        path: the path as sent, percent-encoded.
        headers: further headers, names in lower case.
        now: the signing time, UTC.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    sent = {**headers, "host": host, "x-amz-date": stamp}
    if aws.session_token:
        sent["x-amz-security-token"] = aws.session_token
    names = ";".join(sorted(sent))
    # Every service but S3 encodes the path once more ("canonical URI").
    lines = ["POST", quote(path, safe="/-_.~"), ""]
    lines += [f"{name}:{sent[name].strip()}" for name in sorted(sent)]
    lines += ["", names, hashlib.sha256(body).hexdigest()]
    scope = f"{stamp[:8]}/{aws.region}/{service}/aws4_request"
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    key = _signing_key(aws.secret_access_key, stamp[:8], aws.region, service)
    signature = hmac.new(key, f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}".encode(), "sha256")
    credential = f"Credential={aws.access_key_id}/{scope}"
    sent["authorization"] = (
        f"{ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature.hexdigest()}"
    )
    return sent


@lru_cache(maxsize=16)
def _signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key

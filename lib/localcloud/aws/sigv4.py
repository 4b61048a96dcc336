"""AWS Signature Version 4, verified: in the Authorization header and in a presigned URL's query.

After "Authenticating Requests (AWS Signature Version 4)" of the S3 API reference. S3 neither
normalises the path nor encodes it twice.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any
from urllib.parse import quote, unquote_to_bytes

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW_SECONDS = 900
AHEAD_SECONDS = 60
"""Who signs this far in the future goes by the stack's moved clock, as functions do."""
LONGEST_PRESIGNED_SECONDS = 7 * 86400
HEADER = re.compile(
    rf"{ALGORITHM}\s+Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),"
    r"\s*Signature=([0-9a-f]{64})\s*$"
)
_SECONDS = re.compile(r"[0-9]{1,12}")
UNSIGNED = "UNSIGNED-PAYLOAD"
HEX_SHA256 = re.compile(r"[0-9a-f]{64}")

SecretOf = Callable[[str], str | None]


class SignatureError(Exception):
    """A request whose signature does not stand: S3's error code, status and further elements."""

    def __init__(
        self, code: str, message: str, status: int = 403, details: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.details = code, message, status, details or {}


@dataclass(frozen=True)
class Signed:
    """What a request says about its own signature; `payload` is the hash that was signed."""

    credential: str
    signed_headers: str
    signature: str
    timestamp: str
    payload: str
    query: str
    expires: int | None = None


def verify(
    environ: dict[str, Any], secret_of: SecretOf, now: datetime, moved: timedelta = timedelta(0)
) -> None:
    """Raise `SignatureError` unless the request carries a valid, current signature.

    `moved` is how far the stack's clock is ahead of `now`, the real time that most clients sign at.
    """
    headers: Message = environ["groundwork.headers"]
    query: str = environ["QUERY_STRING"]
    if "Authorization" in headers:
        signed = _from_header(headers, query)
    elif "X-Amz-Signature=" in query:
        signed = _from_query(query)
    elif "Signature=" in query and "AWSAccessKeyId=" in query:
        raise _unsupported()
    else:
        raise SignatureError("AccessDenied", "Access Denied")
    key_id, scope = _scope(signed)
    secret = secret_of(key_id)
    if secret is None:
        raise SignatureError(
            "InvalidAccessKeyId",
            "The AWS Access Key Id you provided does not exist in our records.",
            details={"AWSAccessKeyId": key_id},
        )
    _check_time(signed, now, moved)
    _check_unsigned_headers(headers, signed)
    expected = _signature(secret, scope, signed, _canonical(environ, headers, signed))
    if not hmac.compare_digest(expected, signed.signature):
        raise SignatureError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
            details={"AWSAccessKeyId": key_id, "SignatureProvided": signed.signature},
        )
    _check_payload(environ["groundwork.body"], signed)


def _unsupported() -> SignatureError:
    return SignatureError(
        "InvalidRequest",
        "The authorization mechanism you have provided is not supported. "
        "Please use AWS4-HMAC-SHA256.",
        400,
    )


def _from_header(headers: Message, query: str) -> Signed:
    text = headers["Authorization"]
    if not text.startswith(ALGORITHM):
        raise _unsupported()
    match = HEADER.match(text)
    if not match:
        raise SignatureError(
            "AuthorizationHeaderMalformed", "The authorization header is malformed.", 400
        )
    payload = headers.get("x-amz-content-sha256")
    if payload is None:
        raise SignatureError(
            "InvalidRequest", "Missing required header for this request: x-amz-content-sha256", 400
        )
    credential, signed_headers, signature = match.groups()
    timestamp = headers.get("x-amz-date") or ""
    return Signed(credential, signed_headers, signature, timestamp, payload, query)


def _from_query(query: str) -> Signed:
    values = {name.lower(): value for name, value in _pairs(query)}
    try:
        if not _SECONDS.fullmatch(values["x-amz-expires"]):
            raise ValueError(values)
        expires = int(values["x-amz-expires"])
        if values["x-amz-algorithm"] != ALGORITHM:
            raise ValueError(values)
        signed = Signed(
            values["x-amz-credential"],
            values["x-amz-signedheaders"],
            values["x-amz-signature"],
            values["x-amz-date"],
            values.get("x-amz-content-sha256", UNSIGNED),
            "&".join(p for p in query.split("&") if not p.lower().startswith("x-amz-signature=")),
            expires,
        )
    except (KeyError, ValueError):
        raise SignatureError(
            "AuthorizationQueryParametersError",
            "Query-string authentication version 4 requires the X-Amz-Algorithm, "
            "X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and "
            "X-Amz-Expires parameters.",
            400,
        ) from None
    if expires > LONGEST_PRESIGNED_SECONDS:
        raise SignatureError(
            "AuthorizationQueryParametersError",
            "X-Amz-Expires must be less than a week (in seconds) that is, less than 604800",
            400,
        )
    return signed


def _scope(signed: Signed) -> tuple[str, list[str]]:
    key_id, *scope = signed.credential.split("/")
    if len(scope) != 4 or scope[2:] != ["s3", "aws4_request"]:
        raise SignatureError(
            "AuthorizationHeaderMalformed", "The credential's scope is malformed.", 400
        )
    if not signed.timestamp.startswith(scope[0]) or "host" not in signed.signed_headers.split(";"):
        raise SignatureError(
            "AuthorizationHeaderMalformed",
            "The credential's date must be that of the request, and the host must be signed.",
            400,
        )
    return key_id, scope


def _check_time(signed: Signed, now: datetime, moved: timedelta) -> None:
    try:
        moment = datetime.strptime(signed.timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise SignatureError(
            "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"
        ) from None
    if (moment - now).total_seconds() > AHEAD_SECONDS:
        now += moved
    age = (now - moment).total_seconds()
    if signed.expires is None and abs(age) > SKEW_SECONDS:
        raise SignatureError(
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        )
    if signed.expires is not None and age < -SKEW_SECONDS:
        raise SignatureError("AccessDenied", "Request is not valid yet")
    if signed.expires is not None and age > signed.expires:
        raise SignatureError(
            "AccessDenied",
            "Request has expired",
            details={
                "X-Amz-Expires": str(signed.expires),
                "ServerTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        )


def _check_unsigned_headers(headers: Message, signed: Signed) -> None:
    names = {name.lower() for name in headers} - set(signed.signed_headers.split(";"))
    unsigned = sorted(name for name in names if name.startswith("x-amz-"))
    if signed.expires is not None:
        unsigned = [name for name in unsigned if name != "x-amz-content-sha256"]
    if unsigned:
        raise SignatureError(
            "AccessDenied",
            "There were headers present in the request which were not signed",
            details={"HeadersNotSigned": ", ".join(unsigned)},
        )


def _canonical(environ: dict[str, Any], headers: Message, signed: Signed) -> str:
    path = environ.get("groundwork.signed_path") or environ["RAW_URI"].partition("?")[0]
    query = sorted((_encode(name), _encode(value)) for name, value in _pairs(signed.query))
    lines = [
        f"{name}:{','.join(' '.join(v.split()) for v in headers.get_all(name, []))}\n"
        for name in signed.signed_headers.split(";")
    ]
    return "\n".join(
        [
            environ["REQUEST_METHOD"],
            _encode(path, keep="/", encoded=True),
            "&".join(f"{name}={value}" for name, value in query),
            "".join(lines),
            signed.signed_headers,
            signed.payload,
        ]
    )


def _signature(secret: str, scope: list[str], signed: Signed, canonical: str) -> str:
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join([ALGORITHM, signed.timestamp, "/".join(scope), digest])
    key = f"AWS4{secret}".encode()
    for part in scope:
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def _check_payload(body: bytes, signed: Signed) -> None:
    if HEX_SHA256.fullmatch(signed.payload):
        if hashlib.sha256(body).hexdigest() != signed.payload:
            raise SignatureError(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                400,
            )
    elif signed.payload != UNSIGNED and not signed.payload.startswith("STREAMING-"):
        raise SignatureError(
            "InvalidArgument",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- value or a valid sha256.",
            400,
        )


def _pairs(query: str) -> list[tuple[str, str]]:
    pairs = (part.partition("=") for part in query.split("&") if part)
    return [(_decode(name), _decode(value)) for name, _, value in pairs]


def _decode(text: str) -> str:
    return unquote_to_bytes(text).decode("utf-8", "surrogateescape")


def _encode(text: str, keep: str = "", encoded: bool = False) -> str:
    raw = unquote_to_bytes(text) if encoded else text.encode("utf-8", "surrogateescape")
    return quote(raw, safe=f"{keep}-_.~")

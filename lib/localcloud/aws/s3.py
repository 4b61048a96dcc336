"""S3 repairs: signatures and expiry are checked, browsers get the bucket's own CORS rules.

Stock moto answers anyone, with bad signatures and expired presigned URLs too, and its server allows
every origin everything.
"""

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from localcloud.aws import sigv4
from localcloud.aws.connections import Answer
from localcloud.aws.errors import refusal
from localcloud.aws.failures import UnsupportedError
from localcloud.aws.iam.gate import Gate
from localcloud.aws.routing import LocalRequest, call_moto

CORS_PREFIX = "access-control-"


WELL_KNOWN = {"test": "test"}
"""The pair that people give to local AWS out of habit; its signatures are checked, too."""


def handler(
    access_key_id: str, secret_access_key: str, gate: Gate, moved: Callable[[], int]
) -> Callable[[LocalRequest], Answer]:
    """A handler that knows one pair of keys, besides those that local IAM and STS have made.

    A signature is checked before `gate` is asked, so that a presigned address is authorised as its
    signer when it is used. `moved` says by how many seconds functions are ahead of real time.
    """

    def secret_of(key_id: str) -> str | None:
        known = {access_key_id: secret_access_key, **WELL_KNOWN}
        return known.get(key_id) or _made_locally(key_id)

    def handle(request: LocalRequest) -> Answer:
        if request.method == "OPTIONS":
            return _preflight(request, _bucket_of(request))
        try:
            _refuse_forms(request)
            ahead = timedelta(seconds=moved())
            sigv4.verify(request.environ, secret_of, datetime.now(UTC), ahead)
            answer = gate.refusal("s3", request.environ) or gate.veiled(
                request.environ, call_moto("s3", request)
            )
        except sigv4.SignatureError as error:
            answer = refusal("s3", error.status, error.code, error.message, error.details)
        return with_cors(answer, request)

    return handle


def _refuse_forms(request: LocalRequest) -> None:
    if request.method == "POST" and request.mimetype == "multipart/form-data":
        raise UnsupportedError("browser form uploads (POST policy); use a presigned PUT")


def _made_locally(key_id: str) -> str | None:
    """The secret of a key that local IAM or STS has made, when either has been used."""
    if iam := sys.modules.get("moto.iam.models"):
        for _, _, backend in iam.iam_backends.iter_backends():
            for user in backend.users.values():
                for key in user.access_keys:
                    if key.access_key_id == key_id:
                        return str(key.secret_access_key)
    if sts := sys.modules.get("moto.sts.models"):
        for _, _, backend in sts.sts_backends.iter_backends():
            for role in backend.assumed_roles:
                if role.access_key_id == key_id:
                    return str(role.secret_access_key)
    return None


# CORS: "Using cross-origin resource sharing (CORS)", Amazon S3 user guide


def _preflight(request: LocalRequest, bucket: str) -> Answer:
    origin = request.headers.get("Origin")
    method = request.headers.get("Access-Control-Request-Method")
    if not origin or not method:
        return refusal(
            "s3", 400, "BadRequest", "Insufficient information. Origin request header needed."
        )
    wanted = request.headers.get("Access-Control-Request-Headers", "")
    headers = [name.strip().lower() for name in wanted.split(",") if name.strip()]
    rule = _matching_rule(bucket, origin, method, headers)
    if rule is None:
        message = "CORSResponse: This CORS request is not allowed."
        return refusal("s3", 403, "AccessForbidden", message)
    allowed = _cors_headers(rule, origin)
    if headers:
        allowed["Access-Control-Allow-Headers"] = ", ".join(headers)
    if rule.max_age_seconds is not None:
        allowed["Access-Control-Max-Age"] = str(rule.max_age_seconds)
    return Answer(200, allowed)


def _bucket_of(request: LocalRequest) -> str:
    return unquote(request.raw_path.split("/")[1])


def with_cors(answer: Answer, request: LocalRequest) -> Answer:
    """The answer with the headers that the bucket's rules give the request's origin."""
    kept = {k: v for k, v in answer.headers.items() if not k.lower().startswith(CORS_PREFIX)}
    origin = request.headers.get("Origin")
    rule = _matching_rule(_bucket_of(request), origin, request.method, []) if origin else None
    if rule and origin:
        kept |= _cors_headers(rule, origin)
    return Answer(answer.status, kept, answer.body)


def _cors_headers(rule: Any, origin: str) -> dict[str, str]:
    everybody = "*" in rule.allowed_origins
    headers = {
        "Access-Control-Allow-Origin": "*" if everybody else origin,
        "Access-Control-Allow-Methods": ", ".join(rule.allowed_methods),
        "Vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }
    if not everybody:
        headers["Access-Control-Allow-Credentials"] = "true"
    if rule.exposed_headers:
        headers["Access-Control-Expose-Headers"] = ", ".join(rule.exposed_headers)
    return headers


def _matching_rule(bucket: str, origin: str, method: str, headers: list[str]) -> Any:
    """The first of the bucket's rules that allows origin, method and all headers."""
    for rule in _rules(bucket):
        if (
            method in rule.allowed_methods
            and any(_fits(pattern, origin) for pattern in rule.allowed_origins)
            and all(
                any(_fits(pattern.lower(), name) for pattern in rule.allowed_headers or [])
                for name in headers
            )
        ):
            return rule
    return None


def _rules(bucket: str) -> list[Any]:
    models = sys.modules.get("moto.s3.models")
    if models is None:
        return []
    for _, _, backend in models.s3_backends.iter_backends():
        if found := backend.buckets.get(bucket):
            return list(found.cors)
    return []


def _fits(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None

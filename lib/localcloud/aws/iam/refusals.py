"""Refusals as each protocol sends them, so that clients raise them like AWS's own."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from localcloud.aws.connections import Answer
from localcloud.aws.errors import QUERY_SERVICES, refusal


class Kind(Enum):
    """Why a request is refused: codes for JSON, query and S3, and the sentence of a bad token."""

    DENIED = ("AccessDeniedException", "AccessDenied", "AccessDenied", "")
    INVALID = (
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidToken",
        "The security token included in the request is invalid.",
    )
    EXPIRED = (
        "ExpiredTokenException",
        "ExpiredToken",
        "ExpiredToken",
        "The security token included in the request is expired.",
    )


def refused(service: str, environ: Mapping[str, Any], kind: Kind, message: str = "") -> Answer:
    """400 in the JSON protocol, 403 wherever else; S3's bad tokens are 400 too."""
    in_json, in_query, in_s3, sentence = kind.value
    text = message or sentence
    if service == "s3":
        return refusal("s3", 403 if kind is Kind.DENIED else 400, in_s3, text)
    if "HTTP_X_AMZ_TARGET" in environ:
        # Also services of the query protocol, when they are spoken to in JSON.
        return refusal("json", 400, in_json, text)
    code = in_query if service in QUERY_SERVICES else in_json
    return refusal(service, 403, code, text)

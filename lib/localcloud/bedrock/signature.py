"""Requests must carry a SigV4 `Authorization` header for the service `bedrock`.

Its form is checked, not its signature; what its signer may do is the matter of `permissions`.
"""

import re
from collections.abc import Mapping

from localcloud.bedrock.errors import BedrockError

_CREDENTIAL = re.compile(
    r"[A-Za-z0-9]{1,128}/[0-9]{8}/[a-z0-9-]+/(?P<service>[a-z0-9-]+)/aws4_request"
)
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
ALGORITHM = "AWS4-HMAC-SHA256"


def require(headers: Mapping[str, str]) -> None:
    """Raises BedrockError for a request that Bedrock would not authenticate."""
    header = headers.get("Authorization", "")
    if not header:
        raise BedrockError("MissingAuthenticationTokenException", "Missing Authentication Token")
    algorithm, _, rest = header.partition(" ")
    if algorithm != ALGORITHM:
        raise BedrockError(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    parts = {
        name: value for name, _, value in (part.strip().partition("=") for part in rest.split(","))
    }
    for name in ("Credential", "Signature", "SignedHeaders"):
        if name not in parts:
            raise BedrockError(
                "IncompleteSignatureException",
                f"Authorization header requires '{name}' parameter. (Hashed with SHA-256)",
            )
    credential = _CREDENTIAL.fullmatch(parts["Credential"])
    if not credential or not _SIGNATURE.fullmatch(parts["Signature"]):
        raise BedrockError(
            "UnrecognizedClientException", "The security token included in the request is invalid."
        )
    if credential["service"] != "bedrock":
        raise BedrockError(
            "IncompleteSignatureException",
            "Credential should be scoped to correct service: 'bedrock'.",
        )

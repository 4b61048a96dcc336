"""Cognito access and ID tokens, verified by the issuer's published keys.

Source of the rules: Amazon Cognito developer guide, "Verifying JSON web tokens".
"""

import time
from typing import Any

import jwt
from jwt.exceptions import PyJWTError

from saas import json_text
from saas.credential import CLOCK_TOLERANCE_SECONDS, check_times
from saas.issuer_keys import IssuerKeys
from saas.settings import aws_environment


class InvalidToken(Exception):
    """The token does not hold."""


_keys: dict[str, IssuerKeys] = {}


def keys_url(issuer: str) -> str:
    """Where a pool's keys are: below its issuer, or below the endpoint that clients are sent to.

    The SDKs' own `AWS_ENDPOINT_URL` variables redirect this request as they do every other one to
    AWS (AWS SDKs and Tools Reference Guide, "Service-specific endpoints"), so that a function with
    its deployed configuration runs against another endpoint. The issuer that a token must name
    stays the configured one.
    """
    endpoint = aws_environment().redirected("cognito-identity-provider")
    pool = issuer.rpartition("/")[2]
    return f"{f'{endpoint}/{pool}' if endpoint else issuer}/.well-known/jwks.json"


def verify(token: str, issuer: str, client_id: str) -> dict[str, Any]:
    """The claims of a valid access or ID token of this pool and client.

    Args:
        token: the compact JWT from the `Authorization` header.
        issuer: the pool's issuer URL.
        client_id: the app client that the token must have been issued to.

    Raises:
        InvalidToken: wrong signature, algorithm, issuer, client, use or time.
        OSError: whether the issuer has that key cannot be known at the moment.
    """
    try:
        claims = _signed(token, issuer)
        check_times(claims)
    except (PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise InvalidToken("does not verify") from error
    if claims.get("iss") != issuer or claims.get("iat", 0) > time.time() + CLOCK_TOLERANCE_SECONDS:
        raise InvalidToken("issued by somebody else, or in the future")
    use = claims.get("token_use")
    issued_to = {"access": claims.get("client_id"), "id": claims.get("aud")}
    if use not in ("access", "id") or issued_to[use] != client_id or not client_id:
        raise InvalidToken("issued for another use or client")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise InvalidToken("no subject")
    return claims


def _signed(token: str, issuer: str) -> dict[str, Any]:
    """The claims, once the signature holds; nothing is said of what they claim."""
    header = jwt.get_unverified_header(token)
    if header.get("alg") != "RS256" or not isinstance(header.get("kid"), str):
        raise InvalidToken("not signed as Cognito signs")
    key = _keys.setdefault(issuer, IssuerKeys(keys_url(issuer))).find(header["kid"])
    if key is None:
        raise InvalidToken("signed with an unknown key")
    claims = json_text.read(jwt.PyJWS().decode(token, key.key, algorithms=["RS256"]))
    if not isinstance(claims, dict):
        raise InvalidToken("claims are not an object")
    return claims


def forget_keys() -> None:
    """Drop all fetched keys (tests)."""
    _keys.clear()

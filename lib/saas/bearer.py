"""Cognito access and ID tokens, verified by the issuer's published keys.

Source of the rules: Amazon Cognito developer guide, "Verifying JSON web tokens".
"""

import json
import math
import time
import urllib.request
from http.client import HTTPException
from typing import Any

import jwt
from jwt.exceptions import PyJWTError

from saas.settings import aws_environment

KEYS_SECONDS = 3600
REFETCH_SECONDS = 10
TIMEOUT_SECONDS = 3
CLOCK_TOLERANCE_SECONDS = 15


class InvalidToken(Exception):
    """The token does not hold."""


class _Keys:
    """One issuer's JSON Web Key Set; once it is known, asked for at most every ten seconds."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.by_id: dict[str, jwt.PyJWK] = {}
        self.fetched = self.tried = -math.inf

    def find(self, key_id: str) -> jwt.PyJWK:
        now = time.monotonic()
        wanted = key_id not in self.by_id or now - self.fetched > KEYS_SECONDS
        if wanted and (not self.by_id or now - self.tried > REFETCH_SECONDS):
            self._renew(now)
        if key_id not in self.by_id:
            raise InvalidToken("signed with an unknown key")
        return self.by_id[key_id]

    def _renew(self, now: float) -> None:
        """Keys that were good an hour ago stay good while the issuer cannot be reached."""
        self.tried = now
        try:
            self.by_id = _fetched(self.issuer)
        except OSError:
            if not self.by_id:
                raise
            return
        self.fetched = now


def _fetched(issuer: str) -> dict[str, jwt.PyJWK]:
    """The issuer's keys by id. Raises OSError for no answer and for one that is no set of keys."""
    try:
        with urllib.request.urlopen(keys_url(issuer), timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            keys = json.load(answer)["keys"]
        return {key["kid"]: jwt.PyJWK(key) for key in keys if key.get("kty") == "RSA"}
    except (HTTPException, ValueError, LookupError, TypeError, AttributeError, PyJWTError) as error:
        raise OSError("the issuer's answer is no set of keys") from error


_keys: dict[str, _Keys] = {}


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
        OSError: the issuer's keys could not be fetched and none are known yet.
    """
    keys = _keys.setdefault(issuer, _Keys(issuer))
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") != "RS256" or not isinstance(header.get("kid"), str):
            raise InvalidToken("not signed as Cognito signs")
        claims: dict[str, Any] = jwt.decode(
            token,
            keys.find(header["kid"]).key,
            algorithms=["RS256"],
            issuer=issuer,
            leeway=CLOCK_TOLERANCE_SECONDS,
            options={"require": ["exp", "iss", "sub"], "verify_aud": False},
        )
    except (PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise InvalidToken("does not verify") from error
    use = claims.get("token_use")
    issued_to = {"access": claims.get("client_id"), "id": claims.get("aud")}
    if use not in issued_to or issued_to[use] != client_id or not client_id:
        raise InvalidToken("issued for another use or client")
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise InvalidToken("no subject")
    return claims


def forget_keys() -> None:
    """Drop all fetched keys (tests)."""
    _keys.clear()

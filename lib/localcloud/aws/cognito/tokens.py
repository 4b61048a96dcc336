"""Tokens: signed by a key of this process, issued by the local address, expiring, revocable.

Stock moto signs with a key that is published inside its package, names AWS as the issuer, and
accepts an access token for ever.
"""

import functools
import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from moto.cognitoidp.models import CognitoIdpBackend, CognitoIdpUser, CognitoIdpUserPool, UserStatus

from localcloud.aws.cognito.errors import not_authorized, user_not_found
from localcloud.aws.connections import Answer
from localcloud.aws.repair import repair

UNIT_SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
DEFAULT_VALIDITY = {"AccessToken": 3600, "IdToken": 3600, "RefreshToken": 30 * 86400}
JWKS_SUFFIX = "/.well-known/jwks.json"
OPENID_SUFFIX = "/.well-known/openid-configuration"
_ISSUER_BASE = ""
_SERVED_BASE = ""
_now: Callable[[], float] = time.time


def issue_from(base: str, served: str, now: Callable[[], float] = time.time) -> None:
    """Set what every pool's issuer begins with, `<base>/<pool id>`, and where keys are served.

    `now` is the time (epoch seconds) by which functions judge tokens.
    """
    global _ISSUER_BASE, _SERVED_BASE, _now
    _ISSUER_BASE, _SERVED_BASE, _now = base, served, now


def issuer(pool_id: str) -> str:
    return f"{_ISSUER_BASE}/{pool_id}"


@functools.cache
def _signing_key() -> Any:
    from joserfc import jwk

    return jwk.RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)


def published(pool_id: str, path: str) -> Answer:
    """The JWKS or the OpenID configuration of a pool."""
    if path.endswith(JWKS_SUFFIX):
        key = _signing_key()
        document: dict[str, Any] = {"keys": [{**key.as_dict(private=False), "kid": key.kid}]}
    else:
        document = {
            "issuer": issuer(pool_id),
            "jwks_uri": f"{_SERVED_BASE}/{pool_id}{JWKS_SUFFIX}",
            "response_types_supported": ["code", "token"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    return Answer(200, {"Content-Type": "application/json"}, json.dumps(document).encode())


@repair(CognitoIdpUserPool, "create_jwt")
def create_jwt(  # noqa: PLR0917 - moto's parameters
    self: CognitoIdpUserPool,
    client_id: str,
    username: str,
    token_use: str,
    expires_in: int = 60 * 60,
    extra_data: dict[str, Any] | None = None,
) -> tuple[str, int]:
    """A token with the local issuer, the user's attributes and the lifetime the client sets."""
    from joserfc import jwt

    now, user = int(_now()), self._get_user(username)
    use = "AccessToken" if token_use == "access" else "IdToken"
    expires_in = validity_seconds(self.clients.get(client_id), use)
    claims = {
        "iss": issuer(self.id),
        "sub": user.id,
        "client_id" if token_use == "access" else "aud": client_id,
        "username" if token_use == "access" else "cognito:username": user.username,
        "token_use": token_use,
        "event_id": str(uuid4()),
        "auth_time": now,
        "iat": now,
        "exp": now + expires_in,
        "jti": str(uuid4()),
        **(_attribute_claims(user) if token_use == "id" else {}),
        **{k: v for k, v in (extra_data or {}).items() if k not in user.attribute_lookup},
    }
    key = _signing_key()
    return jwt.encode({"kid": key.kid, "alg": "RS256"}, claims, key), expires_in


def _attribute_claims(user: CognitoIdpUser) -> dict[str, Any]:
    booleans = ("email_verified", "phone_number_verified")
    return {
        name: value == "true" if name in booleans else value
        for name, value in user.attribute_lookup.items()
        if name != "sub"
    }


def validity_seconds(client: Any, token: str) -> int:
    """How long a client's `AccessToken`, `IdToken` or `RefreshToken` lives."""
    settings = client.extended_config if client else {}
    value = settings.get(f"{token}Validity")
    if not value:
        return DEFAULT_VALIDITY[token]
    default_unit = "days" if token == "RefreshToken" else "hours"
    unit = (settings.get("TokenValidityUnits") or {}).get(token) or default_unit
    return int(value) * UNIT_SECONDS[unit]


@repair(CognitoIdpBackend, "get_user")
def get_user(self: CognitoIdpBackend, access_token: str) -> CognitoIdpUser:
    """The user of a live access token; stock moto accepts expired ones."""
    for pool in self.user_pools.values():
        if access_token in pool.access_tokens:
            _, username = pool.access_tokens[access_token]
            user = pool._get_user(username)
            if user is None:
                raise user_not_found()
            if claims(access_token)["exp"] <= _now():
                raise not_authorized("Access Token has expired")
            if not user.enabled or user.status is not UserStatus.CONFIRMED:
                raise not_authorized("User is disabled.")
            return user
    raise not_authorized("Invalid Access Token")


def claims(token: str) -> dict[str, Any]:
    """The claims of a token that this process issued, without checking it again."""
    import base64

    payload = token.split(".")[1]
    decoded: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return decoded


def revoke(pool: CognitoIdpUserPool, refresh_token: str) -> None:
    """End a refresh token and every access token that came from it (RevokeToken)."""
    entry = pool.refresh_tokens.get(refresh_token)
    if not entry:
        return
    pool.refresh_tokens[refresh_token] = None
    for token in [t for t in pool.access_tokens if claims(t).get("origin_jti") == entry[2]]:
        del pool.access_tokens[token]

"""Signing in: passwords and SRP proofs that are really checked, refresh tokens, challenges.

Stock moto accepts any SRP proof, tells unknown users from wrong passwords, and lets a challenge of
one user be answered for another.
"""

import hmac
import time
from typing import Any
from uuid import uuid4

from moto.cognitoidp.models import (
    CognitoIdpBackend,
    CognitoIdpUser,
    CognitoIdpUserPool,
    CognitoIdpUserPoolClient,
    UserStatus,
)

from localcloud.aws.cognito import srp_flow, tokens
from localcloud.aws.cognito.errors import (
    CognitoError,
    invalid_parameter,
    not_authorized,
    not_confirmed,
    user_not_found,
    wrong_credentials,
)
from localcloud.aws.cognito.pools import check_client_secret, find_client, hides_unknown_users
from localcloud.aws.repair import repair

# A client may have named its flows in the old style, without ALLOW_.
DEFAULT_FLOWS = ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_CUSTOM_AUTH"]

Answered = dict[str, Any]


@repair(CognitoIdpBackend, "initiate_auth")
def initiate_auth(
    self: CognitoIdpBackend,  # noqa: ARG001 - the client id says which backend
    client_id: str,
    auth_flow: str,
    auth_parameters: dict[str, str],
) -> Answered:
    """InitiateAuth: USER_PASSWORD_AUTH, USER_SRP_AUTH, REFRESH_TOKEN_AUTH."""
    backend, pool, client = find_client(client_id)
    return _initiate(backend, pool, client, auth_flow, auth_parameters or {})


@repair(CognitoIdpBackend, "admin_initiate_auth")
def admin_initiate_auth(
    self: CognitoIdpBackend,
    user_pool_id: str,
    client_id: str,
    auth_flow: str,
    auth_parameters: dict[str, str],
) -> Answered:
    """AdminInitiateAuth: the same checks, and the password flow under its admin name."""
    pool = self.describe_user_pool(user_pool_id)
    client = self.describe_user_pool_client(user_pool_id, client_id)
    if auth_flow == "ADMIN_NO_SRP_AUTH":
        auth_flow = "ADMIN_USER_PASSWORD_AUTH"
    return _initiate(self, pool, client, auth_flow, auth_parameters or {})


def _initiate(
    backend: CognitoIdpBackend,
    pool: CognitoIdpUserPool,
    client: CognitoIdpUserPoolClient,
    flow: str,
    parameters: dict[str, str],
) -> Answered:
    if flow in ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"):
        return _refresh(pool, client, parameters)
    allowed = client.extended_config.get("ExplicitAuthFlows") or DEFAULT_FLOWS
    if flow not in ("USER_PASSWORD_AUTH", "USER_SRP_AUTH", "ADMIN_USER_PASSWORD_AUTH"):
        raise invalid_parameter("Initiate Auth method not supported.")
    if f"ALLOW_{flow}" not in allowed and flow not in allowed:
        raise invalid_parameter(f"{flow} flow not enabled for this client")
    username = parameters.get("USERNAME")
    if not username:
        raise invalid_parameter("Missing required parameter USERNAME")
    check_client_secret(client, username, parameters.get("SECRET_HASH"))
    user = pool._get_user(username)
    if user is None and not hides_unknown_users(client):
        raise user_not_found()
    if flow == "USER_SRP_AUTH":
        return srp_flow.start(backend, pool, user, username, parameters)
    if "PASSWORD" not in parameters:
        raise invalid_parameter("Missing required parameter PASSWORD")
    if user is None or not _same(user.password, parameters["PASSWORD"]):
        raise wrong_credentials()
    return _signed_in(backend, pool, client, user)


def _same(known: str | None, given: str) -> bool:
    return known is not None and hmac.compare_digest(known.encode(), given.encode())


@repair(CognitoIdpBackend, "respond_to_auth_challenge")
def respond_to_auth_challenge(
    self: CognitoIdpBackend,
    session: str,
    client_id: str,
    challenge_name: str,
    challenge_responses: dict[str, str],
) -> Answered:
    """RespondToAuthChallenge: SRP proofs are verified, other challenges belong to one user."""
    backend, pool, client = find_client(client_id)
    responses = dict(challenge_responses or {})
    username = responses.get("USERNAME")
    if not username:
        raise invalid_parameter("Missing required parameter USERNAME")
    check_client_secret(client, username, responses.get("SECRET_HASH"))
    if challenge_name == "PASSWORD_VERIFIER":
        return _signed_in(backend, pool, client, srp_flow.verified(pool, username, responses))
    user = pool._get_user(username)
    owner, session_pool = backend.sessions.get(session, (None, None))
    if user is None or owner != user.username or session_pool is not pool:
        raise not_authorized("Invalid session for the user.")
    responses["USERNAME"] = user.username
    answered: Answered = respond_to_auth_challenge.stock(  # type: ignore[attr-defined]
        self, session, client_id, challenge_name, responses
    )
    if not answered:
        raise invalid_parameter(f"Challenge {challenge_name} is not supported.")
    return answered


def _signed_in(
    backend: CognitoIdpBackend,
    pool: CognitoIdpUserPool,
    client: CognitoIdpUserPoolClient,
    user: CognitoIdpUser,
) -> Answered:
    """Tokens, or the next challenge, of a user whose password is proved."""
    if not user.enabled:
        raise not_authorized("User is disabled.")
    if user.status == UserStatus.UNCONFIRMED:
        raise not_confirmed()
    if user.status == UserStatus.RESET_REQUIRED:
        raise CognitoError("PasswordResetRequiredException", "Password reset required for the user")
    challenge = _next_challenge(user)
    if challenge is None:
        vars(pool).setdefault("groundwork_refresh_times", {})
        answered: Answered = backend._log_user_in(pool, client, user.username)
        token = answered["AuthenticationResult"]["RefreshToken"]
        lifetime = tokens.validity_seconds(client, "RefreshToken")
        vars(pool)["groundwork_refresh_times"][token] = time.time() + lifetime
        return answered
    session = str(uuid4())
    backend.sessions[session] = (user.username, pool)
    parameters = {
        "USER_ID_FOR_SRP": user.username,
        "userAttributes": "{}",
        "requiredAttributes": "[]",
    }
    return {"ChallengeName": challenge, "ChallengeParameters": parameters, "Session": session}


def _next_challenge(user: CognitoIdpUser) -> str | None:
    if user.status == UserStatus.FORCE_CHANGE_PASSWORD:
        return "NEW_PASSWORD_REQUIRED"
    preferred = user.preferred_mfa_setting
    if user.software_token_mfa_enabled and preferred == "SOFTWARE_TOKEN_MFA":
        return "SOFTWARE_TOKEN_MFA"
    return "SMS_MFA" if user.sms_mfa_enabled and preferred == "SMS_MFA" else None


def _refresh(
    pool: CognitoIdpUserPool, client: CognitoIdpUserPoolClient, parameters: dict[str, str]
) -> Answered:
    token = parameters.get("REFRESH_TOKEN")
    if not token:
        raise invalid_parameter("Missing required parameter REFRESH_TOKEN")
    if token in pool.refresh_tokens and pool.refresh_tokens[token] is None:
        raise not_authorized("Refresh Token has been revoked")
    owner, username, _ = pool.refresh_tokens.get(token) or (None, None, None)
    expires = vars(pool).get("groundwork_refresh_times", {}).get(token, 0.0)
    user = pool._get_user(username) if username else None
    if owner != client.id or user is None:
        raise not_authorized("Invalid Refresh Token")
    if expires <= time.time():
        raise not_authorized("Refresh Token has expired")
    if not user.enabled:
        raise not_authorized("User is disabled.")
    check_client_secret(client, user.username, parameters.get("SECRET_HASH"))
    access_token, id_token, expires_in = pool.create_tokens_from_refresh_token(token)
    return {
        "ChallengeParameters": {},
        "AuthenticationResult": {
            "AccessToken": access_token,
            "IdToken": id_token,
            "ExpiresIn": expires_in,
            "TokenType": "Bearer",
        },
    }

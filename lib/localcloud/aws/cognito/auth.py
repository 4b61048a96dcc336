"""Signing in: passwords and SRP proofs that are really checked, refresh tokens, challenges.

Stock moto accepts any SRP proof, tells unknown users from wrong passwords, and lets a challenge of one
user be answered for another.
"""

import hmac
import secrets
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from moto.cognitoidp.models import (
    CognitoIdpBackend,
    CognitoIdpUser,
    CognitoIdpUserPool,
    CognitoIdpUserPoolClient,
    UserStatus,
)

from localcloud.aws.cognito import srp, tokens
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
CHALLENGE_SECONDS = 180.0
TIMESTAMP_SKEW_SECONDS = 300.0
# Salts of users, and of those who do not exist, derive from it: stable, and not to be told apart.
_SALT_SECRET = secrets.token_bytes(32)

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
        return _start_srp(backend, pool, user, username, parameters)
    if "PASSWORD" not in parameters:
        raise invalid_parameter("Missing required parameter PASSWORD")
    if user is None or not _same(user.password, parameters["PASSWORD"]):
        raise wrong_credentials()
    return _signed_in(backend, pool, client, user)


def _same(known: str | None, given: str) -> bool:
    return known is not None and hmac.compare_digest(known.encode(), given.encode())


def _start_srp(
    backend: CognitoIdpBackend,
    pool: CognitoIdpUserPool,
    user: CognitoIdpUser | None,
    username: str,
    parameters: dict[str, str],
) -> Answered:
    if "SRP_A" not in parameters:
        raise invalid_parameter("Missing required parameter SRP_A")
    seed = hmac.digest(_SALT_SECRET, f"{pool.id}{username.casefold()}".encode(), "sha256")
    user_id = user.username if user else str(UUID(bytes=seed[16:], version=4))
    salt = int.from_bytes(hmac.digest(_SALT_SECRET, user_id.encode(), "sha256")[:16], "big")
    password = user.password if user and user.password else secrets.token_hex(32)
    pool_name = pool.id.split("_", 1)[1]
    try:
        challenge = srp.start(pool_name, user_id, password, salt, parameters["SRP_A"])
    except srp.BadPublicValueError:
        raise invalid_parameter("SRP_A is not valid.") from None
    _remember(pool, challenge)
    backend.sessions[challenge.secret_block] = (user_id, pool)
    return {
        "ChallengeName": "PASSWORD_VERIFIER",
        "ChallengeParameters": {
            "SALT": f"{challenge.salt:x}",
            "SRP_B": f"{challenge.server_public:x}",
            "SECRET_BLOCK": challenge.secret_block,
            "USERNAME": user_id,
            "USER_ID_FOR_SRP": user_id,
        },
    }


def _remember(pool: CognitoIdpUserPool, challenge: srp.Challenge) -> None:
    challenges = vars(pool).setdefault("groundwork_challenges", {})
    now = time.monotonic()
    for block in [b for b, (_, expires) in challenges.items() if expires < now]:
        del challenges[block]
    challenges[challenge.secret_block] = (challenge, now + CHALLENGE_SECONDS)


@repair(CognitoIdpBackend, "respond_to_auth_challenge")
def respond_to_auth_challenge(
    self: CognitoIdpBackend,
    session: str,
    client_id: str,
    challenge_name: str,
    challenge_responses: dict[str, str],
) -> Answered:
    """RespondToAuthChallenge: an SRP proof is verified; other challenges belong to their own user."""
    backend, pool, client = find_client(client_id)
    responses = dict(challenge_responses or {})
    username = responses.get("USERNAME")
    if not username:
        raise invalid_parameter("Missing required parameter USERNAME")
    check_client_secret(client, username, responses.get("SECRET_HASH"))
    if challenge_name == "PASSWORD_VERIFIER":
        return _signed_in(backend, pool, client, _verified(pool, username, responses))
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


def _verified(pool: CognitoIdpUserPool, username: str, responses: dict[str, str]) -> CognitoIdpUser:
    for name in ("PASSWORD_CLAIM_SECRET_BLOCK", "PASSWORD_CLAIM_SIGNATURE", "TIMESTAMP"):
        if not responses.get(name):
            raise invalid_parameter(f"Missing required parameter {name}")
    challenges = vars(pool).setdefault("groundwork_challenges", {})
    challenge, expires = challenges.pop(responses["PASSWORD_CLAIM_SECRET_BLOCK"], (None, 0.0))
    if challenge is None or expires < time.monotonic():
        raise not_authorized("Invalid session for the user.")
    timestamp = responses["TIMESTAMP"]
    in_time = abs(_epoch(timestamp) - time.time()) <= TIMESTAMP_SKEW_SECONDS
    proved = challenge.proved_by(responses["PASSWORD_CLAIM_SIGNATURE"], timestamp)
    user = pool._get_user(username)
    if not proved or not in_time or user is None or user.username != challenge.user_id:
        raise wrong_credentials()
    return user


def _epoch(timestamp: str) -> float:
    try:
        moment = datetime.strptime(timestamp, "%a %b %d %H:%M:%S UTC %Y")  # noqa: DTZ007
    except ValueError:
        raise invalid_parameter(
            "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english."
        ) from None
    return moment.replace(tzinfo=UTC).timestamp()


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

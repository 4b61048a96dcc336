"""An SRP sign-in in two steps: a challenge for an A, then the proof of the password."""

import hmac
import secrets
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from moto.cognitoidp.models import CognitoIdpBackend, CognitoIdpUser, CognitoIdpUserPool

from localcloud.aws.cognito import srp
from localcloud.aws.cognito.errors import invalid_parameter, not_authorized, wrong_credentials

CHALLENGE_SECONDS = 180.0
TIMESTAMP_SKEW_SECONDS = 300.0
# Salts of users, and of those who do not exist, derive from it: stable, and not to be told apart.
_SALT_SECRET = secrets.token_bytes(32)


def start(
    backend: CognitoIdpBackend,
    pool: CognitoIdpUserPool,
    user: CognitoIdpUser | None,
    username: str,
    parameters: dict[str, str],
) -> dict[str, Any]:
    """The PASSWORD_VERIFIER challenge; an unknown user gets one that nothing satisfies."""
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


def verified(pool: CognitoIdpUserPool, username: str, responses: dict[str, str]) -> CognitoIdpUser:
    """The user whose password the client has proved to know; each challenge serves once."""
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

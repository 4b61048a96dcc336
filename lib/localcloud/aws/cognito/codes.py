"""Verification codes: six random digits by mail, valid for a while and for a few attempts."""

import hmac
import secrets
import time
from dataclasses import dataclass, field
from typing import Any, Literal

from localcloud.aws.cognito.errors import CognitoError
from localcloud.aws.mail import MAILBOX

Purpose = Literal["signup", "password"]

# Cognito: sign-up codes live for 24 hours, forgotten-password codes for one.
LIFETIME_SECONDS: dict[Purpose, float] = {"signup": 24 * 3600.0, "password": 3600.0}
ATTEMPTS = 5


@dataclass
class Code:
    """One code that was sent; a new one for the same purpose replaces it."""

    value: str
    expires_at: float
    attempts: int = field(default=0)


def new_code(purpose: Purpose, now: float) -> Code:
    """Six random digits that live as long as the purpose allows."""
    return Code(f"{secrets.randbelow(1_000_000):06}", now + LIFETIME_SECONDS[purpose])


def check(code: Code | None, given: str, now: float) -> None:
    """Raise Cognito's error unless `given` is the code, in time and within its attempts."""
    if code is None or now >= code.expires_at:
        raise CognitoError(
            "ExpiredCodeException", "Invalid code provided, please request a code again."
        )
    if code.attempts >= ATTEMPTS:
        raise CognitoError(
            "LimitExceededException", "Attempt limit exceeded, please try after some time."
        )
    if not hmac.compare_digest(code.value.encode(), given.encode()):
        code.attempts += 1
        raise CognitoError(
            "CodeMismatchException", "Invalid verification code provided, please try again."
        )


def send(pool: Any, user: Any, purpose: Purpose) -> None:
    """Give `user` a new code for `purpose` and mail it by the pool's template."""
    code = new_code(purpose, time.time())
    vars(user).setdefault("groundwork_codes", {})[purpose] = code
    template = pool.extended_config.get("VerificationMessageTemplate") or {}
    subject = template.get("EmailSubject") or "Your verification code"
    body = template.get("EmailMessage") or "Your verification code is {####}."
    if purpose == "password":
        body = body.replace("verification code", "password reset code")
        subject = subject.replace("verification code", "password reset code")
    MAILBOX.send(
        user.attribute_lookup["email"],
        subject,
        body.replace("{####}", code.value),
        source="cognito",
        code=code.value,
    )


def temporary_password() -> str:
    """A random password that any policy accepts."""
    return f"Aa1-{secrets.token_urlsafe(16)}"


def invite(pool: Any, user: Any, password: str) -> None:
    """Mail a temporary password by the pool's invitation template."""
    settings = pool.extended_config.get("AdminCreateUserConfig") or {}
    template = settings.get("InviteMessageTemplate") or {}
    body = template.get("EmailMessage") or (
        "Your username is {username} and temporary password is {####}."
    )
    email = user.attribute_lookup["email"]
    MAILBOX.send(
        email,
        template.get("EmailSubject") or "Your temporary password",
        body.replace("{username}", email).replace("{####}", password),
        source="cognito",
    )


def consume(user: Any, purpose: Purpose, given: str) -> None:
    """Check a user's code and use it up; raises what `check` raises."""
    codes: dict[Purpose, Code] = vars(user).setdefault("groundwork_codes", {})
    check(codes.get(purpose), given, time.time())
    del codes[purpose]


def delivery(email: str) -> dict[str, str]:
    """`CodeDeliveryDetails`, with the address masked as Cognito masks it."""
    name, _, domain = email.partition("@")
    return {
        "Destination": f"{name[:1]}***@{domain[:1]}***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }

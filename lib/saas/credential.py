"""What a verified credential says, made fit for use: its times, its subject, its texts.

A signature proves who wrote the claims, not that they are well formed: sites and pools hold what
people typed.
"""

import re
import time
from collections.abc import Mapping
from math import isfinite
from typing import Any

CLOCK_TOLERANCE_SECONDS = 15
MAX_USER_ID_CHARACTERS = 256
# DynamoDB's sort keys are at most 1,024 bytes; the longest that the id is part of is this one.
MAX_USER_ID_BYTES = 1024 - len("SUBSCRIPTION#")
MAX_EMAIL_BYTES = 320
MAX_NAME_CHARACTERS = 256
# Mail servers judge the rest.
_ADDRESS = re.compile(r"\S+@[^\s@]+")
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f]")
# Halves of pairs, which no UTF-8 can hold: a site cut a name inside an emoji.
_SURROGATES = re.compile("[\ud800-\udfff]")


def check_times(claims: dict[str, Any]) -> None:
    """Raises ValueError unless the claims hold now; `exp` is required, `nbf` and `iat` are not."""
    now = time.time()
    if not _is_number(claims.get("exp")) or claims["exp"] + CLOCK_TOLERANCE_SECONDS <= now:
        raise ValueError("expired")
    for name in ("nbf", "iat"):
        if name in claims and not _is_number(claims[name]):
            raise ValueError(f"{name} is no time")
    if claims.get("nbf", now) > now + CLOCK_TOLERANCE_SECONDS:
        raise ValueError("not valid yet")


def user_id(subject: object) -> str:
    """The subject as it is, since a changed one could be somebody else's.

    Raises:
        ValueError: with a sentence; the id could not be stored whole.
    """
    if not isinstance(subject, str) or not subject:
        raise ValueError("The credential names no subject")
    if not _is_storable(subject):
        raise ValueError("The credential's subject holds characters that no user id can have")
    if len(subject) > MAX_USER_ID_CHARACTERS or len(subject.encode()) > MAX_USER_ID_BYTES:
        raise ValueError("The credential's subject is too long for a user id")
    return subject


def email(value: object) -> str:
    """An address as it is; empty for what is none, since a mended one could be somebody else's."""
    if not isinstance(value, str) or not _is_storable(value):
        return ""
    return value if _ADDRESS.fullmatch(value) and len(value.encode()) <= MAX_EMAIL_BYTES else ""


def verified_email(claims: Mapping[str, Any]) -> str:
    """The address that a user pool has verified; its users may type any, so others are none.

    Args:
        claims: of a token, or a user's attributes, which are all texts.
    """
    verified = claims.get("email_verified")
    return email(claims.get("email")) if verified is True or verified == "true" else ""


def name(value: object) -> str:
    """A name without what cannot be stored or shown, as long as Stripe's customers may have it."""
    if not isinstance(value, str):
        return ""
    return _SURROGATES.sub("", _CONTROLS.sub(" ", value)).strip()[:MAX_NAME_CHARACTERS]


def groups(value: object) -> tuple[str, ...]:
    """The names in a list of groups; whatever else is in it is no group."""
    listed = value if isinstance(value, list) else []
    return tuple(each for each in listed if isinstance(each, str) and _is_storable(each))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_storable(text: str) -> bool:
    return not _CONTROLS.search(text) and not _SURROGATES.search(text)

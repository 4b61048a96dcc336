"""What the users routes take and give."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, JsonValue, field_validator

from saas import credential
from saas.attributes import marshal
from saas.schemas import ApiModel, Claim, Optional

Name = Annotated[str, Field(max_length=200), AfterValidator(credential.name)]
MAX_PREFERENCES = 50
MAX_PREFERENCES_BYTES = 8_000
MAX_DEPTH = 8


class User(ApiModel):
    """The frontend's `User`; times are ISO 8601 UTC."""

    id: str
    email: str
    name: str
    created_at: str
    updated_at: str
    subscription_status: Literal["active", "inactive", "cancelled"]
    subscription_id: Optional[str]
    cognito_id: str


class Profile(User):
    """A user as the user sees it, preferences included."""

    preferences: dict[str, JsonValue]


class UserData(ApiModel):
    """What `createUser` may say of the caller. Everything else in it is ignored."""

    id: Claim = None
    name: Name | None = None


class SessionRequest(ApiModel):
    """Body of `POST /auth/session`; unknown actions are answered, not refused.

    `action` may be anything, and is only compared.
    """

    action: Any = None
    user_id: Claim = None
    user_data: UserData | None = None


class ProfileChange(ApiModel):
    """Body of `PATCH /users/me`: what is absent stays; preferences are replaced as a whole."""

    name: Name | None = None
    preferences: dict[str, JsonValue] | None = None

    @field_validator("preferences", mode="before")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        """Size first: all else looks at every part."""
        if not isinstance(value, dict):
            return value
        if len(value) > MAX_PREFERENCES:
            raise ValueError(f"at most {MAX_PREFERENCES} preferences")
        if _size(value) > MAX_PREFERENCES_BYTES:
            raise ValueError(f"at most {MAX_PREFERENCES_BYTES:,} bytes")
        if not _fits(value, MAX_DEPTH):
            raise ValueError(f"names must not be empty, and nesting ends at {MAX_DEPTH} levels")
        try:
            marshal(value)
        except ValueError as error:
            raise ValueError("a number in it cannot be stored") from error
        return value


def _size(value: Any) -> int:
    """Bytes of a JSON value."""
    try:
        return len(json.dumps(value, ensure_ascii=False).encode())
    except ValueError as error:
        raise ValueError("a text in it cannot be stored") from error


def _fits(value: Any, depth: int) -> bool:
    """Whether a JSON value is nested at most `depth` levels deep and has no empty names."""
    if isinstance(value, dict):
        parts = list(value.values())
        return depth > 0 and all(value) and all(_fits(part, depth - 1) for part in parts)
    if isinstance(value, list):
        return depth > 0 and all(_fits(part, depth - 1) for part in value)
    return True

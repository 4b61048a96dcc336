"""What the users routes take and give."""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, field_validator

from saas.schemas import ApiModel, Optional

Name = Annotated[str, Field(max_length=200)]
MAX_PREFERENCES = 50
MAX_PREFERENCES_CHARACTERS = 8_000


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

    id: str | None = None
    name: Name | None = None


class SessionRequest(ApiModel):
    """Body of `POST /auth/session`; unknown actions are answered, not refused."""

    action: JsonValue = None
    user_id: JsonValue = None
    user_data: UserData | None = None


class ProfileChange(ApiModel):
    """Body of `PATCH /users/me`: what is absent stays; preferences are replaced as a whole."""

    name: Name | None = None
    preferences: dict[str, JsonValue] | None = None

    @field_validator("preferences")
    @classmethod
    def _bounded(cls, value: Any) -> Any:
        if value is not None and (
            len(value) > MAX_PREFERENCES or len(str(value)) > MAX_PREFERENCES_CHARACTERS
        ):
            raise ValueError(
                f"at most {MAX_PREFERENCES} values, {MAX_PREFERENCES_CHARACTERS:,} characters"
            )
        return value

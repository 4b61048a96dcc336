"""Shapes that every domain's JSON shares: camelCase models and the envelope."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from saas.auth import MAX_CLAIM_CHARACTERS

T = TypeVar("T")


def _is_none(value: Any) -> bool:
    return value is None


class ApiModel(BaseModel):
    """A JSON object: camelCase outside, snake_case inside, unknown properties ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class Success(ApiModel, Generic[T]):
    """The envelope of every successful answer."""

    success: Literal[True] = True
    data: T


class MaybeSuccess(ApiModel, Generic[T]):
    """The envelope of an answer that may have nothing to tell: `data` is then left out."""

    success: Literal[True] = True
    data: T | None = Field(default=None, exclude_if=_is_none)


class Failure(ApiModel):
    """The envelope of every error; `requestId` is the id to look for in the logs."""

    success: Literal[False] = False
    error: str
    code: str
    request_id: str


class Health(ApiModel):
    """What a domain says of itself."""

    status: Literal["ok"] = "ok"
    service: str
    version: str
    image_digest: str | None = Field(default=None, exclude_if=_is_none)


# A `userId` in a body names the caller or nobody; `auth.refuse_foreign_claims` has checked it.
Claim = Annotated[str, Field(max_length=MAX_CLAIM_CHARACTERS)] | None

# A property that is left out of the answer when there is nothing to say.
Optional = Annotated[T | None, Field(default=None, exclude_if=_is_none)]

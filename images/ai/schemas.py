"""What the ai routes take and give."""

from typing import Annotated, Any

from pydantic import Field, field_validator

from ai.answer import FinishReason
from saas.schemas import ApiModel, Claim, Optional, Success

DEFAULT_MAX_TOKENS = 1_000
DEFAULT_TEMPERATURE = 0.7
# Above every plan's own limit, which has an error of its own.
MAX_PROMPT_CHARACTERS = 1_000_000
# Longer names are cut; no file system has names of this length.
MAX_FILENAME_CHARACTERS = 1_024


def _blank_to_empty(value: Any) -> Any:
    return "" if isinstance(value, str) and not value.strip() else value


class GenerationRequest(ApiModel):
    """Body of `POST /ai/generate`; a null stands for the default."""

    prompt: Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS)]
    max_tokens: Annotated[int, Field(strict=True, ge=1)] = DEFAULT_MAX_TOKENS
    temperature: Annotated[float, Field(strict=True, ge=0, le=1)] = DEFAULT_TEMPERATURE
    model: Annotated[str, Field(max_length=200)] = ""
    user_id: Claim = None

    @field_validator("prompt", mode="before")
    @classmethod
    def _not_blank(cls, value: Any) -> Any:
        return _blank_to_empty(value)

    @field_validator("max_tokens", "temperature", "model", mode="before")
    @classmethod
    def _default(cls, value: Any, info: Any) -> Any:
        return cls.model_fields[info.field_name].default if value is None else value


class Generation(ApiModel):
    """`tokens` are input plus output, `model` is the alias, `requestId` the call's id.

    `finishReason` is `length` for an answer that was cut at its `maxTokens` (the request's, or what
    `GET /plans` says can be reached), `filtered` or `guardrail` where a filter intervened.
    """

    response: str
    tokens: int
    model: str
    request_id: str
    finish_reason: FinishReason


class Call(ApiModel):
    """One stored call; without an answer `response` is empty and there is no `finishReason`."""

    id: str
    prompt: str
    response: str
    model: str
    tokens: int
    created_at: str
    finish_reason: Optional[FinishReason]


class HistoryPage(Success[list[Call]]):
    """Calls, newest first; `nextCursor` only when there are older ones."""

    next_cursor: Optional[str]


class Period(ApiModel):
    """The window that quotas count in, ISO 8601 UTC."""

    start: str
    end: str


class Calls(ApiModel):
    """Calls of the period; what is sold."""

    used: int = 0
    limit: int = 0
    left: int = 0


class Tokens(ApiModel):
    """Tokens of the period; `used` includes calls in flight, `input` and `output` do not."""

    input: int = 0
    output: int = 0
    used: int = 0
    limit: int = 0
    left: int = 0


class Usage(ApiModel):
    """What the plan's month has used and has left; zeros and nulls without a subscription."""

    plan_id: str | None = None
    period: Period | None = None
    calls: Calls = Calls()
    tokens: Tokens = Tokens()
    reset_at: str | None = None


class UploadRequest(ApiModel):
    """Body of `POST /upload/url`; `size` in bytes."""

    filename: Annotated[str, Field(min_length=1, max_length=MAX_FILENAME_CHARACTERS)]
    content_type: Annotated[str, Field(min_length=1, max_length=255)]
    size: Annotated[int, Field(strict=True, ge=1)]
    user_id: Claim = None

    @field_validator("filename", "content_type", mode="before")
    @classmethod
    def _not_blank(cls, value: Any) -> Any:
        return _blank_to_empty(value)


class UploadTicket(ApiModel):
    """Where and until when (seconds) the file may be PUT."""

    document_id: str
    upload_url: str
    s3_key: str
    expires_in: int

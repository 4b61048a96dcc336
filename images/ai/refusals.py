"""What a caller is told when there is no answer, with a true sentence about charging."""

from ai import bedrock
from ai.answer import FinishReason
from ai.closing import Known
from saas.errors import AppError, BadGateway, BadRequest, GatewayTimeout, Unavailable

_CHARGING: dict[Known, str] = {
    "free": "Nothing was charged",
    "charged": "This call counts towards your plan",
    "unsure": "This call may count towards your plan",
}
_RETRY_SOON = {"Retry-After": "5"}


def refused(reason: str, known: Known) -> AppError:
    """The provider refused: `ai_failed`, `ai_throttled` or `ai_unavailable`."""
    if reason == "failed":
        return BadGateway(f"The model could not answer this. {_CHARGING[known]}", code="ai_failed")
    return Unavailable(
        f"The AI service is busy. {_CHARGING[known]}; please try again in a few seconds",
        code=f"ai_{reason}",
        headers=_RETRY_SOON,
    )


def unanswered(error: bedrock.Unanswered, max_tokens: int) -> AppError:
    """The provider may bill, so the call counts, whether or not that is stored yet."""
    counts = f"{_CHARGING['charged']}, because it may have been billed"
    if error.reason == "unreadable":
        return BadGateway(f"The model's answer could not be read. {counts}", code="ai_unreadable")
    return GatewayTimeout(
        f"The model did not answer in time. {counts}; "
        f"a shorter answer (maxTokens below {max_tokens:,}) is faster",
        code="ai_timeout",
    )


def empty(reason: FinishReason) -> AppError:
    """An answer without text, which was billed: `ai_filtered` or `ai_empty`."""
    if reason in ("filtered", "guardrail"):
        return BadRequest(
            f"The model's safety filter withheld the answer. {_CHARGING['charged']}; "
            "please put your prompt differently",
            code="ai_filtered",
            details={"finishReason": reason},
        )
    return BadGateway(
        f"The model answered without any text. {_CHARGING['charged']}",
        code="ai_empty",
        details={"finishReason": reason},
    )


def not_sent(known: Known, *, busy: bool) -> AppError:
    """The model was never asked, since the table could not be told of it."""
    if busy:
        return Unavailable(
            f"Too many calls at once. {_CHARGING[known]}; please try again", code="busy"
        )
    if known == "free":
        return Unavailable("The service is busy. Please try again", headers=_RETRY_SOON)
    return Unavailable(
        f"The service is busy. {_CHARGING[known]}; please try again", headers=_RETRY_SOON
    )


def expired(known: Known) -> AppError:
    """The call was swept before the model was asked."""
    return Unavailable(
        f"This took too long to start. {_CHARGING[known]}; please try again",
        code="reservation_expired",
    )

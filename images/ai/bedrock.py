"""Bedrock's Converse, called once per answer that could be billed.

Each request goes out at most once, because it could be billed; only a refusal for throttling is
repeated, while the time left still suffices for a whole answer.
"""

import random
import time
from typing import Any, Literal
from urllib.parse import quote

from ai import answer
from ai.answer import Answer
from saas.aws_http import BEDROCK, AwsError, AwsNoAnswer, AwsUnreachable, AwsUnreadable, client
from saas.observability import logger
from saas.plans import Model

# Seconds that stay for settling and answering.
MARGIN = 2.0
MAX_ATTEMPTS = 4
FIRST_PAUSE = 0.4

_BUSY = frozenset({"ThrottlingException", "ModelNotReadyException"})
_UNAVAILABLE = frozenset(
    {"ServiceUnavailableException", "InternalServerException", "ServiceQuotaExceededException"}
)
# Answers that do not say whether the model worked, and is billed.
_TIMED_OUT_STATUS = frozenset({408, 504})


class Refused(Exception):
    """No answer, and nothing is billed: too busy, not available, or the request failed."""

    def __init__(self, reason: Literal["throttled", "unavailable", "failed"]) -> None:
        super().__init__(reason)
        self.reason = reason


class Unanswered(Exception):
    """The request went out and no answer came, or none that could be read: it may be billed."""

    def __init__(self, reason: Literal["timeout", "unreadable"] = "timeout") -> None:
        super().__init__(reason)
        self.reason = reason


def converse(
    model: Model,
    prompt: str,
    *,
    max_tokens: int,
    temperature: float,
    metadata: dict[str, str],
    deadline: float,
) -> Answer:
    """Ask a model.

    Args:
        max_tokens: bound of the answer.
        metadata: lands in invocation logs; `[a-zA-Z0-9\\s:_@$#=/+,-.]`, up to 256 characters each.
        deadline: `time.monotonic()` at which the caller has to be done.

    Raises:
        Refused: the provider does not bill this.
        Unanswered: the provider may bill this.
    """
    request: dict[str, Any] = {
        "messages": [{"role": "user", "content": [{"text": prompt}]}],
        "inferenceConfig": {"maxTokens": max_tokens, "temperature": temperature},
        "requestMetadata": metadata,
    }
    needed = seconds_for(model, max_tokens)
    refused = Refused("unavailable")
    for attempt in range(MAX_ATTEMPTS):
        budget = deadline - time.monotonic() - MARGIN
        if budget < needed:
            raise refused
        try:
            return _ask(model, request, budget)
        except Refused as error:
            if error.reason != "throttled":
                raise
            refused = error
        if attempt + 1 < MAX_ATTEMPTS:
            time.sleep(FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1))  # noqa: S311
    raise refused


def seconds_for(model: Model, max_tokens: int) -> float:
    """How long the longest answer takes."""
    return max_tokens / model.tokens_per_second


def _ask(model: Model, request: dict[str, Any], seconds: float) -> Answer:
    path = f"/model/{quote(model.id, safe='')}/converse"
    try:
        return answer.read(client(BEDROCK).post(path, request, seconds=seconds))
    except AwsError as error:
        raise _classify(error) from error
    except (AwsUnreadable, answer.Unreadable) as error:
        logger.error("the model's answer could not be read")
        raise Unanswered("unreadable") from error
    except AwsNoAnswer as error:
        logger.error("no answer from the model", extra={"reason": str(error)})
        raise Unanswered from error
    except AwsUnreachable as error:
        logger.error("the model could not be asked", extra={"reason": str(error)})
        raise Refused("unavailable") from error


def _classify(error: AwsError) -> Refused | Unanswered:
    """Log only the code: the message may repeat parts of the prompt."""
    code, status = error.code, error.status
    logger.warning("the model refused", extra={"reason": code, "provider_status": status})
    if status in _TIMED_OUT_STATUS:
        return Unanswered()
    if status < 300:
        return Unanswered("unreadable")
    if code in _BUSY or status == 429:
        return Refused("throttled")
    if code in _UNAVAILABLE or status >= 500:
        return Refused("unavailable")
    return Refused("failed")

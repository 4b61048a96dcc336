"""Answering a prompt: entitlement, reservation, model, settlement."""

import hashlib
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from ai import bedrock, ledger, reservations, store
from ai.ledger import Charge, Reservation
from ai.quota import Quota
from ai.schemas import Generation, GenerationRequest
from saas import clock, observability
from saas.caller import Caller
from saas.errors import AppError, BadGateway, BadRequest, Forbidden, GatewayTimeout, Unavailable
from saas.observability import correlation_id, logger
from saas.plans import Model, Plan, catalogue

# Tokens that a model adds around a prompt; no tokenizer makes more tokens than UTF-8 bytes.
OVERHEAD_TOKENS = 64
# Seconds that stay for the answer itself when settling hangs.
ANSWER_MARGIN = 0.5


@dataclass(frozen=True)
class Order:
    """A checked request: what is asked of which model within which quota."""

    user_id: str
    prompt: str
    model: Model
    max_tokens: int
    temperature: float
    quota: Quota


def generate(caller: Caller, request: GenerationRequest, *, deadline: float) -> Generation:
    """Answer a prompt; four DynamoDB requests when all goes well.

    Args:
        deadline: `time.monotonic()` at which the function is ended.

    Raises:
        Forbidden: no active subscription (`subscription_required`).
        BadRequest: `prompt_too_long`, `model_not_allowed`.
        LimitExceeded: `calls_exhausted`, `token_guard`, `cost_guard`.
        Unavailable: `ai_throttled`, `ai_unavailable`, `reservation_expired`; nothing was charged.
        BadGateway: `ai_failed`; nothing was charged.
        GatewayTimeout: `ai_timeout`; the call counts, since the provider bills it.
    """
    now = clock.now()
    order = _order(caller, request, now)
    reservation = _reserve(order, now)
    logger.append_keys(call_id=reservation.id)
    try:
        reservations.mark_sent(reservation)
    except Exception:
        _finish(deadline, reservation, None)
        raise
    answer = _ask(order, reservation, deadline)
    charge = _charge(order, answer)
    _finish(deadline, reservation, charge)
    return Generation(
        response=answer.text,
        tokens=charge.input_tokens + charge.output_tokens,
        model=order.model.alias,
        request_id=reservation.id,
    )


def _order(caller: Caller, request: GenerationRequest, now: datetime) -> Order:
    entitlement = caller.account.entitlement
    quota = Quota.of(entitlement, now) if entitlement else None
    if quota is None:
        raise Forbidden(
            "Active subscription required for AI features", code="subscription_required"
        )
    plan = quota.plan
    if len(request.prompt) > plan.max_prompt_characters:
        raise BadRequest(
            f"The prompt is too long: your {plan.name} plan allows "
            f"{plan.max_prompt_characters:,} characters",
            code="prompt_too_long",
            details={"limit": plan.max_prompt_characters},
        )
    model = _choose_model(plan, request.model)
    answerable = model.tokens_per_second * catalogue().answer_within_seconds
    return Order(
        user_id=caller.account_id,
        prompt=request.prompt,
        model=model,
        max_tokens=min(request.max_tokens, plan.max_output_tokens, answerable),
        temperature=request.temperature,
        quota=quota,
    )


def _choose_model(plan: Plan, name: str) -> Model:
    default = catalogue().default_model
    if not name:
        name = default if default in plan.models else plan.models[0]
    model = catalogue().model(name)
    if model is None or model.alias not in plan.models:
        raise BadRequest(
            f"This model is not available on your {plan.name} plan. "
            f"Choose one of: {', '.join(plan.models)}",
            code="model_not_allowed",
            details={"allowed": list(plan.models)},
        )
    return model


def _reserve(order: Order, now: datetime) -> Reservation:
    input_bound = len(order.prompt.encode()) + OVERHEAD_TOKENS
    reservation = Reservation(
        id=str(uuid.uuid4()),
        user_id=order.user_id,
        period=store.period_key(order.user_id, order.quota.begin).sk,
        model=order.model.alias,
        input_bound=input_bound,
        output_bound=order.max_tokens,
        cost_bound=order.model.cost_micro_usd(input_bound, order.max_tokens),
        created_at=clock.iso(now),
        prompt_preview=ledger.shortened(order.prompt, ledger.PREVIEW_BYTES),
    )
    reservations.hold(reservation, order.quota, now)
    return reservation


def _ask(order: Order, reservation: Reservation, deadline: float) -> bedrock.Answer:
    try:
        return bedrock.converse(
            order.model,
            order.prompt,
            max_tokens=order.max_tokens,
            temperature=order.temperature,
            metadata={
                "correlationId": correlation_id(),
                "callId": reservation.id,
                "userId": hashlib.sha256(order.user_id.encode()).hexdigest()[:32],
            },
            deadline=deadline,
        )
    except bedrock.Refused as refused:
        if refused.reason == "throttled":
            observability.count("AiThrottled")
        _finish(deadline, reservation, None)
        raise _refusal(refused) from refused
    except bedrock.Unanswered as unanswered:
        _finish(deadline, reservation, ledger.unanswered(reservation, order.prompt))
        raise GatewayTimeout(
            "The model did not answer in time. This call counts towards your plan, "
            "because it may have been billed; a shorter answer (maxTokens) is faster",
            code="ai_timeout",
        ) from unanswered


def _refusal(refused: bedrock.Refused) -> AppError:
    if refused.reason == "failed":
        return BadGateway("The model could not answer this. Nothing was charged", code="ai_failed")
    return Unavailable(
        "The AI service is busy. Nothing was charged; please try again in a few seconds",
        code=f"ai_{refused.reason}",
        headers={"Retry-After": "5"},
    )


def _charge(order: Order, answer: bedrock.Answer) -> Charge:
    """Real usage, also above the estimate; cached input counts and costs like other input."""
    input_tokens = answer.input_tokens + answer.cache_read_tokens + answer.cache_write_tokens
    return Charge(
        input_tokens=input_tokens,
        output_tokens=answer.output_tokens,
        cost_micro_usd=order.model.cost_micro_usd(input_tokens, answer.output_tokens),
        outcome=answer.stop_reason,
        prompt=order.prompt,
        response=answer.text,
        cache_read_tokens=answer.cache_read_tokens,
        cache_write_tokens=answer.cache_write_tokens,
    )


def _finish(deadline: float, reservation: Reservation, charge: Charge | None) -> None:
    """Settle, or release without a charge, as far as the time allows; the sweep does what is left.

    The caller has an answer waiting, so a table that fails or hangs must not take it away.
    """

    def finish() -> None:
        try:
            done = (
                reservations.settle(reservation, charge)
                if charge
                else reservations.release(reservation)
            )
        except Exception:
            logger.exception("the call stays open for the sweep", extra={"call_id": reservation.id})
            return
        _log(reservation, charge, done=done)

    try:
        _workers().submit(finish).result(max(0.0, deadline - time.monotonic() - ANSWER_MARGIN))
    except TimeoutError:
        logger.error("settling takes too long", extra={"call_id": reservation.id})


@lru_cache(maxsize=1)
def _workers() -> ThreadPoolExecutor:
    """Threads that stay: starting one took a quarter of a warm call's own time.

    A function has one call at a time; the others are for calls whose settling hangs.
    """
    return ThreadPoolExecutor(max_workers=8, thread_name_prefix="settle")


def _log(reservation: Reservation, charge: Charge | None, *, done: bool) -> None:
    if not done:
        logger.error("the call was already finished", extra={"call_id": reservation.id})
        return
    logger.info(
        "call settled" if charge else "call released",
        extra={
            "model": reservation.model,
            "outcome": charge.outcome if charge else "released",
            "input_tokens": charge.input_tokens if charge else 0,
            "output_tokens": charge.output_tokens if charge else 0,
            "cost_micro_usd": charge.cost_micro_usd if charge else 0,
        },
    )

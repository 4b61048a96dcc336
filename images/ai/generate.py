"""Answering a prompt: entitlement, reservation, model, settlement."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime

from ai import bedrock, closing, ledger, refusals, reservations, store
from ai.answer import Answer
from ai.closing import Known
from ai.ledger import Charge, Reservation
from ai.quota import Quota
from ai.schemas import Generation, GenerationRequest
from saas import clock, observability
from saas.aws_http import is_outage
from saas.caller import Caller
from saas.errors import BadRequest, Forbidden
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
        LimitExceeded: `calls_exhausted`, `token_guard`, `cost_guard`, `too_many_calls`.
        Unavailable: `ai_throttled`, `ai_unavailable`, `reservation_expired`, `busy`, `unavailable`,
            and BadGateway: `ai_failed`; the sentence says whether the call counts.
        GatewayTimeout: `ai_timeout`, and BadGateway: `ai_unreadable`; the call counts, since the
            provider may bill it.
        BadGateway: `ai_empty`, and BadRequest: `ai_filtered`; billed, but without text.
    """
    now = clock.now()
    order = _order(caller, request, now)
    reservation = _reserve(order, now, deadline)
    logger.append_keys(call_id=reservation.id)
    _mark_sent(reservation, deadline)
    answer = _ask(order, reservation, deadline)
    charge = _charge(order, reservation, answer)
    _finish(deadline, reservation, charge)
    finish_reason = answer.finish_reason(order.max_tokens)
    if not answer.text.strip():
        raise refusals.empty(finish_reason)
    return Generation(
        response=answer.text,
        tokens=charge.input_tokens + charge.output_tokens,
        model=order.model.alias,
        request_id=reservation.id,
        finish_reason=finish_reason,
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
    return Order(
        user_id=caller.account_id,
        prompt=request.prompt,
        model=model,
        max_tokens=min(request.max_tokens, catalogue().max_output_tokens(plan, model)),
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


def _reserve(order: Order, now: datetime, deadline: float) -> Reservation:
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
    asking = bedrock.seconds_for(order.model, order.max_tokens) + bedrock.MARGIN
    reservations.hold(reservation, order.quota, now, until=deadline - asking)
    return reservation


def _mark_sent(reservation: Reservation, deadline: float) -> None:
    try:
        reservations.mark_sent(reservation)
    except reservations.Gone as gone:
        raise refusals.expired(closing.fate(reservation)) from gone
    except Exception as error:
        known = _finish(deadline, reservation, None)
        if is_outage(error):
            raise refusals.not_sent(known, busy=isinstance(error, TimeoutError)) from error
        raise


def _ask(order: Order, reservation: Reservation, deadline: float) -> Answer:
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
        raise refusals.refused(refused.reason, _finish(deadline, reservation, None)) from refused
    except bedrock.Unanswered as unanswered:
        _finish(deadline, reservation, ledger.estimated(reservation, order.prompt))
        raise refusals.unanswered(unanswered, order.max_tokens) from unanswered


def _charge(order: Order, reservation: Reservation, answer: Answer) -> Charge:
    """Real usage, also above the estimate; cached input counts and costs like other input."""
    finish_reason = answer.finish_reason(order.max_tokens)
    if not answer.metered:
        logger.error("the model's answer tells no usage")
        return ledger.estimated(
            reservation, order.prompt, response=answer.text, finish_reason=finish_reason
        )
    input_tokens = answer.input_tokens + answer.cache_read_tokens + answer.cache_write_tokens
    return Charge(
        input_tokens=input_tokens,
        output_tokens=answer.output_tokens,
        cost_micro_usd=order.model.cost_micro_usd(input_tokens, answer.output_tokens),
        outcome=answer.stop_reason,
        prompt=order.prompt,
        response=answer.text,
        finish_reason=finish_reason,
        cache_read_tokens=answer.cache_read_tokens,
        cache_write_tokens=answer.cache_write_tokens,
    )


def _finish(deadline: float, reservation: Reservation, charge: Charge | None) -> Known:
    return closing.close(reservation, charge, until=deadline - ANSWER_MARGIN)

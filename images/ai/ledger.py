"""What we store about a call: the reservation while it is in flight, then the row that stays."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from ai import store
from saas import clock
from saas.rows import Row
from saas.table import Item, Key

# Twice the longest life of a function that works on a call.
LIFETIME = timedelta(seconds=60)
# DynamoDB items end at 400 KB; the longest prompts of the largest plan could exceed it.
MAX_STORED_PROMPT_BYTES = 280_000
MAX_STORED_RESPONSE_BYTES = 90_000
PREVIEW_BYTES = 400
ESTIMATED = "estimated"


@dataclass(frozen=True)
class Reservation:
    """A call in flight: its bounds in tokens and micro-USD, and the period it counts in."""

    id: str
    user_id: str
    period: str
    model: str
    input_bound: int
    output_bound: int
    cost_bound: int
    created_at: str
    prompt_preview: str

    @property
    def token_bound(self) -> int:
        return self.input_bound + self.output_bound

    @property
    def key(self) -> Key:
        return store.reservation_key(self.user_id, self.id)

    @property
    def period_key(self) -> Key:
        return Key(store.partition(self.user_id), self.period)

    @property
    def call_key(self) -> Key:
        return store.call_key(self.user_id, self.created_at, self.id)

    @property
    def slot(self) -> str:
        """What the period's set of calls in flight holds of it; `is_expired` reads its time."""
        return f"{self.created_at}#{self.id}"


@dataclass(frozen=True)
class Charge:
    """What a call used: tokens, micro-USD, how it ended, and its texts.

    `outcome` is the provider's stop reason, or `ESTIMATED` for the upper bound in place of a usage
    that never arrived. `finish_reason` is empty when there was no answer.
    """

    input_tokens: int
    output_tokens: int
    cost_micro_usd: int
    outcome: str
    prompt: str
    response: str
    finish_reason: str = ""
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0


def estimated(
    reservation: Reservation, prompt: str, *, response: str = "", finish_reason: str = ""
) -> Charge:
    """The charge for a call whose usage nobody knows: the upper bound."""
    return Charge(
        input_tokens=reservation.input_bound,
        output_tokens=reservation.output_bound,
        cost_micro_usd=reservation.cost_bound,
        outcome=ESTIMATED,
        prompt=prompt,
        response=response,
        finish_reason=finish_reason,
    )


def is_expired(slot: str, now: datetime) -> bool:
    """Whether the call that took this slot has outlived its reservation."""
    return clock.parse(slot.partition("#")[0]) + LIFETIME <= now


def held_item(reservation: Reservation, now: datetime) -> Item:
    """A reservation as it is stored first."""
    return {
        "pk": reservation.key.pk,
        "sk": reservation.key.sk,
        **asdict(reservation),
        "state": "held",
        "expiresAt": clock.iso(now + LIFETIME),
    }


def from_item(item: Item) -> Reservation:
    """The reservation of a stored item."""
    return Reservation(**Row(item).fields(Reservation))


def charge_item(charge: Charge) -> Item:
    """A charge as it is noted on a reservation; `charge_from` reads it."""
    return {
        **asdict(charge),
        "prompt": shortened(charge.prompt, MAX_STORED_PROMPT_BYTES),
        "response": shortened(charge.response, MAX_STORED_RESPONSE_BYTES),
    }


def charge_from(item: Item) -> Charge:
    """The charge that was noted."""
    return Charge(**Row(item).fields(Charge))


def call_item(reservation: Reservation, charge: Charge) -> Item:
    """The immutable row of a finished call."""
    return {
        "pk": reservation.call_key.pk,
        "sk": reservation.call_key.sk,
        "id": reservation.id,
        "period": reservation.period,
        "model": reservation.model,
        "prompt": shortened(charge.prompt, MAX_STORED_PROMPT_BYTES),
        "response": shortened(charge.response, MAX_STORED_RESPONSE_BYTES),
        "inputTokens": charge.input_tokens,
        "outputTokens": charge.output_tokens,
        "cacheReadTokens": charge.cache_read_tokens,
        "cacheWriteTokens": charge.cache_write_tokens,
        "costMicroUsd": charge.cost_micro_usd,
        "outcome": charge.outcome,
        "finishReason": charge.finish_reason or None,
        "createdAt": reservation.created_at,
    }


def shortened(text: str, limit: int) -> str:
    """The beginning of a text, at most `limit` UTF-8 bytes, on a character boundary."""
    return text.encode()[:limit].decode(errors="ignore")

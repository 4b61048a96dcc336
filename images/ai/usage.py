"""What the plan's month has used and has left."""

from datetime import datetime

from ai import reservations, store
from ai.quota import Quota
from ai.schemas import Calls, Period, Tokens, Usage
from saas import clock
from saas.caller import Caller
from saas.rows import Row
from saas.table import table


def summary(caller: Caller) -> Usage:
    """Counters of the current window; abandoned calls are settled first (some at a time)."""
    now = clock.now()
    entitlement = caller.account.entitlement
    quota = Quota.of(entitlement, now) if entitlement else None
    if quota is None:
        return Usage()
    return _of(caller.account_id, quota, now)


def _of(user_id: str, quota: Quota, now: datetime) -> Usage:
    reservations.sweep(user_id, now)
    used = Row(table().get(store.period_key(user_id, quota.begin)))
    calls, tokens = used.integer("callsUsed"), used.integer("tokensUsed")
    calls_limit, tokens_limit, _ = quota.limits
    return Usage(
        plan_id=quota.plan.id,
        period=Period(start=clock.iso(quota.begin), end=clock.iso(quota.end)),
        calls=Calls(used=calls, limit=calls_limit, left=max(0, calls_limit - calls)),
        tokens=Tokens(
            input=used.integer("inputTokens"),
            output=used.integer("outputTokens"),
            used=tokens,
            limit=tokens_limit,
            left=max(0, tokens_limit - tokens),
        ),
        reset_at=clock.iso(quota.end),
    )

"""What a plan's month allows, and the refusals when it is used up."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from saas import clock
from saas.entitlements import Entitlement
from saas.errors import LimitExceeded
from saas.plans import Plan
from saas.rows import Row
from saas.table import Item


@dataclass(frozen=True)
class Quota:
    """Limits of one plan in one window; costs are micro-USD."""

    plan: Plan
    begin: datetime
    end: datetime

    @classmethod
    def of(cls, entitlement: Entitlement, now: datetime) -> "Quota | None":
        """The quota of an entitlement that is active; None for any other."""
        plan = entitlement.plan
        if plan is None or not entitlement.is_active(now):
            return None
        begin, end = entitlement.quota_window(now)
        return cls(plan, begin, end)

    @property
    def calls_in_flight(self) -> int:
        """How many calls may run at once."""
        return self.plan.calls_in_flight

    def allows(self, used: Item, *, tokens: int, cost: int) -> bool:
        """Whether one more call of at most `tokens` and `cost` fits beside what is used."""
        return self._exceeded(used, tokens, cost) is None

    def refusal(self, used: Item, *, tokens: int, cost: int, now: datetime) -> LimitExceeded:
        """The 429 for a call that does not fit: which limit, how much it is, when it resets."""
        exceeded = self._exceeded(used, tokens, cost)
        if exceeded is None:
            return self._too_many_calls()
        plan, day = self.plan, f"{self.end.day} {self.end:%B %Y}"
        code, limit = exceeded
        message = {
            "calls_exhausted": (
                f"You have used all {limit:,} calls of your {plan.name} plan for this period. "
                f"They reset on {day}"
            ),
            "token_guard": (
                f"This call could exceed your {plan.name} plan's fair-use limit of {limit:,} "
                f"tokens for this period. Try a shorter prompt or a smaller maxTokens; "
                f"it resets on {day}"
            ),
            "cost_guard": (
                f"This call could exceed your {plan.name} plan's fair-use limit for this period. "
                f"Try a shorter prompt or a smaller model; it resets on {day}"
            ),
        }[code]
        details: dict[str, Any] = {"resetAt": clock.iso(self.end)}
        if code != "cost_guard":  # What models cost us is the operator's business.
            details["limit"] = limit
        seconds = max(1, math.ceil((self.end - now).total_seconds()))
        return LimitExceeded(
            message, code=code, details=details, headers={"Retry-After": str(seconds)}
        )

    def _too_many_calls(self) -> LimitExceeded:
        return LimitExceeded(
            f"Your {self.plan.name} plan runs {self.calls_in_flight} calls at the same time. "
            "Nothing was charged; please try again when one of them has ended",
            code="too_many_calls",
            details={"limit": self.calls_in_flight},
            headers={"Retry-After": "1"},
        )

    @property
    def limits(self) -> tuple[int, int, int]:
        """Calls, tokens, cost."""
        plan = self.plan
        return plan.calls_per_month, plan.tokens_per_month, plan.cost_per_month_micro_usd

    def _exceeded(self, used: Item, tokens: int, cost: int) -> tuple[str, int] | None:
        row, (calls_limit, tokens_limit, cost_limit) = Row(used), self.limits
        if row.integer("callsUsed") + 1 > calls_limit:
            return "calls_exhausted", calls_limit
        if row.integer("tokensUsed") + tokens > tokens_limit:
            return "token_guard", tokens_limit
        if row.integer("costMicroUsd") + cost > cost_limit:
            return "cost_guard", cost_limit
        return None

"""Read model of a subscription: who may use what, until when. Only billing's sync writes it."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from saas import clock
from saas.plans import Plan, catalogue
from saas.rows import Row

if TYPE_CHECKING:
    from saas.table import Item, Key

# Stripe subscription statuses that give access ("Subscription object", field `status`).
GRANTING = frozenset({"active", "trialing", "past_due"})
# A month of 31 days, and an hour for periods that daylight saving stretched.
LONGEST_MONTH = timedelta(days=31, hours=1)
# What the frontend's `Subscription.status` says for each Stripe status.
FRONTEND_STATUS = {
    "active": "active",
    "trialing": "active",
    "past_due": "past_due",
    "unpaid": "past_due",
    "paused": "incomplete",
    "incomplete": "incomplete",
    "incomplete_expired": "cancelled",
    "canceled": "cancelled",
}


def key(user_id: str) -> "Key":
    """Where a user's subscription lies; both ids are the user's (`contract.md`, existing data)."""
    # Reading an item needs no table: the local console does without its packages.
    from saas.table import Key

    return Key(f"USER#{user_id}", f"SUBSCRIPTION#{user_id}")


@dataclass(frozen=True)
class Entitlement:
    """The subscription that counts for a user, as the last applied sync saw it at Stripe."""

    user_id: str
    stripe_subscription_id: str
    customer_id: str
    stripe_status: str
    plan_id: str
    current_period_start: datetime
    current_period_end: datetime
    cancel_at_period_end: bool
    created_at: str
    updated_at: str
    applied_seq: int

    @classmethod
    def from_item(cls, user_id: str, item: "Item | None") -> "Entitlement | None":
        """A user's entitlement as it is stored; None for no item and for rows that no sync wrote.

        Rows of the earlier backend carry no `appliedSeq`; anyone could write those.
        """
        row = Row(item)
        start, end = row.moment("currentPeriodStart"), row.moment("currentPeriodEnd")
        if not (row.integer("appliedSeq") and row.text("stripeSubscriptionId") and start and end):
            return None
        return cls(
            user_id=user_id,
            stripe_subscription_id=row.text("stripeSubscriptionId"),
            customer_id=row.text("stripeCustomerId"),
            stripe_status=row.text("stripeStatus"),
            plan_id=row.text("planId"),
            current_period_start=start,
            current_period_end=end,
            cancel_at_period_end=row.flag("cancelAtPeriodEnd"),
            created_at=row.text("createdAt"),
            updated_at=row.text("updatedAt"),
            applied_seq=row.integer("appliedSeq"),
        )

    @property
    def plan(self) -> Plan | None:
        return catalogue().plan(self.plan_id)

    @property
    def status(self) -> str:
        """The status in the frontend's words."""
        return FRONTEND_STATUS.get(self.stripe_status, "incomplete")

    def is_active(self, now: datetime) -> bool:
        """Whether the plan may be used: a granting status, within the period and its grace."""
        grace = timedelta(hours=catalogue().grace_hours)
        return (
            self.stripe_status in GRANTING
            and self.plan is not None
            and now <= self.current_period_end + grace
        )

    def is_stale(self, now: datetime) -> bool:
        """Whether the period ended without news of what came after."""
        return self.stripe_status in GRANTING and now > self.current_period_end

    def user_status(self, now: datetime) -> str:
        """The user's `subscriptionStatus` in the frontend's words."""
        if self.is_active(now):
            return "active"
        return "cancelled" if self.status == "cancelled" else "inactive"

    def quota_window(self, now: datetime) -> tuple[datetime, datetime]:
        """Begin and end of the month that quotas count in.

        A monthly plan's window is its period, as Stripe cuts it (an anchor on the 31st makes
        periods of 28 to 31 days). A longer period has one window a month, counted from its begin.
        In the grace after a period the next one is assumed to have begun.
        """
        start, end = self.current_period_start, self.current_period_end
        if now >= end:
            start, end = end, _add_months(end, 1)
        if end - start <= LONGEST_MONTH:
            return start, end
        months = max((now.year - start.year) * 12 + now.month - start.month, 0)
        if months and _add_months(start, months) > now:
            months -= 1
        return _add_months(start, months), min(_add_months(start, months + 1), end)


def _add_months(anchor: datetime, months: int) -> datetime:
    year, month = divmod(anchor.month - 1 + months, 12)
    year, month = anchor.year + year, month + 1
    return anchor.replace(year=year, month=month, day=min(anchor.day, monthrange(year, month)[1]))


def to_item(entitlement: Entitlement) -> dict[str, Any]:
    """The stored form, with the existing table's keys; `Entitlement.from_item` reads it."""
    where = key(entitlement.user_id)
    return {
        "pk": where.pk,
        "sk": where.sk,
        "gsi1pk": f"STRIPE#{entitlement.stripe_subscription_id}",
        "gsi1sk": f"SUBSCRIPTION#{entitlement.user_id}",
        "id": entitlement.stripe_subscription_id,
        "userId": entitlement.user_id,
        "stripeSubscriptionId": entitlement.stripe_subscription_id,
        "stripeCustomerId": entitlement.customer_id,
        "stripeStatus": entitlement.stripe_status,
        "status": entitlement.status,
        "planId": entitlement.plan_id,
        "currentPeriodStart": clock.iso(entitlement.current_period_start),
        "currentPeriodEnd": clock.iso(entitlement.current_period_end),
        "cancelAtPeriodEnd": entitlement.cancel_at_period_end,
        "createdAt": entitlement.created_at,
        "updatedAt": entitlement.updated_at,
        "appliedSeq": entitlement.applied_seq,
    }

"""A cancellation at the end of the period: asked for, and taken back."""

from localcloud.stripe import subscription_life as life
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_objects import NO_DETAILS, period_of
from localcloud.stripe.work import Work


def schedule_end(
    work: Work, subscription: Obj, details: Obj | None = None, *, portal: bool = False
) -> Obj:
    """Cancel at the end of the period. `details` are `comment` and `feedback` of the customer.

    In flexible billing mode the Customer Portal names the moment only (`cancel_at`) and leaves
    `cancel_at_period_end` false (https://docs.stripe.com/billing/subscriptions/billing-mode/compare).
    """
    by_date = portal and subscription["billing_mode"]["type"] == "flexible"
    return life.save(
        work,
        subscription,
        life.UPDATED,
        cancel_at=period_of(work, subscription)[1],
        cancel_at_period_end=not by_date,
        canceled_at=work.now,
        cancellation_details={
            **subscription["cancellation_details"],
            **(details or {}),
            "reason": "cancellation_requested",
        },
    )


def keep(work: Work, subscription: Obj) -> Obj:
    """Take back a scheduled cancellation."""
    return life.save(
        work,
        subscription,
        life.UPDATED,
        cancel_at=None,
        cancel_at_period_end=False,
        canceled_at=None,
        cancellation_details=dict(NO_DETAILS),
    )

"""A cancellation at a moment to come: asked for, and taken back."""

from localcloud.stripe import periods
from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import not_built
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_objects import NO_DETAILS, items_of, period_of
from localcloud.stripe.work import Work


def end_with_period(work: Work, subscription: Obj, *, wanted: bool) -> None:
    """Set, or take back, `cancel_at_period_end`; the caller stores it."""
    details = subscription["cancellation_details"]
    if wanted:
        subscription.update(
            cancel_at=period_of(work, subscription)[1],
            cancel_at_period_end=True,
            canceled_at=subscription["canceled_at"] or work.now,
            cancellation_details={**details, "reason": "cancellation_requested"},
        )
    elif subscription["cancel_at_period_end"]:
        subscription.update(
            cancel_at=None,
            cancel_at_period_end=False,
            canceled_at=None,
            cancellation_details={**details, "reason": None},
        )


def check_moment(work: Work, subscription: Obj, behavior: str | None) -> None:
    """Refuse, as not built, a `cancel_at` that makes a paid period shorter.

    "If set to a date before the current period has ended, this will cause a proration if prorations
    have been enabled […]. If set during a future period, this will always cause a proration for
    that period" (`cancel_at` of "Update a subscription").
    """
    moment, end = subscription["cancel_at"], period_of(work, subscription)[1]
    if moment == end or (moment < end and subscription["status"] == "trialing"):
        return
    if moment < end:
        if behavior != "none":
            raise not_built("cancel_at before the period's end with prorations")
        return
    recurring = work.need("price", items_of(work, subscription)[0]["_price"])["recurring"]
    anchor, before = subscription["billing_cycle_anchor"], moment - 1
    count = recurring["interval_count"]
    if periods.next_end(anchor, recurring["interval"], count, before) != moment:
        raise not_built("cancel_at within a later period")


def end_in_portal(work: Work, subscription: Obj, details: Obj) -> Obj:
    """Cancel at the end of the period, with `comment` and `feedback` of the customer.

    In flexible billing mode the Customer Portal names the moment only (`cancel_at`) and leaves
    `cancel_at_period_end` false (https://docs.stripe.com/billing/subscriptions/billing-mode/compare).
    """
    return life.save(
        work,
        subscription,
        life.UPDATED,
        cancel_at=period_of(work, subscription)[1],
        cancel_at_period_end=subscription["billing_mode"]["type"] != "flexible",
        canceled_at=work.now,
        cancellation_details={
            **subscription["cancellation_details"],
            **details,
            "reason": "cancellation_requested",
        },
    )


def keep_in_portal(work: Work, subscription: Obj) -> Obj:
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

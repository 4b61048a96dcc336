"""Other items, another billing cycle or another trial, and what is owed for it at once."""

from localcloud.stripe import item_changes, metered
from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import not_built
from localcloud.stripe.item_changes import Change
from localcloud.stripe.proration import Proration, moment_of, prorate
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_checks import trial_moment
from localcloud.stripe.subscription_invoices import draft, draft_pending
from localcloud.stripe.subscription_objects import full, in_advance, items_of, period_of
from localcloud.stripe.work import Work

PARAMS = ("items", "billing_cycle_anchor", "proration_behavior", "proration_date", "trial_end")


def change(work: Work, subscription: Obj, params: Obj) -> Obj | None:
    """Change items and cycle as `params` (`PARAMS`) say; the caller stores the subscription.

    Returns a draft of the invoice that is due at once: when the period begins anew, or when
    prorations are to be invoiced (https://docs.stripe.com/billing/subscriptions/prorations).
    """
    moment = moment_of(work, subscription, params)
    behavior = params.get("proration_behavior", "create_prorations")
    trial_end = trial_moment(work, params)
    changes = item_changes.plan(work, subscription, params.get("items", []))
    free = subscription["status"] == "trialing"
    anew = _begins_anew(work, subscription, params, changes)
    changes = item_changes.apply(work, subscription, changes)
    if behavior != "none" and not free:
        prorate(Proration(work, subscription, moment), changes, whole=anew)
    if anew:
        _begin(work, subscription, trial_end)
        return draft(work, subscription, "subscription_update")
    if trial_end:
        _move_trial(work, subscription, trial_end)
    if behavior == "always_invoice" and any(each.bills for each in changes):
        return draft_pending(work, subscription)
    return None


def _begins_anew(work: Work, subscription: Obj, params: Obj, changes: list[Change]) -> bool:
    """Whether a new period begins now.

    It does when that is asked for, when the interval changes, when something free becomes paid,
    and when a trial begins or ends; a running trial otherwise keeps its end.
    """
    moment = params.get("trial_end")
    if subscription["status"] == "trialing":
        if params.get("billing_cycle_anchor") == "now":
            raise not_built("a new billing cycle in the middle of a trial")
        return moment == "now"
    if params.get("billing_cycle_anchor") == "now" or moment not in (None, "now"):
        return True
    before = [each.before for each in changes if each.before]
    after = [each.after for each in changes if each.after]
    if _interval(work, before) != _interval(work, after):
        return True
    was_free = not any(full(work, item) or not in_advance(work, item) for item in before)
    return was_free and any(full(work, item) for item in after)


def _interval(work: Work, items: list[Obj]) -> tuple[object, ...]:
    return item_changes.interval_of(work.need("price", items[0]["_price"]))


def _begin(work: Work, subscription: Obj, trial_end: int | None) -> None:
    """Begin a period now: a trial up to `trial_end`, or one that is paid for."""
    if trial_end and trial_end > work.now:
        subscription.update(
            status="trialing", trial_start=work.now, trial_end=trial_end, _warned=False
        )
        _move_trial(work, subscription, trial_end, start=work.now)
        return
    if subscription["status"] == "trialing":
        subscription.update(status="active", trial_end=work.now)
    subscription["billing_cycle_anchor"] = work.now
    life.advance(work, subscription, work.now)
    _keep_end(work, subscription)


def _move_trial(work: Work, subscription: Obj, end: int, start: int | None = None) -> None:
    """A running trial ends at another time, and the billing cycle begins then."""
    if subscription["status"] != "trialing":
        return
    subscription.update(trial_end=end, billing_cycle_anchor=end)
    if end - life.WARNING_SECONDS > work.now:
        subscription["_warned"] = False
    for item in items_of(work, subscription):
        begin = item["current_period_start"] if start is None else start
        if start is not None:
            metered.close(item, start)
        work.update(item, current_period_start=begin, current_period_end=end)
    _keep_end(work, subscription)


def _keep_end(work: Work, subscription: Obj) -> None:
    """What ends with the period ends with the new one."""
    if subscription["cancel_at_period_end"]:
        subscription["cancel_at"] = period_of(work, subscription)[1]

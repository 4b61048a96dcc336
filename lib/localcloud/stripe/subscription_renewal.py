"""How a subscription goes on: its deadlines, the next period and its invoice, and taking it up.

Source: "Using webhooks with subscriptions" and "Subscription invoices" of Stripe's documentation.
"""

from localcloud.stripe import invoicing, subscription_pause, subscription_pending
from localcloud.stripe import subscription_life as life
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_invoices import bill, draft
from localcloud.stripe.subscription_objects import period_of
from localcloud.stripe.work import Work


def on_due(work: Work, subscription: Obj) -> None:
    """What a deadline brings. `work.now` is the deadline, perhaps of several things at once."""
    if subscription_pause.over(work, subscription):
        life.save(work, subscription, life.UPDATED, pause_collection=None)
    if subscription_pending.over(work, subscription):
        subscription_pending.expire(work, subscription)
    if subscription["_due"] is None or subscription["_due"] > work.now:
        return
    if subscription["status"] == "incomplete":
        life.expire(work, subscription)
    elif subscription["cancel_at"] is not None and subscription["cancel_at"] <= work.now:
        life.settle_pending(work, subscription)
        life.end(work, subscription)
    elif period_of(work, subscription)[1] <= work.now:
        renew(work, subscription)
    else:
        life.save(work, subscription, _warned=True)
        work.emit("customer.subscription.trial_will_end", subscription)


def renew(work: Work, subscription: Obj) -> None:
    """Begin the next period, or end a trial that has no card as its settings say.

    While collection is paused a trial does not pause the subscription: it has nothing to collect.
    """
    ending_trial = subscription["status"] == "trialing"
    missing = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    without_card = ending_trial and life.method_of(work, subscription) is None
    if without_card and missing == "cancel":
        life.end(work, subscription)
    elif without_card and missing == "pause" and not subscription["pause_collection"]:
        life.save(work, subscription, life.UPDATED, status="paused")
        work.emit("customer.subscription.paused", subscription)
    else:
        before = work.present(subscription)
        begin_period(work, subscription)
        life.save(work, subscription)
        work.announce_change(life.UPDATED, before, subscription)


def begin_period(work: Work, subscription: Obj) -> None:
    """Enter the period after the current one; stores all but the subscription.

    Its invoice is a draft for an hour, which anybody may still change; an unpaid subscription's
    remains one. Until the invoice is charged the subscription is as before, a trial's `active`.
    """
    life.advance(work, subscription, period_of(work, subscription)[1])
    if subscription["status"] == "trialing":
        subscription["status"] = "active"
    invoice = draft(work, subscription, "subscription_cycle")
    collected = subscription["status"] != "unpaid" and not subscription["pause_collection"]
    if collected:
        invoicing.finalize_later(work, invoice)
    work.emit("invoice.created", invoice)
    if subscription["pause_collection"]:
        subscription_pause.hold(work, subscription, invoice)


def resume(work: Work, subscription: Obj) -> Obj:
    """Take up a paused subscription with a new billing cycle; it stays paused until it is paid."""
    before = work.present(subscription)
    subscription["billing_cycle_anchor"] = work.now
    life.advance(work, subscription, work.now)
    invoice = bill(work, subscription, "subscription_update")
    invoicing.pay(work, invoice, life.method_of(work, subscription), off_session=True)
    resumed = invoice["status"] == "paid"
    life.save(work, subscription, status="active" if resumed else "paused")
    work.announce_change(life.UPDATED, before, subscription)
    if resumed:
        work.emit("customer.subscription.resumed", subscription)
    return subscription

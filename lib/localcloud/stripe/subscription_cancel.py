"""Ending a subscription by the API, and what is still to be settled then."""

from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import no_such
from localcloud.stripe.proration import Proration
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_objects import in_advance, items_of
from localcloud.stripe.work import Work


def cancel(work: Work, params: Obj, id: str) -> Obj:
    """End a subscription now: `prorate` credits the unused time, `invoice_now` settles at once."""
    subscription = work.need("subscription", id)
    if subscription["status"] in life.ENDED:
        raise no_such("subscription", id)
    if subscription["status"] == "incomplete":
        return work.present(life.expire(work, subscription))
    if params.get("prorate"):
        credit_rest(work, subscription, work.now)
    if params.get("invoice_now"):
        life.settle_pending(work, subscription)
    return work.present(life.end(work, subscription, params.get("cancellation_details")))


def credit_rest(work: Work, subscription: Obj, moment: int) -> None:
    """Credit the rest of the period from a moment (epoch seconds) on; a trial has cost nothing."""
    if subscription["status"] == "trialing":
        return
    proration = Proration(work, subscription, moment)
    for item in items_of(work, subscription):
        if in_advance(work, item):
            proration.credit(item)

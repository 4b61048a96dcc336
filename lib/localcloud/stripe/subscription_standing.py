"""What a subscription's invoices make of its status when one is paid, void or given up by hand."""

from localcloud.stripe import subscription_life as life
from localcloud.stripe import subscription_pending
from localcloud.stripe.store import Obj, Where, equal
from localcloud.stripe.work import Work

NOT_VOID = Where("json_extract(body, '$.status') <> 'void'")
OVER = ("paid", "uncollectible")
SETTLED = {
    "incomplete": ("paid",),
    "past_due": OVER,
    "paused": OVER,
    "unpaid": OVER,
}
"""The statuses of an invoice that end those of a subscription which waits for it."""


def newest(work: Work, subscription: Obj) -> Obj | None:
    """The invoice that decides about a subscription: the newest that is not void.

    That of a pending update decides about the update alone.
    """
    pending = subscription.get("_pending") or {"invoice": None}
    found = work.store.select(
        "invoice",
        equal("customer", subscription["customer"]),
        equal("_subscription", subscription["id"]),
        NOT_VOID,
        Where("id IS NOT ?", (pending["invoice"],)),
        limit=1,
    )
    return found[0] if found else None


def review(work: Work, invoice: Obj) -> None:
    """Make the invoice's subscription `active` if it waits for nothing any more.

    The `newest` invoice decides; one that is uncollectible counts as one that is paid, except for a
    subscription that never began ("How subscriptions work": subscription statuses, handle unpaid
    subscriptions). A paused one waits for the invoice of its resumption ("Resume a subscription").
    One that is canceled stays so; only its customer stops being delinquent.
    """
    subscription = work.find("subscription", invoice["_subscription"])
    if subscription is None:
        return
    subscription_pending.review(work, subscription, invoice)
    status = subscription["status"]
    if status == "canceled" and invoice["status"] in OVER:
        life.mark_customer(work, subscription, paid=True)
    if status not in SETTLED:
        return
    decides, paused = newest(work, subscription), status == "paused"
    if decides is None or decides["status"] not in SETTLED[status]:
        return
    if paused and decides["id"] != invoice["id"]:
        return
    life.save(work, subscription, life.UPDATED, status="active")
    life.mark_customer(work, subscription, paid=True)
    if paused:
        work.emit("customer.subscription.resumed", subscription)

"""What a subscription's invoices make of its status when one is paid, void or given up by hand."""

from localcloud.stripe import subscription_life as life
from localcloud.stripe import subscription_pending
from localcloud.stripe.store import Obj, Where, equal
from localcloud.stripe.work import Work

NOT_VOID = Where("json_extract(body, '$.status') <> 'void'")
SETTLED = {
    "incomplete": ("paid",),
    "past_due": ("paid", "uncollectible"),
    "paused": ("paid", "uncollectible"),
    "unpaid": ("paid", "uncollectible"),
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
    """
    subscription = work.find("subscription", invoice["_subscription"])
    if subscription:
        subscription_pending.review(work, subscription, invoice)
    if subscription is None or subscription["status"] not in SETTLED:
        return
    decides, paused = newest(work, subscription), subscription["status"] == "paused"
    if decides is None or decides["status"] not in SETTLED[subscription["status"]]:
        return
    if paused and decides["id"] != invoice["id"]:
        return
    life.save(work, subscription, life.UPDATED, status="active")
    life.mark_customer(work, subscription, paid=True)
    if paused:
        work.emit("customer.subscription.resumed", subscription)

"""What a subscription's invoices make of its status when one is paid, void or given up by hand."""

from localcloud.stripe import subscription_life as life
from localcloud.stripe import subscription_pending
from localcloud.stripe.store import Obj, Where, equal
from localcloud.stripe.work import Work

NOT_VOID = Where("json_extract(body, '$.status') <> 'void'")
SETTLED = {
    "incomplete": ("paid",),
    "past_due": ("paid", "uncollectible"),
    "unpaid": ("paid", "uncollectible"),
}
"""The statuses of an invoice that end those of a subscription which waits for it."""


def review(work: Work, invoice: Obj) -> None:
    """Make the invoice's subscription `active` if it waits for nothing any more.

    The newest invoice that is not void decides; one that is uncollectible counts as one that is
    paid, except for a subscription that never began ("How subscriptions work": subscription
    statuses, handle unpaid subscriptions).
    """
    subscription = work.find("subscription", invoice["_subscription"])
    if subscription:
        subscription_pending.review(work, subscription, invoice)
    if subscription is None or subscription["status"] not in SETTLED:
        return
    newest = work.store.select(
        "invoice",
        equal("customer", subscription["customer"]),
        equal("_subscription", subscription["id"]),
        NOT_VOID,
        limit=1,
    )
    if newest and newest[0]["status"] in SETTLED[subscription["status"]]:
        life.save(work, subscription, life.UPDATED, status="active")
        life.mark_customer(work, subscription, paid=True)

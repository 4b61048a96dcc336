"""Changes of plan that wait until they are paid for (`payment_behavior=pending_if_incomplete`).

Source: "Pending updates" of Stripe's documentation. The change is made, invoiced and charged; if
that does not pay it, it is taken back, kept, and made again once its invoice is paid.
"""

from localcloud.stripe import invoicing, plan_change
from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import invalid, not_built
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_objects import in_advance, items_of, period_of
from localcloud.stripe.work import Work

LONGEST_SECONDS = 23 * 3600
SUPPORTED = {"expand", "payment_behavior", *plan_change.PARAMS}
CHANGED = ("billing_cycle_anchor", "status", "trial_end", "trial_start")
CHANGED_INSIDE = ("_items", "_prices", "_warned")
NOTHING = {"pending_update": None, "_pending": None}


def attempt(work: Work, subscription: Obj, params: Obj) -> None:
    """Change the plan if that costs nothing now or can be paid at once, else keep it for later.

    The caller stores and announces the subscription. Raises Stripe's 400 for a parameter that
    cannot wait.
    """
    _check(work, subscription, params)
    discard(work, subscription)
    was = {name: subscription[name] for name in (*CHANGED, *CHANGED_INSIDE)}
    items = items_of(work, subscription)
    expires = min(work.now + LONGEST_SECONDS, period_of(work, subscription)[1])
    invoice = plan_change.change(work, subscription, params)
    if invoice is None:
        return
    work.emit("invoice.created", invoice)
    invoicing.finalize(work, invoice)
    invoicing.pay(work, invoice, life.method_of(work, subscription), off_session=False)
    if invoice["status"] == "paid":
        life.set_status(work, subscription, paid=True)
        return
    shown = {"expires_at": expires, **_shown(work, subscription, params)}
    later = {name: subscription[name] for name in was}
    changed = items_of(work, subscription)
    for item in changed:
        work.store.put({**item, "_deleted": True})
    for item in items:
        work.store.put(item)
    kept = {"invoice": invoice["id"], "items": changed, "subscription": later}
    subscription.update(was, pending_update=shown, _pending=kept)


def _check(work: Work, subscription: Obj, params: Obj) -> None:
    for name in params:
        if name not in SUPPORTED:
            raise invalid(
                "When `payment_behavior` is set to `pending_if_incomplete`, you can only pass "
                f"supported params. `{name}` is not supported. See "
                "https://stripe.com/docs/billing/subscriptions/pending-updates-reference"
                "#supported-attributes for more details.",
                name,
            )
    for item in params.get("items", []):
        if others := sorted(set(item) - {"id", "price", "quantity"}):
            raise not_built(f"an item's {others[0]} in a pending update")
    if not all(in_advance(work, item) for item in items_of(work, subscription)):
        raise not_built("a pending update of a subscription with metered prices")
    if subscription["pause_collection"]:
        raise not_built("a pending update while the collection of payments is paused")


def _shown(work: Work, subscription: Obj, params: Obj) -> Obj:
    """The values of `pending_update` that will be set, of those that the request changes."""
    anew = params.get("billing_cycle_anchor") == "now" or "trial_end" in params
    items = [work.present(item) for item in items_of(work, subscription)]
    return {
        "billing_cycle_anchor": subscription["billing_cycle_anchor"] if anew else None,
        "subscription_items": items if "items" in params else None,
        "trial_end": subscription["trial_end"] if "trial_end" in params else None,
        "trial_from_plan": None,
    }


def review(work: Work, subscription: Obj, invoice: Obj) -> None:
    """Make the change that waited for this invoice if it is paid now, forget it if it is void."""
    pending = subscription.get("_pending")
    if not pending or pending["invoice"] != invoice["id"]:
        return
    if invoice["status"] == "paid":
        _apply(work, subscription, pending)
    elif invoice["status"] == "void":
        life.save(work, subscription, life.UPDATED, **NOTHING)


def _apply(work: Work, subscription: Obj, pending: Obj) -> None:
    before = work.present(subscription)
    for item in pending["items"]:
        work.store.put(item)
    subscription.update(pending["subscription"], **NOTHING)
    life.set_status(work, subscription, paid=True)
    if subscription["cancel_at_period_end"]:
        subscription["cancel_at"] = period_of(work, subscription)[1]
    life.save(work, subscription, "customer.subscription.pending_update_applied")
    work.announce_change(life.UPDATED, before, subscription)


def over(work: Work, subscription: Obj) -> bool:
    """Whether a change has waited too long."""
    pending = subscription["pending_update"]
    return bool(pending and pending["expires_at"] <= work.now)


def expire(work: Work, subscription: Obj) -> None:
    """The change was not paid for in time: it is dropped, and its invoice void."""
    before = work.present(subscription)
    discard(work, subscription)
    life.save(work, subscription, "customer.subscription.pending_update_expired")
    work.announce_change(life.UPDATED, before, subscription)


def discard(work: Work, subscription: Obj) -> None:
    """Drop a change that waits, if one does; the caller stores and announces the subscription."""
    pending = subscription.get("_pending")
    if not pending:
        return
    subscription.update(NOTHING)
    invoice = work.need("invoice", pending["invoice"])
    if invoice["status"] in ("open", "uncollectible"):
        invoicing.void(work, invoice)

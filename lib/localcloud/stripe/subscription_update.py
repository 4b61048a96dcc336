"""Changing a subscription by the API."""

from localcloud.stripe import (
    invoicing,
    plan_change,
    subscription_discounts,
    subscription_pause,
    subscription_pending,
)
from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import invalid
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_checks import NO_CARD, future, own_method
from localcloud.stripe.subscription_ending import check_moment, end_with_period
from localcloud.stripe.work import Work, merge_metadata


def update(work: Work, params: Obj, id: str) -> Obj:
    subscription = work.need("subscription", id)
    if subscription["status"] in life.ENDED and set(params) - {"metadata", "cancellation_details"}:
        raise invalid(
            "A canceled subscription can only update its cancellation_details and metadata."
        )
    before = work.present(subscription)
    subscription.update(_changes(work, subscription, params))
    if "discounts" in params:
        subscription_discounts.replace(work, subscription, params["discounts"])
    change_plan(work, subscription, params)
    if "cancel_at_period_end" in params:
        end_with_period(work, subscription, wanted=params["cancel_at_period_end"])
    if params.get("cancel_at"):
        check_moment(work, subscription, params.get("proration_behavior"))
    life.save(work, subscription)
    if before["status"] == "trialing" and params.get("trial_end") == "now":
        work.emit("customer.subscription.trial_will_end", subscription)
    work.announce_change(life.UPDATED, before, subscription)
    return work.present(subscription)


def change_plan(work: Work, subscription: Obj, params: Obj) -> None:
    """Change items and cycle, and collect what is due at once; the caller stores and announces.

    Raises the refusal of the card if `payment_behavior` is `error_if_incomplete`.
    """
    if not set(params) & set(plan_change.PARAMS):
        return
    if params.get("payment_behavior") == "pending_if_incomplete":
        subscription_pending.attempt(work, subscription, params)
        return
    subscription_pending.discard(work, subscription)
    invoice = plan_change.change(work, subscription, params)
    if invoice is None:
        return
    work.emit("invoice.created", invoice)
    if subscription["pause_collection"]:
        subscription_pause.hold(work, subscription, invoice)
        return
    behavior = params.get("payment_behavior", "allow_incomplete")
    invoicing.finalize(work, invoice)
    method = None
    if behavior != "default_incomplete":
        method = life.method_of(work, subscription)
    off_session = bool(params.get("off_session"))
    error = life.collect(work, subscription, invoice, method, off_session=off_session)
    if behavior == "error_if_incomplete" and invoice["status"] != "paid":
        raise error or invalid(NO_CARD, code="resource_missing")


def _changes(work: Work, subscription: Obj, params: Obj) -> Obj:
    changes: Obj = {
        name: params[name] for name in ("description", "trial_settings") if name in params
    }
    if "metadata" in params:
        changes["metadata"] = merge_metadata(subscription["metadata"], params["metadata"])
    if "default_payment_method" in params:
        changes["default_payment_method"] = own_method(work, subscription["customer"], params)
    if "pause_collection" in params:
        changes["pause_collection"] = subscription_pause.wanted(work, params)
    if "payment_settings" in params:
        changes["payment_settings"] = {
            **subscription["payment_settings"],
            **params["payment_settings"],
        }
    if "cancellation_details" in params:
        changes["cancellation_details"] = {
            **subscription["cancellation_details"],
            **params["cancellation_details"],
        }
    if "cancel_at" in params:
        moment = params["cancel_at"]
        changes["cancel_at"] = future(work, moment) if moment else None
        changes["canceled_at"] = work.now if moment else None
        changes["cancel_at_period_end"] = False
    return changes

"""Cancelling in the portal, as the configuration says; keeping and resuming a plan."""

from aiohttp import web

from localcloud.stripe import subscription_cancel, subscription_ending
from localcloud.stripe.errors import StripeError
from localcloud.stripe.invoice_preview import preview
from localcloud.stripe.pages import render
from localcloud.stripe.pages.portal_visit import Visit, plan, refusal
from localcloud.stripe.resources import subscriptions
from localcloud.stripe.store import Obj

REASONS = {
    "customer_service": "Customer service was less than expected",
    "low_quality": "Quality was less than expected",
    "missing_features": "I need more features",
    "other": "Other reason",
    "switched_service": "I found an alternative",
    "too_complex": "It is too complicated to use",
    "too_expensive": "It is too expensive",
    "unused": "I no longer need it",
}
COMMENT = 500


def ask(visit: Visit, query: dict[str, str], alert: str | None = None) -> web.Response:
    """The page that asks for confirmation."""
    subscription = _cancelable(visit, query["cancel"])
    feature = visit.feature("subscription_cancel")
    reasons = feature["cancellation_reason"]
    return visit.page(
        "portal_cancel.html",
        alert=alert,
        credit=_credit(visit, subscription),
        mode=feature["mode"],
        plan=plan(visit.work, subscription),
        reasons=[(word, REASONS[word]) for word in reasons["options"]]
        if reasons["enabled"]
        else (),
    )


def _cancelable(visit: Visit, identifier: str) -> Obj:
    subscription = visit.subscription(identifier)
    if not visit.feature("subscription_cancel")["enabled"] or subscription["cancel_at"]:
        raise refusal()
    return subscription


def _credit(visit: Visit, subscription: Obj) -> str:
    """What the unused time is worth, where the configuration gives it back."""
    if visit.feature("subscription_cancel")["proration_behavior"] != "create_prorations":
        return ""
    try:
        last = preview(
            visit.work,
            {"subscription": subscription["id"], "subscription_details": {"cancel_now": True}},
        )
    except StripeError:
        return ""
    return render.money(-last["total"], last["currency"]) if last["total"] < 0 else ""


def cancel(visit: Visit, fields: dict[str, str]) -> str:
    """Cancel at once or at the period's end, with the customer's reasons."""
    subscription = _cancelable(visit, fields.get("subscription", ""))
    feature = visit.feature("subscription_cancel")
    details: Obj = {}
    if feature["cancellation_reason"]["enabled"]:
        word = fields.get("feedback", "")
        offered = feature["cancellation_reason"]["options"]
        details["feedback"] = word if word in offered else None
        details["comment"] = fields.get("comment", "").strip()[:COMMENT] or None
    if feature["mode"] == "immediately":
        prorate = feature["proration_behavior"] == "create_prorations"
        params = {"cancellation_details": details, "prorate": prorate}
        subscription_cancel.cancel(visit.work, params, subscription["id"])
    else:
        subscription_ending.end_in_portal(visit.work, subscription, details)
    return "cancel"


def keep(visit: Visit, fields: dict[str, str]) -> str:
    """Take a scheduled cancellation back."""
    subscription = visit.subscription(fields.get("subscription", ""))
    if subscription["cancel_at"] is None:
        raise refusal()
    subscription_ending.keep_in_portal(visit.work, subscription)
    return "keep"


def resume(visit: Visit, fields: dict[str, str]) -> str:
    """Take a paused plan up again."""
    subscription = visit.subscription(fields.get("subscription", ""))
    if subscription["status"] != "paused":
        raise refusal()
    subscriptions.resume(visit.work, {}, subscription["id"])
    return "resume"

"""The portal's first page: plans, cards, billing information and invoices, as far as allowed."""

from typing import Any

from aiohttp import web

from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import StripeError
from localcloud.stripe.invoice_preview import preview
from localcloud.stripe.pages import render
from localcloud.stripe.pages.portal_visit import Visit, card_text, plan
from localcloud.stripe.resources.portal_flows import check_updatable
from localcloud.stripe.store import Obj, equal

SHOWN = 12
NOTICES = {
    "cancel": "Your plan has been canceled.",
    "keep": "Your plan will not be canceled.",
    "resume": "Your plan has been resumed.",
    "switch": "Your plan has been updated.",
    "card": "Your payment method has been added.",
    "default": "Your default payment method has been changed.",
    "pay-with": "The plan will be paid by this card.",
    "remove": "The payment method has been removed.",
    "details": "Your billing information has been updated.",
}


def show(visit: Visit, query: dict[str, str], alert: str | None = None) -> web.Response:
    cards = visit.feature("payment_method_update")["enabled"]
    details = visit.feature("customer_update")
    return visit.page(
        "portal.html",
        alert=alert,
        can_cancel=visit.feature("subscription_cancel")["enabled"],
        cards=_cards(visit) if cards else None,
        customer=visit.customer,
        details=_details(visit) if details["enabled"] and details["allowed_updates"] else None,
        invoices=_invoices(visit),
        notice=NOTICES.get(query.get("done", "")),
        plans=[_plan(visit, each) for each in visit.subscriptions()],
    )


def _plan(visit: Visit, subscription: Obj) -> dict[str, Any]:
    shown = plan(visit.work, subscription)
    return {
        **shown,
        "changeable": _changeable(visit, subscription),
        "note": _note(visit, subscription, shown),
        "owes": _owes(visit, subscription),
    }


def _changeable(visit: Visit, subscription: Obj) -> bool:
    feature = visit.feature("subscription_update")
    if not feature["enabled"] or not feature["default_allowed_updates"]:
        return False
    try:
        check_updatable(visit.work, subscription)
    except StripeError:
        return False
    return True


def _note(visit: Visit, subscription: Obj, shown: dict[str, Any]) -> str:
    """What happens next, and what it costs."""
    if shown["ending"]:
        return f"Cancels on {render.day(subscription['cancel_at'])}."
    if shown["paused"]:
        return "Paused until you resume it."
    if subscription["status"] not in ("active", "trialing"):
        return "The latest payment failed. Choose a card that works, or pay the open invoice."
    try:
        coming = preview(visit.work, {"subscription": subscription["id"]})
    except StripeError:
        return f"Renews on {shown['period_end']}."
    due = render.money(coming["amount_due"], coming["currency"])
    if subscription["status"] == "trialing":
        return f"Free until {shown['period_end']}, then {due}."
    return f"Renews on {shown['period_end']} for {due}."


def _owes(visit: Visit, subscription: Obj) -> str | None:
    """Where the subscription's open invoice is paid."""
    wheres = (equal("_subscription", subscription["id"]), equal("status", "open"))
    found = visit.work.store.select("invoice", *wheres, limit=1)
    return found[0]["hosted_invoice_url"] if found else None


def _cards(visit: Visit) -> list[dict[str, Any]]:
    default = visit.customer["invoice_settings"]["default_payment_method"]
    paying = {
        method["id"]
        for each in visit.subscriptions()
        if (method := life.method_of(visit.work, each))
    }
    return [
        {
            "id": each["id"],
            "text": card_text(each),
            "expires": f"{each['card']['exp_month']:02d}/{each['card']['exp_year'] % 100:02d}",
            "default": each["id"] == default,
            "removable": each["id"] not in paying | {default},
        }
        for each in visit.cards()
    ]


def _details(visit: Visit) -> list[str]:
    """The customer's name, addresses and phone number, a line each."""
    customer = visit.customer
    address = customer["address"] or {}
    place = [address.get(name) for name in ("postal_code", "city", "state", "country")]
    lines = [
        customer["name"],
        customer["email"],
        customer["phone"],
        address.get("line1"),
        address.get("line2"),
        " ".join(part for part in place if part),
    ]
    return [line for line in lines if line]


def _invoices(visit: Visit) -> list[dict[str, str]]:
    if not visit.feature("invoice_history")["enabled"]:
        return []
    found = visit.work.store.select("invoice", equal("customer", visit.customer["id"]))
    return [
        {
            "date": render.day(invoice["created"]),
            "number": invoice["number"],
            "amount": render.money(invoice["total"], invoice["currency"]),
            "status": invoice["status"],
            "address": f"{visit.home}?invoice={invoice['id']}",
        }
        for invoice in found
        if invoice["status"] != "draft" and not invoice.get("_deleted")
    ][:SHOWN]

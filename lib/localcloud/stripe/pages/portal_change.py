"""Changing the plan in the portal: what is offered, what it costs now, and doing it.

The costs are those of `create_preview`, the change is the API's own; a card that is declined
changes nothing.
"""

from typing import Any

from aiohttp import web

from localcloud.stripe import invoice_payment, subscription_update
from localcloud.stripe import subscription_life as life
from localcloud.stripe.cards import AUTHENTICATION_FAILED
from localcloud.stripe.errors import StripeError, invalid
from localcloud.stripe.invoice_preview import preview
from localcloud.stripe.pages import render
from localcloud.stripe.pages.portal_offers import offers, wanted
from localcloud.stripe.pages.portal_visit import Visit, plan, refusal
from localcloud.stripe.resources import payment_methods, promotion_codes
from localcloud.stripe.resources.portal_flows import check_updatable
from localcloud.stripe.store import Obj

NO_CARD = "There is no card to pay with yet. Add one first, then change the plan."


def show(visit: Visit, query: dict[str, str], alert: str | None = None) -> web.Response:
    """The plans to choose from, or what the chosen one costs."""
    chosen = "price" in query or "quantity" in query
    return (confirm if chosen else choose)(visit, query, alert)


def again(visit: Visit, query: dict[str, str], alert: str | None = None) -> web.Response:
    """The change that waited for the bank, with the refusal."""
    return show(visit, (visit.session.get("_pending") or {}).get("change", {}), alert)


def choose(visit: Visit, query: dict[str, str], alert: str | None = None) -> web.Response:
    """The plans to choose from."""
    subscription = _updatable(visit, query["change"])
    return visit.page(
        "portal_change.html",
        alert=alert,
        can_price="price" in visit.feature("subscription_update")["default_allowed_updates"],
        offers=offers(visit, subscription),
        plan=plan(visit.work, subscription),
    )


def confirm(visit: Visit, query: dict[str, str], alert: str | None = None) -> web.Response:
    """What the change costs, now and later, and the button that makes it."""
    subscription = _updatable(visit, query["change"])
    try:
        offer = wanted(visit, subscription, query)
        discounts = _discounts(visit, subscription, query)
        costs = _costs(visit, subscription, {**offer.params, **discounts})
    except StripeError as error:
        if "code" in query:  # a promotion code that cannot be redeemed spoils nothing else
            query = {name: value for name, value in query.items() if name != "code"}
            return confirm(visit, query, error.message)
        if (visit.flow or {}).get("type") == "subscription_update_confirm":
            raise  # there is nothing to choose
        return choose(visit, query, error.message)
    allowed = visit.feature("subscription_update")["default_allowed_updates"]
    return visit.page(
        "portal_confirm.html",
        alert=alert,
        code=query.get("code", ""),
        costs=costs,
        offer=offer,
        plan=plan(visit.work, subscription),
        promotion="promotion_code" in allowed and not subscription["discounts"],
    )


def bank(visit: Visit) -> web.Response:
    """The bank's question whether the payment is the customer's."""
    return visit.page("portal_bank.html", button="authenticate-change")


def _updatable(visit: Visit, identifier: str) -> Obj:
    subscription = visit.subscription(identifier)
    if not visit.feature("subscription_update")["enabled"]:
        raise refusal()
    check_updatable(visit.work, subscription)
    return subscription


def _discounts(visit: Visit, subscription: Obj, query: dict[str, str]) -> Obj:
    """The discounts of a deep link, or of the code that the customer typed."""
    if text := query.get("code", "").strip():
        allowed = visit.feature("subscription_update")["default_allowed_updates"]
        code = promotion_codes.find(visit.work, text)
        if code is None or "promotion_code" not in allowed or subscription["discounts"]:
            raise invalid("This code is invalid.", "code")
        return {"discounts": [{"promotion_code": code["id"]}]}
    given = ((visit.flow or {}).get("subscription_update_confirm") or {}).get("discounts") or []
    found = [{name: value for name, value in each.items() if value} for each in given]
    return {"discounts": found} if found else {}


def _costs(visit: Visit, subscription: Obj, params: Obj) -> dict[str, Any]:
    """The invoice of the change: its lines and sums, and when it is due."""
    details = {name: value for name, value in params.items() if name != "discounts"}
    asked: Obj = {"subscription": subscription["id"], "subscription_details": details}
    if "discounts" in params:
        asked["discounts"] = params["discounts"]
    invoice = preview(visit.work, asked)
    now = invoice["created"] <= visit.work.now  # else it is the one that renews the plan
    off = sum(each["amount"] for each in invoice["total_discount_amounts"])
    currency = invoice["currency"]
    return {
        "currency": currency,
        "due": invoice["amount_due"] if now else 0,
        "due_text": render.money(invoice["amount_due"] if now else 0, currency),
        "lines": [
            (render.described(line), render.money(line["amount"], currency))
            for line in invoice["lines"]["data"]
        ],
        "off": render.money(-off, currency) if off else "",
        "credit": _credit(invoice),
        "total": render.money(invoice["amount_due"], currency),
        "later": "" if now else render.day(invoice["created"]),
    }


def _credit(invoice: Obj) -> str:
    """What the customer's balance pays of it, or what is added to that."""
    moved = invoice["amount_due"] - invoice["total"]
    return render.money(moved, invoice["currency"]) if moved else ""


def switch(visit: Visit, fields: dict[str, str]) -> str | web.Response:
    """Make the change that was confirmed; the bank may want to be asked first."""
    subscription = _updatable(visit, fields.get("change", ""))
    offer = wanted(visit, subscription, fields)
    params = {**offer.params, **_discounts(visit, subscription, fields)}
    if _costs(visit, subscription, params)["due"]:
        method = life.method_of(visit.work, subscription)
        if method is None:
            raise invalid(NO_CARD)
        if payment_methods.needs_authentication(method, off_session=False):
            visit.work.update(visit.session, _pending={"change": fields})
            return bank(visit)
    params["payment_behavior"] = "error_if_incomplete"
    subscription_update.update(visit.work, params, subscription["id"])
    return "switch"


def authenticate(visit: Visit, fields: dict[str, str]) -> str | web.Response:
    """The bank has been asked: make the change and pay for it, or leave everything as it is."""
    pending = (visit.session.get("_pending") or {}).get("change")
    if not pending:
        raise refusal()
    visit.work.update(visit.session, _pending=None)
    if fields.get("result") != "complete":
        return confirm(visit, pending, AUTHENTICATION_FAILED)
    subscription = _updatable(visit, pending["change"])
    offer = wanted(visit, subscription, pending)
    params = {**offer.params, **_discounts(visit, subscription, pending)}
    subscription_update.update(visit.work, params, subscription["id"])
    _pay(visit, visit.subscription(subscription["id"]))
    return "switch"


def _pay(visit: Visit, subscription: Obj) -> None:
    """Pay the change's invoice, which waits for the bank. Raises the refusal."""
    invoice = visit.work.need("invoice", subscription["latest_invoice"])
    if invoice_payment.waiting(visit.work, invoice) is None:
        return
    outcome = invoice_payment.authenticate(visit.work, invoice, passed=True)
    if outcome.error:
        raise outcome.error

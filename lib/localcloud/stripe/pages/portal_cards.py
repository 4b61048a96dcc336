"""Cards in the portal: add one, 3D Secure included, make one the default, remove one.

A new default is the customer's (`invoice_settings.default_payment_method`), as "Deep links in the
customer portal" says; a plan with a card of its own, as Checkout leaves it, keeps that until the
customer chooses another for it.
"""

from aiohttp import web

from localcloud.stripe import subscription_life as life
from localcloud.stripe import subscription_update
from localcloud.stripe.errors import StripeError, invalid
from localcloud.stripe.pages import forms
from localcloud.stripe.pages.portal_visit import Visit, card_text, plan, refusal
from localcloud.stripe.resources import customers, payment_methods, setup_intents
from localcloud.stripe.store import Obj

PAYING = "This card pays for a plan. Let another card pay for it first."


def form(visit: Visit, query: dict[str, str], alert: str | None = None) -> web.Response:
    """The form for a new card; if `card` names a plan, the other saved cards may pay for it."""
    _check_allowed(visit)
    wanted = query.get("card", "")
    subscription = visit.subscription(wanted) if wanted.startswith("sub_") else None
    paying = life.method_of(visit.work, subscription) if subscription else None
    return visit.page(
        "portal_card.html",
        alert=alert,
        cards=forms.test_cards(),
        plan=plan(visit.work, subscription) if subscription else None,
        saved=[
            {"id": each["id"], "text": card_text(each)}
            for each in (visit.cards() if subscription else [])
            if paying is None or each["id"] != paying["id"]
        ],
    )


def bank(visit: Visit) -> web.Response:
    """The bank's question whether the card is the customer's."""
    return visit.page("portal_bank.html", button="authenticate-card")


def add(visit: Visit, fields: dict[str, str]) -> str | web.Response:
    """Save a card by a setup intent. A refusal stays on record, as at Stripe."""
    _check_allowed(visit)
    work, purpose = visit.work, _purpose(visit, fields)
    billing = {"email": visit.customer["email"]}
    method = payment_methods.new(work, forms.card(fields), billing)
    intent = setup_intents.new(work, visit.customer["id"])
    if error := setup_intents.confirm(work, intent, method):
        return form(visit, fields, error.message)
    if intent["status"] == "requires_action":
        pending = {"intent": intent["id"], "method": method["id"], "purpose": purpose}
        work.update(visit.session, _pending={"card": pending})
        return bank(visit)
    return _save(visit, method, purpose)


def authenticate(visit: Visit, fields: dict[str, str]) -> str | web.Response:
    """The bank has been asked about a new card."""
    _check_allowed(visit)
    work = visit.work
    pending = (visit.session.get("_pending") or {}).get("card")
    if not pending:
        raise refusal()
    work.update(visit.session, _pending=None)
    intent = work.need("setup_intent", pending["intent"])
    method = work.need("payment_method", pending["method"])
    error: StripeError | None
    if fields.get("result") == "complete":
        error = setup_intents.confirm(work, intent, method, authenticated=True)
    else:
        error = setup_intents.fail_authentication(work, intent, method)
    if error:
        return form(visit, {"card": pending["purpose"]}, error.message)
    return _save(visit, method, pending["purpose"])


def _purpose(visit: Visit, fields: dict[str, str]) -> str:
    """`default`, the id of the plan that the card is for, or nothing."""
    wanted = fields.get("card", "")
    if wanted.startswith("sub_"):
        return str(visit.subscription(wanted)["id"])
    return "default" if visit.flow or fields.get("default") else ""


def _save(visit: Visit, method: Obj, purpose: str) -> str:
    payment_methods.attach_to(visit.work, method, visit.customer)
    if purpose == "default":
        _make_default(visit, method["id"])
    elif purpose:
        change = {"default_payment_method": method["id"]}
        subscription_update.update(visit.work, change, purpose)
    return "card"


def default(visit: Visit, fields: dict[str, str]) -> str:
    """Make one of the cards the customer's default."""
    _check_allowed(visit)
    _make_default(visit, visit.card(fields.get("method", ""))["id"])
    return "default"


def _make_default(visit: Visit, identifier: str | None) -> None:
    settings = {"default_payment_method": identifier}
    customers.update(visit.work, {"invoice_settings": settings}, visit.customer["id"])


def pay_with(visit: Visit, fields: dict[str, str]) -> str:
    """Let one of the cards pay for one of the plans."""
    _check_allowed(visit)
    subscription = visit.subscription(fields.get("card", ""))
    change = {"default_payment_method": visit.card(fields.get("method", ""))["id"]}
    subscription_update.update(visit.work, change, subscription["id"])
    return "pay-with"


def remove(visit: Visit, fields: dict[str, str]) -> str:
    """Take a card away, unless a running plan is paid by it."""
    _check_allowed(visit)
    method = visit.card(fields.get("method", ""))
    for subscription in visit.subscriptions():
        paying = life.method_of(visit.work, subscription)
        if paying and paying["id"] == method["id"]:
            raise invalid(PAYING, "method")
    if visit.customer["invoice_settings"]["default_payment_method"] == method["id"]:
        _make_default(visit, None)
    payment_methods.detach_from(visit.work, method)
    return "remove"


def _check_allowed(visit: Visit) -> None:
    if not visit.feature("payment_method_update")["enabled"]:
        raise refusal()

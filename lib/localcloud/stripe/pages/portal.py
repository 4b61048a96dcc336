"""The Customer Portal page at `/p/session/<id>`: see, cancel, keep and resume subscriptions."""

import hmac
from collections.abc import Callable
from typing import Any

from aiohttp import web

from localcloud.stripe import subscription_ending, subscription_renewal
from localcloud.stripe import subscription_life as life
from localcloud.stripe.app_keys import ACCOUNT, WAKE
from localcloud.stripe.pages import forms, render
from localcloud.stripe.store import Obj, equal
from localcloud.stripe.subscription_objects import items_of
from localcloud.stripe.work import Work

LIFETIME = 3600
NOTICES = {
    "cancel": "Your plan has been canceled.",
    "keep": "Your plan will not be canceled.",
    "resume": "Your plan has been resumed.",
}


async def show(request: web.Request) -> web.Response:
    """`GET /p/session/{id}`; `?cancel=<subscription>` asks for confirmation, `?done=` confirms."""
    work, session = _find(request)
    if session is None:
        return _gone()
    customer = work.find("customer", session["customer"]) or {}
    configuration = work.need("billing_portal.configuration", session["configuration"])
    plans = [_plan(work, each) for each in _subscriptions(work, session)]
    wanted = request.query.get("cancel")
    cancel = configuration["features"]["subscription_cancel"]
    return render.page(
        "portal.html",
        action=f"{work.base_path}/p/session/{session['id']}/{session['_secret']}",
        can_cancel=cancel["enabled"],
        confirm=next((plan for plan in plans if plan["id"] == wanted and cancel["enabled"]), None),
        email=customer.get("email"),
        headline=configuration["business_profile"]["headline"],
        invoices=_invoices(work, session, configuration),
        mode=cancel["mode"],
        notice=NOTICES.get(request.query.get("done", "")),
        plans=plans,
        return_url=session["return_url"],
    )


async def cancel(request: web.Request) -> web.Response:
    """`when` is `at_period_end` or `immediately`."""
    when = (await forms.read(request)).get("when")
    if when not in ("at_period_end", "immediately"):
        return render.message("Nothing was changed", "Choose when the plan should end.", status=400)

    def change(work: Work, subscription: Obj) -> None:
        if when == "immediately":
            life.end(work, subscription)
        else:
            subscription_ending.schedule_end(work, subscription, portal=True)

    return await _act(request, "cancel", change)


async def keep(request: web.Request) -> web.Response:
    return await _act(request, "keep", subscription_ending.keep)


async def resume(request: web.Request) -> web.Response:
    return await _act(request, "resume", subscription_renewal.resume)


def _find(request: web.Request) -> tuple[Work, Obj | None]:
    account = request.app[ACCOUNT]
    work = account.work()
    with account.store.transaction():
        account.catch_up(work)
    session = work.find("billing_portal.session", request.match_info["id"])
    if session and session["created"] + LIFETIME < work.now:
        session = None
    return work, session


def _gone() -> web.Response:
    return render.message(
        "This page has expired", "Go back to the site and open billing again.", status=404
    )


def _subscriptions(work: Work, session: Obj) -> list[Obj]:
    found = work.store.select("subscription", equal("customer", session["customer"]))
    return [each for each in found if each["status"] not in life.ENDED]


async def _act(request: web.Request, name: str, change: Callable[[Work, Obj], Any]) -> web.Response:
    """Change one of the customer's running subscriptions, then show the page again."""
    work, session = _find(request)
    secret = request.match_info["secret"]
    if session is None or not hmac.compare_digest(secret.encode(), session["_secret"].encode()):
        return _gone()
    wanted = (await forms.read(request)).get("subscription", "")
    chosen = next((s for s in _subscriptions(work, session) if s["id"] == wanted), None)
    if chosen is None or not _allowed(work, session, chosen, name):
        return render.message(
            "Nothing was changed",
            "This plan is not in a state that allows it.",
            link=session["url"],
            status=409,
        )
    with work.store.transaction():
        change(work, chosen)
    request.app[WAKE]()
    raise web.HTTPSeeOther(f"{work.base_path}/p/session/{session['id']}?done={name}")


def _allowed(work: Work, session: Obj, subscription: Obj, name: str) -> bool:
    if name == "keep":
        return subscription["cancel_at"] is not None
    if name == "resume":
        return bool(subscription["status"] == "paused")
    configuration = work.need("billing_portal.configuration", session["configuration"])
    return bool(configuration["features"]["subscription_cancel"]["enabled"])


def _plan(work: Work, subscription: Obj) -> dict[str, Any]:
    item = items_of(work, subscription)[0]
    price = work.need("price", item["_price"])
    product = work.find("product", price["product"]) or {"name": "Plan"}
    method = life.method_of(work, subscription)
    end = render.day(item["current_period_end"])
    ending = subscription["cancel_at"] is not None
    note = f"Renews on {end}."
    if ending:
        note = f"Cancels on {render.day(subscription['cancel_at'])}."
    elif subscription["status"] == "paused":
        note = "Paused until you resume it."
    return {
        "id": subscription["id"],
        "name": product["name"],
        "status": subscription["status"],
        "price": render.money(price["unit_amount"] * item["quantity"], price["currency"]),
        "every": render.every(price),
        "note": note,
        "card": _card(work.present(method)["card"]) if method else "",
        "ending": ending,
        "paused": subscription["status"] == "paused",
        "period_end": end,
    }


def _card(card: Obj) -> str:
    return f"{card['brand'].title()} ending in {card['last4']}"


def _invoices(work: Work, session: Obj, configuration: Obj) -> list[dict[str, str]]:
    if not configuration["features"]["invoice_history"]["enabled"]:
        return []
    found = work.store.select("invoice", equal("customer", session["customer"]), limit=12)
    return [
        {
            "date": render.day(invoice["created"]),
            "number": invoice["number"] or "",
            "amount": render.money(invoice["total"], invoice["currency"]),
            "status": invoice["status"],
        }
        for invoice in found
    ]

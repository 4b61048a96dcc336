"""The Checkout page: hosted at `/c/pay/<session id>`, framed at `/c/embed/<client secret>`.

To its parent window the framed page posts `{"source": "localstripe", "type", "sessionId"}`:
`resize` (with `height`, in pixels) whenever its height changes and `complete` once it is paid. Then
it sends the top window to the session's `return_url`.
"""

import hmac
from typing import Any

from aiohttp import web

from localcloud.stripe import checkout, checkout_discounts, checkout_intent, control
from localcloud.stripe.app_keys import WAKE
from localcloud.stripe.errors import StripeError
from localcloud.stripe.pages import arrival, forms, render
from localcloud.stripe.params import EMAIL
from localcloud.stripe.resources.checkout_sessions import line_items
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

FIELDS = {
    "invalid_number": "number",
    "incorrect_number": "number",
    "invalid_expiry_month": "expiry",
    "invalid_expiry_year": "expiry",
    "invalid_cvc": "cvc",
    "incorrect_cvc": "cvc",
}


async def hosted(request: web.Request) -> web.Response:
    """`GET /c/pay/{id}`."""
    work, session = _find(request, request.match_info["id"], secret=None)
    return _show(work, session) if session else _unknown(work)


async def embedded(request: web.Request) -> web.Response:
    """`GET /c/embed/{client_secret}`."""
    secret = request.match_info["secret"]
    work, session = _find(request, secret.partition("_secret_")[0], secret=secret)
    return _show(work, session) if session else _unknown(work)


async def pay(request: web.Request) -> web.Response:
    """`POST /c/pay/{client_secret}` with the card's fields."""
    return await _act(request, _pay)


async def promotion(request: web.Request) -> web.Response:
    """`POST /c/pay/{client_secret}/promotion` with a promotion `code`; answers with the page."""
    fields = await forms.read(request)
    secret = request.match_info["secret"]
    work, session = _find(request, secret.partition("_secret_")[0], secret=secret)
    if session is None:
        return _unknown(work)
    try:
        with work.store.transaction():
            checkout_discounts.enter(work, session, fields.get("code", ""))
    except StripeError as error:
        return _show(work, session, error.message)
    return _show(work, session)


async def authenticate(request: web.Request) -> web.Response:
    """`POST /c/pay/{client_secret}/authenticate` with `result`: `complete` or `fail`."""
    return await _act(request, _authenticate)


def _find(request: web.Request, identifier: str, *, secret: str | None) -> tuple[Work, Obj | None]:
    work = arrival.begin(request)
    session = work.find("checkout.session", identifier)
    if session and secret and not hmac.compare_digest(secret.encode(), session["_secret"].encode()):
        session = None
    return work, session


def _unknown(work: Work) -> web.Response:
    said = "This Checkout Session does not exist."
    return render.message("Nothing here", said, status=404, framers=work.config.site_origins)


async def _act(request: web.Request, action: Any) -> web.Response:
    """Run a post of the page in one transaction; scripts get JSON, plain forms get a page."""
    fields = await forms.read(request)
    secret = request.match_info["secret"]
    work, session = _find(request, secret.partition("_secret_")[0], secret=secret)
    as_json = "application/json" in request.headers.get("Accept", "")
    if session is None:
        answer = {"status": "declined", "message": "This Checkout Session does not exist."}
        return web.json_response(answer, status=404) if as_json else _unknown(work)
    try:
        with work.store.transaction():
            outcome = action(work, session, fields)
    except StripeError as error:
        outcome = checkout.Outcome("declined", session, error)
    request.app[WAKE]()
    if as_json:
        return web.json_response(_answer(outcome))
    redirect = _redirect(outcome.session) if outcome.status == "complete" else None
    if redirect:
        raise web.HTTPSeeOther(redirect)
    return _show(work, outcome.session, outcome.error.message if outcome.error else None)


def _pay(work: Work, session: Obj, fields: dict[str, str]) -> checkout.Outcome:
    email = control.session_email(work, session) or fields.get("email", "").strip()
    if not EMAIL.fullmatch(email) or len(email) > 512:
        error = StripeError(400, "Your e-mail address is incomplete.", param="email")
        return checkout.Outcome("declined", session, error)
    card = forms.card(fields) if checkout.collects(session) else None
    return checkout.pay(work, session, card, email)


def _authenticate(work: Work, session: Obj, fields: dict[str, str]) -> checkout.Outcome:
    return checkout.authenticate(work, session, passed=fields.get("result") == "complete")


def _answer(outcome: checkout.Outcome) -> dict[str, Any]:
    answer: dict[str, Any] = {"status": outcome.status}
    if outcome.status == "complete":
        answer["redirect"] = _redirect(outcome.session)
    if outcome.error:
        answer["message"] = outcome.error.message
        answer["field"] = outcome.error.param
        if outcome.error.code:
            answer["field"] = FIELDS.get(outcome.error.code, "number")
    return answer


def _redirect(session: Obj) -> str | None:
    """Where the browser goes after paying; a card needs no redirect, so `if_required` has none."""
    url: str | None = session["success_url"]
    if session["ui_mode"] == "embedded_page":
        url = session["return_url"] if session["redirect_on_completion"] == "always" else None
    return url.replace("{CHECKOUT_SESSION_ID}", session["id"]) if url else None


def _show(work: Work, session: Obj, alert: str | None = None) -> web.Response:
    # Hosted pages may be framed by nobody, as at Stripe.
    framers = work.config.site_origins if session["ui_mode"] == "embedded_page" else ()
    if session["status"] == "expired":
        return render.message(
            "This page has expired",
            "Go back to the site and start again.",
            link=session["cancel_url"],
            status=410,
            framers=framers,
        )
    items = line_items(work, session)
    fixed = control.session_email(work, session)
    days = session["_subscription_data"].get("trial_period_days")
    return render.page(
        "checkout.html",
        action=f"{work.base_path}/c/pay/{session['_secret']}",
        alert=alert,
        back=session["cancel_url"],
        balance=_balance(work, session),
        cards=forms.test_cards(),
        collects=checkout.collects(session),
        done=session["status"] == "complete",
        email=fixed,
        email_fixed=bool(fixed),
        every=render.every(items[0]["price"]),
        framers=framers,
        lines=[
            {
                "name": item["description"],
                "quantity": item["quantity"],
                "amount": render.money(item["amount_subtotal"], item["currency"]),
            }
            for item in items
        ],
        off=_off(session, items),
        promotion=session["allow_promotion_codes"] and session["status"] == "open",
        session_id=session["id"],
        subscription=session["mode"] == "subscription",
        total=render.money(sum(item["amount_total"] for item in items), session["currency"]),
        trial=f"{days} days free" if days else "",
        waiting=bool(session.get("_pending")),
    )


def _balance(work: Work, session: Obj) -> dict[str, str]:
    """What the customer's balance pays or adds, and what that leaves due; empty if neither."""
    due = checkout_intent.due(work, session)
    applied = due - session["amount_total"]
    if session["status"] != "open" or not applied:
        return {}
    currency = session["currency"]
    return {"applied": render.money(applied, currency), "due": render.money(due, currency)}


def _off(session: Obj, items: list[Obj]) -> str:
    """What discounts take off, or nothing."""
    off = sum(item["amount_discount"] for item in items)
    return render.money(off, session["currency"]) if off else ""

"""The local stack's own levers: pay, reset, look. None of this exists at Stripe."""

from typing import Any

from aiohttp import web

from localcloud.stripe import (
    catalogue,
    checkout,
    checkout_discounts,
    invoice_payment,
    versions,
)
from localcloud.stripe.account import Account
from localcloud.stripe.app_keys import ACCOUNT, WAKE
from localcloud.stripe.cards import CardDetails
from localcloud.stripe.errors import StripeError, invalid
from localcloud.stripe.nouns import random_text
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work
from saas import json_text

JsonObject = dict[str, Any]
ROLL_SECONDS = 86400


def prepare(account: Account) -> None:
    """Seed the catalogue and the stack's webhook endpoint, if the account is to have them."""
    with account.store.transaction():
        _seed(account)


def _seed(account: Account) -> None:
    if not account.config.stripe_unseeded:
        catalogue.seed(account.work(), account.config)


def reset(account: Account) -> JsonObject:
    """Forget everything, faults too, and seed again."""
    account.faults.forget()
    account.mishaps.clear()
    with account.store.transaction():
        account.store.clear()
        account.clock.reset()
        account.moving = False
        _seed(account)
    return {"status": "ok"}


PAY = ("sessionId", "invoice", "card", "email", "name", "authentication", "promotionCode")
DEFAULT_CARD = "4242424242424242"


def pay(account: Account, body: Any) -> JsonObject:
    """Pay a session as on its page: `{"sessionId", "card"?, "email"?, "name"?, "authentication"?}`.

    A `promotionCode` is entered before that, if the session allows one.
    Answers `{"status": "complete"|"declined"|"requires_action", "session", "error"?}`. For a card
    that asks for 3D Secure, `authentication` (`complete` or `fail`) goes through that step too;
    alone, without a card, it answers a step begun before. The card `none` is for a session
    that asks for none. With `invoice` instead of `sessionId` an invoice is paid, as on its page.
    """
    fields = _strings(body, PAY)
    if ("sessionId" in fields) == ("invoice" in fields):
        raise invalid("sessionId or invoice is required, and not both.", "sessionId")
    if fields.get("authentication", "fail") not in ("complete", "fail"):
        raise invalid("authentication must be complete or fail.", "authentication")
    work = account.work()
    if "invoice" in fields:
        return _pay_invoice(account, work, fields)
    with account.store.transaction():
        account.catch_up(work)
        session = work.need("checkout.session", fields["sessionId"], param="sessionId")
        if "promotionCode" in fields:
            checkout_discounts.enter(work, session, fields["promotionCode"])
        outcome = _pay(work, session, fields)
    return _outcome(account, outcome)


def _pay(work: Work, session: Obj, fields: dict[str, str]) -> checkout.Outcome:
    outcome = checkout.Outcome("requires_action", session)
    if "card" in fields or "authentication" not in fields:
        card = None if fields.get("card") == "none" else _card(work, fields)
        email = fields.get("email") or session_email(work, session) or "customer@example.com"
        outcome = checkout.pay(work, session, card, email)
    if outcome.status == "requires_action" and "authentication" in fields:
        outcome = checkout.authenticate(
            work, session, passed=fields["authentication"] == "complete"
        )
    return outcome


def _pay_invoice(account: Account, work: Work, fields: dict[str, str]) -> JsonObject:
    """Pay an invoice as on its page; without a `card` the one on file pays."""
    with account.store.transaction():
        account.catch_up(work)
        invoice = work.need("invoice", fields["invoice"], param="invoice")
        outcome = invoice_payment.Outcome("requires_action", invoice)
        if "card" in fields or not invoice_payment.waiting(work, invoice):
            card = _card(work, fields) if "card" in fields else None
            outcome = invoice_payment.pay(work, invoice, card)
        if outcome.status == "requires_action" and "authentication" in fields:
            passed = fields["authentication"] == "complete"
            outcome = invoice_payment.authenticate(work, invoice, passed=passed)
    shown = versions.render(work.present(invoice), versions.DEFAULT)
    return _answer(outcome.status, outcome.error, invoice=shown)


def _card(work: Work, fields: dict[str, str]) -> CardDetails:
    number = fields.get("card", DEFAULT_CARD).replace(" ", "")
    year = 1970 + work.now // 31_556_952 + 3
    cvc = "1234" if number.startswith("37") else "123"
    return CardDetails(number, 12, year, cvc, fields.get("name", "Test Customer"))


def session_email(work: Work, session: Obj) -> str | None:
    """The address that Checkout fills in: the customer's, or the one given for the session."""
    customer = work.find("customer", session["customer"])
    email: str | None = customer["email"] if customer else session["customer_email"]
    return email


def _outcome(account: Account, outcome: checkout.Outcome) -> JsonObject:
    shown = versions.render(account.work().present(outcome.session), outcome.session["_version"])
    return _answer(outcome.status, outcome.error, session=shown)


def _answer(status: str, error: StripeError | None, **shown: Obj) -> JsonObject:
    answer: JsonObject = {"status": status, **shown}
    if error:
        answer["error"] = {
            "code": error.code,
            "decline_code": error.decline_code,
            "message": error.message,
        }
    return answer


def _strings(body: Any, names: tuple[str, ...]) -> dict[str, str]:
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object.")
    for name, value in body.items():
        if name not in names:
            raise invalid(f"Unknown field: {name}", name)
        if not isinstance(value, str):
            raise invalid(f"{name} must be a string.", name)
    return dict(body)


def roll(account: Account, body: Any) -> JsonObject:
    """`{"endpoint"?, "secret"?}`: a new signing secret, beside which the old ones hold for a day.

    Without `endpoint` it is the stack's own. Answers `{"endpoint", "secret"}`. (At Stripe this is a
    button of the dashboard.)
    """
    fields = _strings(body, ("endpoint", "secret"))
    work = account.work()
    with account.store.transaction():
        if "endpoint" in fields:
            endpoint = work.need("webhook_endpoint", fields["endpoint"], param="endpoint")
        else:
            endpoint = catalogue.own_endpoint(work) or work.need("webhook_endpoint", "own")
        secret = fields.get("secret") or f"whsec_{random_text(32)}"
        until = work.wall + ROLL_SECONDS
        old = [{**each, "until": each["until"] or until} for each in endpoint["_secrets"]]
        work.update(endpoint, _secrets=[{"secret": secret, "until": None}, *old])
    return {"endpoint": endpoint["id"], "secret": secret}


async def handle_health(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def read_json(request: web.Request) -> Any:
    try:
        return json_text.read(await request.read())
    except ValueError:
        raise invalid("The body is not valid JSON.") from None


async def handle_pay(request: web.Request) -> web.Response:
    """Pays a Checkout Session as its page would: `{"sessionId", "card"?, "email"?, "name"?,
    "authentication"?: "complete" or "fail", "promotionCode"?}`; the card `none` where it asks for
    none. Answers `{"status": "complete", "declined" or "requires_action", "session", "error"?}`.
    With `invoice` instead of `sessionId` it pays an open invoice, and answers with that: by the
    card on file unless `card` names one; `authentication` passes the 3-D Secure it waits for.
    """
    answer = pay(request.app[ACCOUNT], await read_json(request))
    request.app[WAKE]()
    return web.json_response(answer)


async def handle_roll(request: web.Request) -> web.Response:
    """Rolls a signing secret, `{"endpoint"?, "secret"?}`; the old one signs beside it for a day."""
    return web.json_response(roll(request.app[ACCOUNT], await read_json(request)))


async def handle_reset(request: web.Request) -> web.Response:
    """Forgets everything and seeds `plans.toml` again, under the same ids."""
    return web.json_response(reset(request.app[ACCOUNT]))

"""The hosted invoice page at `/i/<invoice>/<secret>`, where somebody pays what is open.

A renewal that the card on file did not pay, for 3D Secure or any other reason, is completed here
("Hosted Invoice Page" of Stripe's documentation).
"""

import hmac
from collections.abc import Callable

from aiohttp import web

from localcloud.stripe import invoice_payment
from localcloud.stripe.app_keys import WAKE
from localcloud.stripe.errors import StripeError
from localcloud.stripe.pages import arrival, forms, render
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

Action = Callable[[Work, Obj, dict[str, str]], invoice_payment.Outcome]


async def show(request: web.Request) -> web.Response:
    """`GET /i/{id}/{secret}`."""
    work, invoice = _find(request)
    return _page(work, invoice) if invoice else _unknown()


async def pay(request: web.Request) -> web.Response:
    """`POST /i/{id}/{secret}/pay` with the card's fields."""
    return await _act(
        request,
        lambda work, invoice, fields: invoice_payment.pay(work, invoice, forms.card(fields)),
    )


async def authenticate(request: web.Request) -> web.Response:
    """`POST /i/{id}/{secret}/authenticate` with `result`: `complete` or `fail`."""
    return await _act(
        request,
        lambda work, invoice, fields: invoice_payment.authenticate(
            work, invoice, passed=fields.get("result") == "complete"
        ),
    )


def _find(request: web.Request) -> tuple[Work, Obj | None]:
    work = arrival.begin(request)
    invoice = work.find("invoice", request.match_info["id"])
    secret = request.match_info["secret"].encode()
    if invoice and not hmac.compare_digest(secret, invoice.get("_secret", "").encode()):
        invoice = None
    return work, invoice


def _unknown() -> web.Response:
    return render.message("Nothing here", "This invoice does not exist.", status=404)


async def _act(request: web.Request, action: Action) -> web.Response:
    fields = await forms.read(request)
    work, invoice = _find(request)
    if invoice is None:
        return _unknown()
    try:
        with work.store.transaction():
            outcome = action(work, invoice, fields)
    except StripeError as error:
        # What was tried is undone: the page is that of the invoice as it was.
        return _page(work, work.need("invoice", invoice["id"]), error.message)
    request.app[WAKE]()
    if outcome.error:
        return _page(work, outcome.invoice, outcome.error.message)
    raise web.HTTPSeeOther(_path(work, outcome.invoice))


def _path(work: Work, invoice: Obj) -> str:
    return f"{work.base_path}/i/{invoice['id']}/{invoice['_secret']}"


def _page(work: Work, invoice: Obj, alert: str | None = None) -> web.Response:
    currency = invoice["currency"]
    return render.page(
        "invoice.html",
        action=_path(work, invoice),
        alert=alert,
        cards=forms.test_cards(),
        due=render.money(invoice["amount_due"], currency),
        lines=[
            {"text": render.described(line), "amount": render.money(line["amount"], currency)}
            for line in invoice["_lines"]
        ],
        number=invoice["number"],
        open=invoice["status"] in invoice_payment.PAYABLE,
        state=invoice["status"],
        waiting=invoice_payment.waiting(work, invoice) is not None,
    )

"""Invoices in the API, in basil's shape (https://docs.stripe.com/api/invoices); see `invoicing`."""

from localcloud.stripe import dunning, invoice_actions, invoice_create, invoice_update, invoicing
from localcloud.stripe.errors import StripeError, invalid
from localcloud.stripe.invoice_preview import PARAMS, preview
from localcloud.stripe.lists import as_list, filters, page, page_within
from localcloud.stripe.params import EXPAND, PAGE, Hash
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources import invoice_payments
from localcloud.stripe.resources.invoice_params import CREATE, FINALIZE, LIST, PAY, UPDATE
from localcloud.stripe.store import EXISTS, Obj, equal
from localcloud.stripe.work import Work, plain

URL = "/v1/invoices"


def present(work: Work, invoice: Obj) -> Obj:
    shown = plain(work, invoice)
    if invoice.get("_deleted"):
        return shown
    if invoice["status"] != "uncollectible":
        shown.pop("status_details", None)
    lines = [plain(work, line) for line in invoice["_lines"]]
    return {**shown, "lines": as_list(f"{URL}/{invoice['id']}/lines", lines)}


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("invoice", id))


def list_all(work: Work, params: Obj) -> Obj:
    for name in ("customer", "subscription"):
        if name in params:
            work.need(name, params[name], param=name)
    names = ("collection_method", "created", "customer", "due_date", "status")
    wheres = filters(params, *names, subscription="_subscription")
    return page(work, "invoice", URL, params, EXISTS, *wheres)


def create(work: Work, params: Obj) -> Obj:
    return work.present(invoice_create.create(work, params))


def update(work: Work, params: Obj, id: str) -> Obj:
    invoice = work.need("invoice", id)
    invoice_update.update(work, invoice, params)
    return work.present(invoice)


def delete(work: Work, params: Obj, id: str) -> Obj:
    invoice = work.need("invoice", id)
    invoice_actions.delete(work, invoice)
    return work.present(invoice)


def finalize(work: Work, params: Obj, id: str) -> Obj:
    invoice = work.need("invoice", id)
    invoice_actions.finalize(work, invoice, advance=params.get("auto_advance"))
    return work.present(invoice)


def send(work: Work, params: Obj, id: str) -> Obj:
    invoice = work.need("invoice", id)
    invoice_actions.send(work, invoice)
    return work.present(invoice)


def on_due(work: Work, invoice: Obj) -> None:
    """What is sent is never charged by itself; of a deleted customer nothing is collected."""
    customer = work.find("customer", invoice["customer"])
    if customer is None or customer.get("_deleted"):
        invoicing.stop_collecting(work, invoice)
    elif invoice["collection_method"] == "send_invoice":
        invoice_actions.send_by_itself(work, invoice)
    else:
        dunning.on_due(work, invoice)


def void(work: Work, params: Obj, id: str) -> Obj:
    invoice = work.need("invoice", id)
    invoice_actions.void(work, invoice)
    return work.present(invoice)


def mark_uncollectible(work: Work, params: Obj, id: str) -> Obj:
    invoice = work.need("invoice", id)
    invoice_actions.mark_uncollectible(work, invoice)
    return work.present(invoice)


def pay(work: Work, params: Obj, id: str) -> Obj:
    """Pay an invoice. A refusal is a 402, and the attempt stays on record.

    `forgive` is about sources that hold too little; a card has all or nothing of it.
    """
    invoice = work.need("invoice", id)
    invoice_actions.check_payable(invoice)
    if params.get("paid_out_of_band"):
        invoice_actions.pay_out_of_band(work, invoice)
        return work.present(invoice)
    method = None
    if "payment_method" in params:
        method = work.need("payment_method", params["payment_method"], param="payment_method")
        if method["customer"] != invoice["customer"]:
            raise invalid("The payment method must be attached to the customer.", "payment_method")
    off_session = params.get("off_session", True)
    error = invoice_actions.pay(work, invoice, method, off_session=off_session)
    if error is None and invoice["status"] != "paid":
        intent = work.find("payment_intent", invoice["_intent"])
        error = _unpaid(acting=bool(intent and intent["status"] == "requires_action"))
    if error:
        error.keeps_changes = True
        raise error
    return work.present(invoice)


def _unpaid(*, acting: bool) -> StripeError:
    if acting:
        return StripeError(
            402,
            "This payment requires additional user action before it can be completed successfully.",
            kind="card_error",
            code="invoice_payment_intent_requires_action",
        )
    return invalid(
        "There is no `default_payment_method` set on this Customer or Invoice. Please attach a "
        "payment method and try again.",
        code="missing",
    )


def list_lines(work: Work, params: Obj, id: str) -> Obj:
    invoice = work.need("invoice", id)
    lines = [plain(work, line) for line in invoice["_lines"]]
    return page_within("line_item", f"{URL}/{id}/lines", lines, params)


def _payments(work: Work, invoice: Obj) -> Obj:
    found = work.store.select("invoice_payment", equal("invoice", invoice["id"]))
    return as_list(invoice_payments.URL, [work.present(each) for each in found])


def _confirmation_secret(work: Work, invoice: Obj) -> Obj | None:
    intent = work.find("payment_intent", invoice["_intent"])
    if intent is None:
        return None
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}


RESOURCE = Resource(
    kind="invoice",
    present=present,
    on_due=on_due,
    expandable={
        "customer": "customer",
        "default_payment_method": "payment_method",
        "parent.subscription_details.subscription": "subscription",
    },
    included={"payments": _payments, "confirmation_secret": _confirmation_secret},
    routes=(
        Route("POST", URL, create, CREATE),
        Route("GET", URL, list_all, LIST),
        Route("POST", URL + "/create_preview", preview, PARAMS),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, UPDATE),
        Route("DELETE", URL + "/{id}", delete),
        Route("POST", URL + "/{id}/finalize", finalize, FINALIZE),
        Route("POST", URL + "/{id}/mark_uncollectible", mark_uncollectible, Hash(EXPAND)),
        Route("POST", URL + "/{id}/pay", pay, PAY),
        Route("POST", URL + "/{id}/send", send, Hash(EXPAND)),
        Route("POST", URL + "/{id}/void", void, Hash(EXPAND)),
        Route("GET", URL + "/{id}/lines", list_lines, Hash(PAGE)),
    ),
)
LINE = Resource(kind="line_item", expandable={"subscription": "subscription"})

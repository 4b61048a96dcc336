"""Invoices in the API, in basil's shape (https://docs.stripe.com/api/invoices); see `invoicing`."""

from localcloud.stripe import dunning, subscription_life
from localcloud.stripe.errors import StripeError, invalid
from localcloud.stripe.invoice_preview import PARAMS, preview
from localcloud.stripe.lists import as_list, page, page_within
from localcloud.stripe.params import EXPAND, PAGE, Boolean, Enum, Hash, Range, Text, words
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources import invoice_payments
from localcloud.stripe.store import Obj, equal, within
from localcloud.stripe.work import Work, plain

URL = "/v1/invoices"


def present(work: Work, invoice: Obj) -> Obj:
    lines = as_list(
        f"{URL}/{invoice['id']}/lines", [plain(work, line) for line in invoice["_lines"]]
    )
    return {**plain(work, invoice), "lines": lines}


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("invoice", id))


def list_all(work: Work, params: Obj) -> Obj:
    wheres = []
    for name in ("customer", "subscription"):
        if name in params:
            work.need(name, params[name], param=name)
    if "customer" in params:
        wheres.append(equal("customer", params["customer"]))
    if "subscription" in params:
        wheres.append(equal("_subscription", params["subscription"]))
    if "status" in params:
        wheres.append(equal("status", params["status"]))
    if "created" in params:
        wheres.append(within("created", params["created"]))
    return page(work, "invoice", URL, params, *wheres)


def pay_now(work: Work, params: Obj, id: str) -> Obj:
    """Charge an open invoice. A refusal is a 402, and the attempt stays on record."""
    invoice = work.need("invoice", id)
    if invoice["status"] != "open":
        word = "already paid" if invoice["status"] == "paid" else "not open"
        raise invalid(f"Invoice is {word}", code="invoice_not_open")
    method = None
    if "payment_method" in params:
        method = work.need("payment_method", params["payment_method"], param="payment_method")
        if method["customer"] != invoice["customer"]:
            raise invalid("The payment method must be attached to the customer.", "payment_method")
    error = subscription_life.pay_invoice(
        work, invoice, method, off_session=params.get("off_session", True)
    )
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
    return page_within("line_item", f"{URL}/{id}/lines", invoice["_lines"], params)


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
    on_due=dunning.on_due,
    expandable={
        "customer": "customer",
        "default_payment_method": "payment_method",
        "parent.subscription_details.subscription": "subscription",
    },
    included={"payments": _payments, "confirmation_secret": _confirmation_secret},
    routes=(
        Route(
            "GET",
            URL,
            list_all,
            Hash(
                {
                    **PAGE,
                    "created": Range(),
                    "customer": Text(),
                    "status": Enum(("draft", "open", "paid", "uncollectible", "void")),
                    "subscription": Text(),
                },
                unbuilt=words("collection_method customer_account due_date"),
            ),
        ),
        Route("POST", URL + "/create_preview", preview, PARAMS),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route(
            "POST",
            URL + "/{id}/pay",
            pay_now,
            Hash(
                {**EXPAND, "off_session": Boolean(), "payment_method": Text()},
                unbuilt=words("forgive mandate paid_out_of_band source"),
            ),
        ),
        Route("GET", URL + "/{id}/lines", list_lines, Hash(PAGE)),
    ),
)
LINE = Resource(kind="line_item", expandable={"subscription": "subscription"})

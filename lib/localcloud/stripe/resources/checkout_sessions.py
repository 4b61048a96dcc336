"""Checkout Sessions in the API (https://docs.stripe.com/api/checkout/sessions)."""

from localcloud.stripe.checkout_create import create
from localcloud.stripe.errors import StripeError, no_such
from localcloud.stripe.lists import as_list, filters, page, page_within
from localcloud.stripe.params import EXPAND, PAGE, Hash
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources.checkout_session_params import CREATE, LIST, UPDATE
from localcloud.stripe.store import Obj, equal
from localcloud.stripe.work import Work, given, plain

URL = "/v1/checkout/sessions"


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("checkout.session", id))


def update(work: Work, params: Obj, id: str) -> Obj:
    session = work.need("checkout.session", id)
    return work.present(work.update(session, **given(session, params)))


def expire(work: Work, params: Obj, id: str) -> Obj:
    session = work.need("checkout.session", id)
    if session["status"] != "open":
        raise StripeError(
            400,
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of `{session['status']}`.",
        )
    close(work, session)
    return work.present(session)


def close(work: Work, session: Obj) -> None:
    """The session expires now."""
    work.update(session, status="expired", url=None, _due=None, _pending=None)
    work.emit("checkout.session.expired", session)


def list_all(work: Work, params: Obj) -> Obj:
    for name in ("customer", "subscription", "payment_intent"):
        if name in params and work.find(name, params[name]) is None:
            raise no_such(name, params[name], param=name, status=400)
    wheres = filters(params, "created", "customer", "subscription", "payment_intent", "status")
    if "customer_details" in params:
        wheres.append(equal("customer_details.email", params["customer_details"]["email"]))
    return page(work, "checkout.session", URL, params, *wheres)


def line_items(work: Work, session: Obj) -> list[Obj]:
    """What is bought, presented: quantities, amounts and prices."""
    return [
        {**plain(work, line), "price": plain(work, work.need("price", line["_price"]))}
        for line in session["_lines"]
    ]


def list_line_items(work: Work, params: Obj, id: str) -> Obj:
    session = work.need("checkout.session", id)
    return page_within("item", f"{URL}/{id}/line_items", line_items(work, session), params)


def _included_lines(work: Work, session: Obj) -> Obj:
    return as_list(f"{URL}/{session['id']}/line_items", line_items(work, session))


RESOURCE = Resource(
    kind="checkout.session",
    on_due=close,
    expandable={
        "customer": "customer",
        "invoice": "invoice",
        "payment_intent": "payment_intent",
        "setup_intent": "setup_intent",
        "subscription": "subscription",
    },
    included={"line_items": _included_lines},
    routes=(
        Route("POST", URL, create, CREATE),
        Route("GET", URL, list_all, LIST),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, UPDATE),
        Route("POST", URL + "/{id}/expire", expire, Hash(EXPAND)),
        Route("GET", URL + "/{id}/line_items", list_line_items, Hash(PAGE)),
    ),
)

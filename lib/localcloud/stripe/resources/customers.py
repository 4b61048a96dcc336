"""Customers: who pays (https://docs.stripe.com/api/customers)."""

from typing import Any

from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import StripeError, invalid, no_such
from localcloud.stripe.lists import as_list, filters, page
from localcloud.stripe.nouns import random_text
from localcloud.stripe.params import (
    EXPAND,
    PAGE,
    Array,
    Email,
    Enum,
    Hash,
    Integer,
    Metadata,
    Range,
    Spec,
    Text,
    words,
)
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources import customer_balance_transactions, payment_methods
from localcloud.stripe.store import EXISTS, Obj, equal
from localcloud.stripe.work import Work, merge_metadata

URL = "/v1/customers"
ADDRESS_FIELDS = ("city", "country", "line1", "line2", "postal_code", "state")
ADDRESS = Hash(dict.fromkeys(ADDRESS_FIELDS, Text(clearable=True)), clearable=True)
FIELDS: dict[str, Spec] = {
    **EXPAND,
    "address": ADDRESS,
    "balance": Integer(),
    "description": Text(clearable=True),
    "email": Email(clearable=True),
    "invoice_prefix": Text(12),
    "invoice_settings": Hash(
        {"default_payment_method": Text(clearable=True), "footer": Text(clearable=True)},
        unbuilt=words("custom_fields rendering_options"),
    ),
    "metadata": Metadata(),
    "name": Text(256, clearable=True),
    "next_invoice_sequence": Integer(1),
    "phone": Text(20, clearable=True),
    "preferred_locales": Array(Text(), clearable=True),
    "shipping": Hash(
        {"address": ADDRESS, "name": Text(), "phone": Text(clearable=True)},
        required=("address", "name"),
        clearable=True,
    ),
    "tax_exempt": Enum(("exempt", "none", "reverse"), clearable=True),
}
UNBUILT = words("business_name cash_balance individual_name source tax validate")
CREATE = Hash({**FIELDS, "payment_method": Text()}, unbuilt=(*UNBUILT, "tax_id_data", "test_clock"))
UPDATE = Hash(FIELDS, unbuilt=(*UNBUILT, "default_source"))
LIST = Hash({**PAGE, "created": Range(), "email": Text()}, unbuilt=("test_clock",))


def new(work: Work, **fields: Any) -> Obj:
    """A stored and announced customer with those fields."""
    customer = work.new(
        "customer",
        address=None,
        balance=0,
        currency=None,
        default_source=None,
        delinquent=False,
        description=None,
        email=None,
        invoice_prefix=random_text(8).upper(),
        invoice_settings={
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        metadata={},
        name=None,
        next_invoice_sequence=1,
        phone=None,
        preferred_locales=[],
        shipping=None,
        tax_exempt="none",
        test_clock=None,
    )
    customer.update(fields)
    return work.create(customer, "customer.created")


def create(work: Work, params: Obj) -> Obj:
    fields = _fields({"metadata": {}, "invoice_settings": {}}, params)
    settings = fields.pop("invoice_settings", {})
    customer = new(work, **fields)
    if balance := customer["balance"]:
        customer_balance_transactions.new(work, customer, balance, "initial")
    if "payment_method" in params:
        method = payment_methods.take(work, params["payment_method"], "payment_method")
        payment_methods.attach_to(work, method, customer)
    if settings:
        _check_default(work, customer, settings)
        work.update(
            customer,
            "customer.updated",
            invoice_settings={**customer["invoice_settings"], **settings},
        )
    return work.present(customer)


def _fields(old: Obj, params: Obj) -> Obj:
    """The parameters as fields of the object."""
    fields = {name: value for name, value in params.items() if name != "payment_method"}
    if "metadata" in params:
        fields["metadata"] = merge_metadata(old["metadata"], params["metadata"])
    if params.get("address"):
        fields["address"] = {name: params["address"].get(name) for name in ADDRESS_FIELDS}
    if params.get("shipping"):
        shipping = params["shipping"]
        address = {name: (shipping["address"] or {}).get(name) for name in ADDRESS_FIELDS}
        fields["shipping"] = {"carrier": None, "phone": None, "tracking_number": None, **shipping}
        fields["shipping"]["address"] = address
    if "invoice_settings" in params:
        fields["invoice_settings"] = {**old["invoice_settings"], **params["invoice_settings"]}
    return fields


def _check_default(work: Work, customer: Obj, settings: Obj) -> None:
    identifier = settings.get("default_payment_method")
    if identifier is None:
        return
    param = "invoice_settings[default_payment_method]"
    method = work.need("payment_method", identifier, param=param)
    if method["customer"] != customer["id"]:
        raise invalid(
            f"The customer does not have a payment method with the ID {identifier}. The payment "
            "method must be attached to the customer.",
            param,
            "resource_missing",
        )


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    customer = work.find("customer", id)
    if customer is None:
        raise no_such("customer", id)
    return work.present(customer)


def update(work: Work, params: Obj, id: str) -> Obj:
    customer = work.need("customer", id)
    changes = _fields(customer, params)
    _check_default(work, customer, changes.get("invoice_settings", {}))
    moved = changes.get("balance", customer["balance"]) - customer["balance"]
    work.update(customer, "customer.updated", **changes)
    if moved:
        customer_balance_transactions.new(work, customer, moved, "adjustment")
    return work.present(customer)


def delete(work: Work, params: Obj, id: str) -> Obj:
    """Delete a customer; its subscriptions end at once and its cards are detached."""
    customer = work.need("customer", id)
    for subscription in work.store.select("subscription", equal("customer", id)):
        if subscription["status"] not in life.ENDED:
            life.end(work, subscription)
    for method in work.store.select("payment_method", equal("customer", id)):
        payment_methods.detach_from(work, method)
    work.emit("customer.deleted", customer)
    return work.present(work.update(customer, _deleted=True))


def delete_discount(work: Work, params: Obj, id: str) -> Obj:
    """Refused: since API version basil nothing gives a customer himself a discount."""
    work.need("customer", id)
    raise StripeError(404, f"No active discount for customer: {id}", code="resource_missing")


def list_all(work: Work, params: Obj) -> Obj:
    return page(work, "customer", URL, params, EXISTS, *filters(params, "created", "email"))


def list_payment_methods(work: Work, params: Obj, id: str) -> Obj:
    work.need("customer", id)
    url = f"{URL}/{id}/payment_methods"
    return page(work, "payment_method", url, params, equal("customer", id))


def retrieve_payment_method(work: Work, params: Obj, id: str, method: str) -> Obj:
    work.need("customer", id)
    found = work.need("payment_method", method)
    if found["customer"] != id:
        raise no_such("payment_method", method)
    return work.present(found)


def _subscriptions(work: Work, customer: Obj) -> Obj:
    found = work.store.select("subscription", equal("customer", customer["id"]))
    live = [work.present(each) for each in found if each["status"] not in life.ENDED]
    url = f"{URL}/{customer['id']}/subscriptions"
    return as_list(url, live[:10], has_more=len(live) > 10)


RESOURCE = Resource(
    kind="customer",
    expandable={
        "invoice_settings.default_payment_method": "payment_method",
        "default_source": "source",
        "test_clock": "test_clock",
    },
    included={"subscriptions": _subscriptions},
    routes=(
        Route("POST", URL, create, CREATE),
        Route("GET", URL, list_all, LIST),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, UPDATE),
        Route("DELETE", URL + "/{id}", delete),
        Route("DELETE", URL + "/{id}/discount", delete_discount),
        Route(
            "GET",
            URL + "/{id}/payment_methods",
            list_payment_methods,
            Hash({**PAGE, "type": Enum(("card",))}, unbuilt=("allow_redisplay",)),
        ),
        Route("GET", URL + "/{id}/payment_methods/{method}", retrieve_payment_method, Hash(EXPAND)),
    ),
)

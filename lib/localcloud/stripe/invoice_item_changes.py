"""Invoice items made, changed and deleted by the API."""

from dataclasses import replace

from localcloud.stripe import invoice_composition, pricing
from localcloud.stripe.errors import invalid
from localcloud.stripe.resources import prices
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work, given, merge_metadata


def create(work: Work, params: Obj) -> Obj:
    """A stored and announced item, on the draft `invoice` or waiting for the next invoice."""
    customer = work.need("customer", params["customer"], param="customer")
    subscription = params.get("subscription")
    if subscription and _owner(work, subscription) != customer["id"]:
        raise invalid("The subscription belongs to another customer.", "subscription")
    moment = {"start": work.now, "end": work.now}
    item = work.new(
        "invoiceitem",
        customer=customer["id"],
        customer_account=None,
        date=work.now,
        description=params.get("description"),
        discounts=[],
        invoice=None,
        metadata=merge_metadata({}, params.get("metadata")),
        parent=_parent(subscription),
        period=params.get("period", moment),
        proration=False,
        tax_rates=[],
        test_clock=None,
        _subscription=subscription,
    )
    del item["created"]  # an invoice item has a `date`
    item.update(_cost(work, customer, item, params))
    item["discountable"] = params.get("discountable", item["amount"] >= 0)
    item["_line"] = invoice_composition.line_for(item)
    invoice = None
    if "invoice" in params:
        invoice = invoice_composition.editable(work, params["invoice"], item)
        item["invoice"] = invoice["id"]
    work.create(item, "invoiceitem.created")
    if invoice:
        invoice_composition.add(work, invoice, item)
    return item


def _owner(work: Work, subscription: str) -> str:
    return str(work.need("subscription", subscription, param="subscription")["customer"])


def _parent(subscription: str | None) -> Obj | None:
    if subscription is None:
        return None
    details = {"subscription": subscription, "subscription_item": None}
    return {"subscription_details": details, "type": "subscription_details"}


def _cost(work: Work, customer: Obj, item: Obj, params: Obj) -> Obj:
    """Amount, currency, quantity and pricing: those of a price, or of an `amount` in itself."""
    if "pricing" in params:
        if "amount" in params:
            raise invalid("You may only specify one of these parameters: amount, pricing.")
        return _priced(work, params["pricing"]["price"], params.get("quantity", 1), params)
    if "amount" not in params:
        raise invalid("You must pass either `amount` or `pricing`.", "amount")
    if "quantity" in params:
        raise invalid("You may only specify one of these parameters: amount, quantity.", "amount")
    currency = params.get("currency") or item.get("currency") or customer["currency"] or "usd"
    price = _one_off(work, params["amount"], currency, item["description"])
    return {"amount": params["amount"], **_of(price, 1)}


def _priced(work: Work, identifier: str, quantity: int, params: Obj) -> Obj:
    at = "pricing[price]"
    price = work.need("price", identifier, param=at)
    if not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", at)
    if price["recurring"]:
        raise invalid(
            "The price specified is set to `type=recurring` but this field only accepts prices "
            "with `type=one_time`.",
            at,
        )
    if params.get("currency", price["currency"]) != price["currency"]:
        raise invalid(f"The price is in {price['currency']}.", "currency")
    product = work.find("product", price["product"]) or {"name": None}
    found = {"amount": pricing.amount(price, quantity), **_of(price, quantity)}
    return found if params.get("description") else {**found, "description": product["name"]}


def _of(price: Obj, quantity: int) -> Obj:
    return {
        "currency": price["currency"],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": quantity,
        "quantity_decimal": str(quantity),
    }


def _one_off(work: Work, amount: int, currency: str, name: str | None) -> Obj:
    """The price, and product, that Stripe makes for an amount; nobody can use them again."""
    quiet = replace(work, announce=lambda *_: None)
    made = prices.create(
        quiet,
        {
            "active": False,
            "currency": currency,
            "product_data": {"name": name or "Invoice item"},
            "unit_amount": amount,
        },
    )
    work.update(work.need("product", made["product"]), active=False)
    return work.need("price", made["id"])


def update(work: Work, item: Obj, params: Obj) -> None:
    """Change an item that waits, or lies on a draft. Raises a 400 for any other."""
    invoice = _open_to_changes(work, item, "updated")
    item.update(given(item, params, "description", "discountable", "period"))
    if "amount" in params or "pricing" in params:
        customer = work.need("customer", item["customer"])
        cost = _cost(work, customer, item, params)
        if cost["currency"] != item["currency"]:
            raise invalid(f"The invoice item is in {item['currency']}.", "pricing[price]")
        item.update(cost)
    elif "quantity" in params:
        price = work.need("price", item["pricing"]["price_details"]["price"])
        item.update(_of(price, params["quantity"]))
        item["amount"] = pricing.amount(price, params["quantity"])
    line = item["_line"]
    line.update({name: item[name] for name in invoice_composition.SHARED})
    line["subtotal"] = item["amount"]
    work.update(item)
    if invoice:
        invoice_composition.change(work, invoice, item)


def delete(work: Work, item: Obj) -> None:
    """Take back an item that waits, or lies on a draft. Raises a 400 for any other."""
    invoice = _open_to_changes(work, item, "deleted")
    work.emit("invoiceitem.deleted", item)
    work.update(item, _deleted=True)
    if invoice:
        invoice_composition.remove(work, invoice, item)


def _open_to_changes(work: Work, item: Obj, doing: str) -> Obj | None:
    """The draft on which the item lies, None if it waits; a 400 if it can no longer change."""
    invoice = work.find("invoice", item["invoice"])
    if invoice and (invoice["status"] != "draft" or invoice.get("_deleted")):
        raise invalid(
            "This invoice item is attached to an invoice that is no longer editable, so it cannot "
            f"be {doing}.",
            code="invoice_not_editable",
        )
    return invoice

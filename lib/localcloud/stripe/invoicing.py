"""Making, collecting and giving up invoices of subscriptions."""

from typing import Any

from localcloud.stripe.errors import StripeError
from localcloud.stripe.nouns import new_id
from localcloud.stripe.resources import invoice_payments, payment_intents
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work


def line(work: Work, item: Obj, amount: int, period: tuple[int, int], note: str) -> Obj:
    """An invoice line for a subscription item over a period (epoch seconds)."""
    price = work.need("price", item["_price"])
    product = work.find("product", price["product"]) or {"name": "Product"}
    quantity = item["quantity"]
    return {
        "id": new_id("line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": note or f"{quantity} × {product['name']} ({price_text(price)})",
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": item["subscription"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        "period": {"start": period[0], "end": period[1]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": "0" if amount == 0 else price["unit_amount_decimal"],
        },
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "subscription": item["subscription"],
        "subtotal": amount,
        "taxes": [],
    }


def price_text(price: Obj) -> str:
    """`at $29.00 / month`, as Stripe describes a price on an invoice line."""
    sign = "$" if price["currency"] == "usd" else price["currency"].upper() + " "
    text = f"at {sign}{price['unit_amount'] / 100:,.2f}"
    if not price["recurring"]:
        return text
    count, interval = price["recurring"]["interval_count"], price["recurring"]["interval"]
    return f"{text} / {interval}" if count == 1 else f"{text} every {count} {interval}s"


def new(
    work: Work, subscription: Obj, lines: list[Obj], reason: str, period: tuple[int, int]
) -> Obj:
    """Make and finalize an invoice; it is `open` then (`paid` by `settle` or `pay`).

    `reason` is Stripe's `billing_reason`, `period` what the invoice covers (epoch seconds).
    """
    customer = work.need("customer", subscription["customer"])
    total = sum(each["amount"] for each in lines)
    invoice = work.new("invoice", **_blank(customer), **_amounts(total))
    for each in lines:
        each["invoice"] = invoice["id"]
    invoice.update(
        billing_reason=reason,
        currency=subscription["currency"],
        parent={
            "quote_details": None,
            "subscription_details": {
                "metadata": subscription["metadata"],
                "subscription": subscription["id"],
            },
            "type": "subscription_details",
        },
        period_start=period[0],
        period_end=period[1],
        status="draft",
        _lines=lines,
        _subscription=subscription["id"],
        _intent=None,
    )
    work.create(invoice, "invoice.created")
    return _finalize(work, invoice, customer)


def _blank(customer: Obj) -> Obj:
    return {
        "account_country": "US",
        "account_name": "Groundwork (local)",
        "account_tax_ids": None,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": None,
        "collection_method": "charge_automatically",
        "custom_fields": None,
        "customer": customer["id"],
        "customer_account": None,
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"],
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "on_behalf_of": None,
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "test_clock": None,
        "webhooks_delivered_at": None,
    }


def _amounts(total: int) -> Obj:
    return {
        "amount_due": total,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": total,
        "amount_shipping": 0,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
    }


def _finalize(work: Work, invoice: Obj, customer: Obj) -> Obj:
    sequence = customer["next_invoice_sequence"]
    work.update(customer, next_invoice_sequence=sequence + 1, currency=invoice["currency"])
    work.update(
        invoice,
        effective_at=work.now,
        ending_balance=0,
        number=f"{customer['invoice_prefix']}-{sequence:04d}",
        status="open",
        status_transitions={**invoice["status_transitions"], "finalized_at": work.now},
        webhooks_delivered_at=work.now,
    )
    work.emit("invoice.finalized", invoice)
    return invoice


def pay(work: Work, invoice: Obj, method: Obj | None, *, off_session: bool) -> StripeError | None:
    """Charge an open invoice to a card. Returns the refusal, if any."""
    if invoice["amount_remaining"] == 0:
        settle(work, invoice, None)
        return None
    intent = work.find("payment_intent", invoice["_intent"]) or payment_intents.new(
        work,
        invoice["amount_remaining"],
        invoice["currency"],
        invoice["customer"],
        description="Subscription creation"
        if invoice["billing_reason"] == "subscription_create"
        else "Subscription update",
        setup_future_usage="off_session",
    )
    attempts: dict[str, Any] = {
        "_intent": intent["id"],
        "attempt_count": invoice["attempt_count"] + 1,
    }
    work.update(invoice, attempted=True, **attempts)
    if method is None:
        return None
    error = payment_intents.confirm(work, intent, method, off_session=off_session)
    if intent["status"] == "succeeded":
        settle(work, invoice, intent)
    else:
        work.emit("invoice.payment_failed" if error else "invoice.payment_action_required", invoice)
    return error


def settle(work: Work, invoice: Obj, intent: Obj | None) -> None:
    """Mark an invoice paid, by a succeeded payment intent unless nothing was due."""
    work.update(
        invoice,
        amount_paid=invoice["amount_due"],
        amount_remaining=0,
        attempted=True,
        attempt_count=max(invoice["attempt_count"], 1) if intent else 0,
        status="paid",
        status_transitions={**invoice["status_transitions"], "paid_at": work.now},
        _intent=intent["id"] if intent else None,
    )
    if intent:
        invoice_payments.new(work, invoice, intent)
    work.emit("invoice.paid", invoice)
    work.emit("invoice.payment_succeeded", invoice)


def void(work: Work, invoice: Obj) -> None:
    """Give up an open invoice."""
    work.update(
        invoice,
        status="void",
        status_transitions={**invoice["status_transitions"], "voided_at": work.now},
    )
    work.emit("invoice.voided", invoice)

"""What an invoice and its lines are made of (https://docs.stripe.com/api/invoices/object)."""

from localcloud.stripe import pricing
from localcloud.stripe.customer_balance import due
from localcloud.stripe.nouns import new_id
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work


def line(
    work: Work,
    item: Obj,
    amount: int,
    period: tuple[int, int],
    note: str,
    *,
    part: pricing.Part | None = None,
) -> Obj:
    """An invoice line for a subscription item over a period (epoch seconds).

    It is for the item's own quantity or, where that is metered, for a `part` of what was used.
    """
    price = work.need("price", item["_price"])
    product = work.find("product", price["product"])
    quantity = part.quantity if part else item["quantity"]
    each = "0" if amount == 0 else price["unit_amount_decimal"]
    return {
        "id": new_id("line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": note or f"{counted(quantity, product)} ({pricing.text(price, part)})",
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
            "unit_amount_decimal": part.each if part else each,
        },
        "quantity": quantity,
        "quantity_decimal": str(quantity),
        "subscription": item["subscription"],
        "subtotal": amount,
        "taxes": [],
    }


def counted(quantity: int, product: Obj | None) -> str:
    """`3 × Starter`, or `3 seat × Starter` where the product says what its units are."""
    found = product or {"name": "Product"}
    label = f" {found['unit_label']}" if found.get("unit_label") else ""
    return f"{quantity}{label} × {found['name']}"


def blank(customer: Obj) -> Obj:
    """The fields of a draft for this customer that uses no special feature."""
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


def amounts(lines: list[Obj], balance: int, currency: str) -> Obj:
    """The sums of an unpaid invoice over `lines` to a customer with that balance (minor units)."""
    subtotal = sum(each["amount"] for each in lines)
    offs = _discounts(lines)
    total = subtotal - sum(off["amount"] for off in offs)
    amount_due = due(total, balance, currency)
    return {
        "amount_due": amount_due,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": amount_due,
        "amount_shipping": 0,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": balance,
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "total": total,
        "total_discount_amounts": offs,
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [{**off, "type": "discount"} for off in offs],
        "total_taxes": [],
    }


def _discounts(lines: list[Obj]) -> list[Obj]:
    """What each discount takes off all lines together: `{"amount", "discount"}`."""
    sums: dict[str, int] = {}
    for line in lines:
        for off in line["discount_amounts"]:
            sums[off["discount"]] = sums.get(off["discount"], 0) + off["amount"]
    return [{"amount": amount, "discount": discount} for discount, amount in sums.items()]

"""How Stripe names its objects: in "No such …" messages and at the start of their ids."""

import secrets
import string

ALPHABET = string.ascii_letters + string.digits
SPREAD = (ALPHABET * 4).ljust(256).encode()
UNEVEN = bytes(range(4 * len(ALPHABET), 256))
"""Byte values that would make some characters likelier than others."""

NOUNS = {
    "billing.meter": "meter",
    "billing_portal.configuration": "configuration",
    "billing_portal.session": "billing portal session",
    "payment_method": "PaymentMethod",
    "setup_intent": "setupintent",
    "webhook_endpoint": "webhook endpoint",
}

# prefix and number of random characters; the newer kinds of object begin with a digit
PREFIXES = {
    "billing.meter": ("mtr_test_61", 30),
    "balance_transaction": ("txn_1", 23),
    "billing_portal.configuration": ("bpc_1", 23),
    "billing_portal.session": ("bps_1", 23),
    "charge": ("ch_3", 23),
    "checkout.session": ("cs_test_a1", 56),
    "coupon": ("", 8),
    "customer": ("cus_", 14),
    "customer_balance_transaction": ("cbtxn_1", 23),
    "discount": ("di_1", 23),
    "dispute": ("du_1", 23),
    "event": ("evt_1", 23),
    "invoice": ("in_1", 23),
    "invoice_payment": ("inpay_1", 23),
    "invoiceitem": ("ii_1", 23),
    "item": ("li_1", 23),
    "line_item": ("il_1", 23),
    "payment_intent": ("pi_3", 23),
    "payment_method": ("pm_1", 23),
    "price": ("price_1", 23),
    "product": ("prod_", 14),
    "promotion_code": ("promo_1", 23),
    "refund": ("re_3", 23),
    "request": ("req_", 14),
    "setup_intent": ("seti_1", 23),
    "subscription": ("sub_1", 23),
    "subscription_item": ("si_", 14),
    "webhook_endpoint": ("we_1", 23),
}


def random_text(length: int) -> str:
    """`length` unguessable characters of [A-Za-z0-9]."""
    found = b""
    while len(found) < length:
        found += secrets.token_bytes(2 * length).translate(SPREAD, UNEVEN)
    return found[:length].decode()


def new_id(kind: str) -> str:
    """A fresh id of that kind, with Stripe's prefix and length."""
    prefix, length = PREFIXES[kind]
    return prefix + random_text(length)

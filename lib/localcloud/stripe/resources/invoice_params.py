"""Parameters of the endpoints of invoices."""

from localcloud.stripe.currency import Currency
from localcloud.stripe.params import (
    EXPAND,
    PAGE,
    Boolean,
    Enum,
    Hash,
    Integer,
    Metadata,
    Range,
    Spec,
    Text,
    words,
)

STATUSES = ("draft", "open", "void", "paid", "uncollectible")
FIELDS: dict[str, Spec] = {
    **EXPAND,
    "auto_advance": Boolean(),
    "automatically_finalizes_at": Integer(0),
    "collection_method": Enum(("charge_automatically", "send_invoice")),
    "days_until_due": Integer(0, 3650),
    "default_payment_method": Text(clearable=True),
    "description": Text(1500, clearable=True),
    "due_date": Integer(0),
    "footer": Text(5000, clearable=True),
    "metadata": Metadata(),
    "statement_descriptor": Text(22, clearable=True),
}
UNBUILT = words(
    """account_tax_ids application_fee_amount automatic_tax custom_fields
    default_source default_tax_rates discounts effective_at issuer number
    on_behalf_of payment_settings rendering shipping_cost shipping_details transfer_data"""
)
CREATE = Hash(
    {
        **FIELDS,
        "currency": Currency(),
        "customer": Text(),
        "pending_invoice_items_behavior": Enum(("exclude", "include")),
    },
    unbuilt=(*UNBUILT, *words("customer_account from_invoice subscription")),
)
UPDATE = Hash(FIELDS, unbuilt=UNBUILT)
LIST = Hash(
    {
        **PAGE,
        "collection_method": Enum(("charge_automatically", "send_invoice")),
        "created": Range(),
        "customer": Text(),
        "due_date": Range(),
        "status": Enum(STATUSES),
        "subscription": Text(),
    },
    unbuilt=("customer_account",),
)
FINALIZE = Hash({**EXPAND, "auto_advance": Boolean()})
PAY = Hash(
    {
        **EXPAND,
        "forgive": Boolean(),
        "off_session": Boolean(),
        "paid_out_of_band": Boolean(),
        "payment_method": Text(),
    },
    unbuilt=words("mandate source"),
)

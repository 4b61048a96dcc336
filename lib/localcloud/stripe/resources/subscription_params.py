"""Parameters of the endpoints of subscriptions."""

from typing import Any

from localcloud.stripe import subscription_discounts, subscription_pause
from localcloud.stripe.params import (
    EXPAND,
    PAGE,
    Array,
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

PAYMENT_BEHAVIOR = Enum(
    ("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
)
PRORATION = Enum(("always_invoice", "create_prorations", "none"))
TRIAL_SETTINGS = Hash(
    {
        "end_behavior": Hash(
            {"missing_payment_method": Enum(("cancel", "create_invoice", "pause"))},
            required=("missing_payment_method",),
        )
    },
    required=("end_behavior",),
)
FEEDBACK = (
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
)
DETAILS = Hash({"comment": Text(clearable=True), "feedback": Enum(FEEDBACK, clearable=True)})
FIELDS: dict[str, Spec] = {
    **EXPAND,
    "cancel_at": Integer(0, words=("",)),
    "cancel_at_period_end": Boolean(),
    "collection_method": Enum(("charge_automatically",)),
    "default_payment_method": Text(),
    "description": Text(500, clearable=True),
    "discounts": subscription_discounts.PARAMS,
    "metadata": Metadata(),
    "off_session": Boolean(),
    "payment_settings": Hash(
        {"save_default_payment_method": Enum(("off", "on_subscription"))},
        unbuilt=words("payment_method_options payment_method_types"),
    ),
    "proration_behavior": PRORATION,
    "trial_end": Integer(0, words=("now",)),
    "trial_settings": TRIAL_SETTINGS,
}
UNBUILT = words(
    """add_invoice_items application_fee_percent automatic_tax
    billing_schedules billing_thresholds days_until_due default_source default_tax_rates
    invoice_settings on_behalf_of pending_invoice_item_interval transfer_data trial_from_plan"""
)
ITEM_UNBUILT = words("billing_thresholds price_data tax_rates")
CREATE = Hash(
    {
        **FIELDS,
        "billing_mode": Hash(
            {"type": Enum(("classic", "flexible"))}, required=("type",), unbuilt=("flexible",)
        ),
        "customer": Text(),
        "items": Array(
            Hash(
                {
                    "discounts": subscription_discounts.PARAMS,
                    "metadata": Metadata(),
                    "price": Text(),
                    "quantity": Integer(0),
                },
                unbuilt=ITEM_UNBUILT,
            ),
            longest=20,
        ),
        "payment_behavior": Enum(("allow_incomplete", "default_incomplete", "error_if_incomplete")),
        "trial_period_days": Integer(1, 730),
    },
    required=("customer",),
    unbuilt=(
        *UNBUILT,
        *words(
            """backdate_start_date billing_cycle_anchor billing_cycle_anchor_config currency
            customer_account"""
        ),
    ),
)
ITEM_CHANGES = Array(
    Hash(
        {
            "deleted": Boolean(),
            "discounts": subscription_discounts.PARAMS,
            "id": Text(),
            "metadata": Metadata(),
            "price": Text(),
            "quantity": Integer(0),
        },
        unbuilt=(*ITEM_UNBUILT, "clear_usage"),
    ),
    longest=20,
)
ANCHOR = Enum(("now", "unchanged"))
UPDATE = Hash(
    {
        **FIELDS,
        "billing_cycle_anchor": ANCHOR,
        "cancellation_details": DETAILS,
        "items": ITEM_CHANGES,
        "pause_collection": subscription_pause.PARAMS,
        "payment_behavior": PAYMENT_BEHAVIOR,
        "proration_date": Integer(0),
    },
    unbuilt=UNBUILT,
)
STATUSES = words("active canceled incomplete incomplete_expired past_due paused trialing unpaid")
LIST = Hash(
    {
        **PAGE,
        "collection_method": Enum(("charge_automatically", "send_invoice")),
        "created": Range(),
        "customer": Text(),
        "plan": Text(),
        "price": Text(),
        "status": Enum((*STATUSES, "all", "ended")),
    },
    unbuilt=words(
        "automatic_tax current_period_end current_period_start customer_account test_clock"
    ),
)
CANCEL: dict[str, Any] = {
    **EXPAND,
    "cancellation_details": DETAILS,
    "invoice_now": Boolean(),
    "prorate": Boolean(),
}

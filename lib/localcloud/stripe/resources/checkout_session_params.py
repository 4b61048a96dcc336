"""Parameters of the endpoints of Checkout Sessions."""

from dataclasses import dataclass
from typing import Any

from localcloud.stripe.errors import not_built
from localcloud.stripe.params import (
    EXPAND,
    PAGE,
    Array,
    Boolean,
    Email,
    Enum,
    Hash,
    Integer,
    Metadata,
    Only,
    Range,
    Text,
    Url,
    words,
)
from localcloud.stripe.resources.subscription_params import TRIAL_SETTINGS
from localcloud.stripe.versions import DAHLIA, ENDIVE, UI_MODES


@dataclass(frozen=True)
class UiMode:
    """`ui_mode` in the words of the caller's API version, parsed into the newest words."""

    def parse(self, raw: Any, at: str, version: str) -> str:
        names = dict(UI_MODES)
        if version[:10] >= DAHLIA:
            names = {name: name for name in names}
        word = Enum(tuple(sorted(names.values()))).parse(raw, at, version)
        mode = next(name for name, shown in names.items() if shown == word)
        if mode == "elements":
            raise not_built(f"the Checkout `ui_mode` {word}")
        return mode


METHOD_TYPES = Array(Enum(("card",)))
CREATE = Hash(
    {
        **EXPAND,
        "allow_promotion_codes": Boolean(),
        "allowed_payment_method_types": Only(METHOD_TYPES, since=ENDIVE),
        "payment_method_types": Only(METHOD_TYPES, until=ENDIVE),
        "billing_address_collection": Enum(("auto", "required")),
        "cancel_url": Url(),
        "client_reference_id": Text(200),
        "customer": Text(),
        "customer_creation": Enum(("always", "if_required")),
        "customer_email": Email(),
        "customer_update": Hash(
            dict.fromkeys(("address", "name", "shipping"), Enum(("auto", "never")))
        ),
        "discounts": Array(Hash({"coupon": Text(), "promotion_code": Text()}), longest=1),
        "expires_at": Integer(),
        "line_items": Array(
            Hash(
                {"price": Text(), "quantity": Integer(1, 999_999)},
                unbuilt=words(
                    "adjustable_quantity dynamic_tax_rates metadata price_data tax_rates"
                ),
            ),
            longest=100,
        ),
        "locale": Text(10),
        "metadata": Metadata(),
        "mode": Enum(("payment", "setup", "subscription")),
        "payment_method_collection": Enum(("always", "if_required")),
        "redirect_on_completion": Enum(("always", "if_required", "never")),
        "return_url": Url(),
        "submit_type": Enum(("auto", "book", "donate", "pay", "subscribe")),
        "subscription_data": Hash(
            {
                "billing_mode": Hash(
                    {"type": Enum(("classic", "flexible"))},
                    required=("type",),
                    unbuilt=("flexible",),
                ),
                "description": Text(500),
                "metadata": Metadata(),
                "trial_period_days": Integer(1, 730),
                "trial_end": Integer(),
                "trial_settings": TRIAL_SETTINGS,
            },
            unbuilt=words(
                """application_fee_percent billing_cycle_anchor default_tax_rates invoice_settings
                on_behalf_of pending_invoice_item_interval proration_behavior transfer_data"""
            ),
        ),
        "success_url": Url(),
        "ui_mode": UiMode(),
    },
    required=("mode",),
    unbuilt=words(
        """adaptive_pricing after_expiration automatic_tax branding_settings consent_collection
        currency custom_fields custom_text customer_account excluded_payment_method_types
        integration_identifier invoice_creation managed_payments name_collection optional_items
        origin_context payment_intent_data payment_method_configuration payment_method_data
        payment_method_options permissions phone_number_collection saved_payment_method_options
        setup_intent_data shipping_address_collection shipping_options tax_id_collection
        wallet_options"""
    ),
)
UPDATE = Hash(
    {**EXPAND, "metadata": Metadata()},
    unbuilt=words("collected_information line_items payment_intent_data shipping_options"),
)
LIST = Hash(
    {
        **PAGE,
        "created": Range(),
        "customer": Text(),
        "customer_details": Hash({"email": Email()}, required=("email",)),
        "payment_intent": Text(),
        "status": Enum(("complete", "expired", "open")),
        "subscription": Text(),
    },
    unbuilt=words("customer_account payment_link"),
)

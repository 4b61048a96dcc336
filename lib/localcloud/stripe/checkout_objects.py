"""What a Checkout Session is made of (https://docs.stripe.com/api/checkout/sessions/object)."""

from localcloud.stripe.params import words
from localcloud.stripe.store import Obj
from localcloud.stripe.work import merge_metadata

ECHOED = words(
    """allow_promotion_codes billing_address_collection cancel_url client_reference_id customer
    customer_email locale return_url submit_type success_url"""
)


def echo(params: Obj) -> Obj:
    """Fields that are the parameters as given."""
    types = params.get("allowed_payment_method_types")
    subscription = params["mode"] == "subscription"
    embedded = params.get("ui_mode") == "embedded_page"
    creation = None if subscription or "customer" in params else "if_required"
    if subscription and "customer" not in params:
        creation = "always"
    return {
        **{name: params.get(name) for name in ECHOED},
        "allowed_payment_method_types": types,
        "customer_creation": params.get("customer_creation", creation),
        "metadata": merge_metadata({}, params.get("metadata", {})),
        "mode": params["mode"],
        "payment_method_collection": params.get("payment_method_collection", "always")
        if subscription
        else "if_required",
        "payment_method_types": ["card"],
        "redirect_on_completion": params.get("redirect_on_completion", "always")
        if embedded
        else None,
    }


def blank(params: Obj) -> Obj:
    """Fields of features that are not used."""
    return {
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "branding_settings": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer_account": None,
        "discounts": [],
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": None
        if params["mode"] == "subscription"
        else {
            "enabled": False,
            "invoice_data": {
                "account_tax_ids": None,
                "custom_fields": None,
                "description": None,
                "footer": None,
                "issuer": None,
                "metadata": {},
                "rendering_options": None,
            },
        },
        "managed_payments": None,
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "subscription": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "wallet_options": None,
    }

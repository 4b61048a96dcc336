"""Stripe's API versions and how an object looked in each.

Objects are kept in the newest shape. A rule takes one kind of object back across the release that
changed it (https://docs.stripe.com/changelog); `render` applies every rule younger than the version
asked for. Fields that were merely added later are left out as well.
"""

from collections.abc import Callable
from typing import Any

from localcloud.stripe.errors import invalid

DEFAULT = "2025-08-27.basil"
CLOVER, DAHLIA, ENDIVE = "2025-09-30", "2026-03-25", "2026-09-30"

KNOWN = frozenset(
    [
        "2025-03-31.basil",
        "2025-04-30.basil",
        "2025-05-28.basil",
        "2025-06-30.basil",
        "2025-07-30.basil",
        "2025-08-27.basil",
        "2025-09-30.clover",
        "2025-10-29.clover",
        "2025-11-17.clover",
        "2025-12-15.clover",
        "2026-01-28.clover",
        "2026-02-25.clover",
        "2026-03-25.dahlia",
        "2026-04-22.dahlia",
        "2026-05-27.dahlia",
        "2026-06-24.dahlia",
        "2026-07-29.dahlia",
        "2026-08-26.dahlia",
        "2026-09-30.endive",
        "2026-10-28.endive",
    ]
)

# Checkout's `ui_mode`, newest name → name before dahlia
UI_MODES = {"embedded_page": "embedded", "hosted_page": "hosted", "elements": "custom"}

# fields added by a release, by kind of object
ADDED: dict[str, dict[str, tuple[str, ...]]] = {
    CLOVER: {
        "checkout.session": ("branding_settings", "name_collection", "customer_account"),
        "customer": ("business_name", "individual_name", "customer_account"),
        "customer_balance_transaction": ("customer_account",),
        "discount": ("customer_account", "source"),
        "invoice": ("customer_account",),
        "invoiceitem": ("customer_account",),
        "payment_intent": ("customer_account", "payment_details"),
        "payment_method": ("customer_account",),
        "promotion_code": ("customer_account", "promotion"),
        "setup_intent": ("customer_account",),
        "subscription": ("customer_account",),
    },
    DAHLIA: {
        "checkout.session": ("integration_identifier", "managed_payments"),
        "invoiceitem": ("quantity_decimal",),
        "line_item": ("quantity_decimal",),
        "payment_intent": ("managed_payments",),
        "setup_intent": ("managed_payments",),
        "subscription": ("billing_schedules", "managed_payments"),
        "subscription_item": ("billed_until", "current_trial"),
    },
    ENDIVE: {
        "checkout.session": ("allowed_payment_method_types",),
        "payment_intent": ("allowed_payment_method_types",),
        "setup_intent": ("allowed_payment_method_types",),
        "subscription": ("status_details",),
        "invoice": ("status_details",),
    },
}

# fields taken away by a release, by kind of object
GONE: dict[str, dict[str, tuple[str, ...]]] = {
    CLOVER: {"discount": ("coupon",), "promotion_code": ("coupon",)},
}


def check(version: str) -> str:
    """Return `version` if objects can be rendered for it, else raise Stripe's 400."""
    if version not in KNOWN:
        raise invalid(
            f"Invalid Stripe API version: {version[:60]}. The local Stripe knows every release "
            "from 2025-03-31.basil to 2026-10-28.endive."
        )
    return version


def _old_ui_mode(session: dict[str, Any]) -> None:
    if "ui_mode" in session:
        session["ui_mode"] = UI_MODES.get(session["ui_mode"], session["ui_mode"])


CHANGED: dict[str, dict[str, Callable[[dict[str, Any]], None]]] = {
    DAHLIA: {"checkout.session": _old_ui_mode},
}


def render(value: Any, version: str, kind: str | None = None) -> Any:
    """A copy of `value`, and of every object inside it, as `version` shows it.

    `kind` names the object when `value` is only a part of it (an event's `previous_attributes`).
    """
    if isinstance(value, list):
        return [render(item, version) for item in value]
    if not isinstance(value, dict):
        return value
    result = {  # most fields are plain values, and every webhook passes here
        name: render(item, version) if isinstance(item, dict | list) else item
        for name, item in value.items()
    }
    kind = kind or value.get("object")
    for release, kinds in GONE.items():
        if version[:10] >= release and isinstance(kind, str):
            for name in kinds.get(kind, ()):
                result.pop(name, None)
    for release in (ENDIVE, DAHLIA, CLOVER):
        if version[:10] >= release or not isinstance(kind, str):
            break
        for name in ADDED[release].get(kind, ()):
            result.pop(name, None)
        if change := CHANGED.get(release, {}).get(kind):
            change(result)
    return result

"""What a portal configuration lets customers do: its `features`, and what Stripe refuses of them.

Source: "Create a portal configuration" of Stripe's API, "Configure the customer portal".
"""

from dataclasses import dataclass
from typing import Any

from localcloud.stripe.errors import invalid, not_built
from localcloud.stripe.params import Array, Boolean, Enum, Hash, Integer, Only, Spec, Text, words
from localcloud.stripe.resources.subscription_params import ANCHOR, FEEDBACK, PRORATION
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_checks import recurring_price
from localcloud.stripe.versions import CLOVER
from localcloud.stripe.work import Work

AT = "features[subscription_update]"
ALL_OFF: Obj = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "options": list(FEEDBACK)},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_pause": {
        "duration": {"interval_options": [], "type": "indefinite"},
        "enabled": False,
    },
    "subscription_update": {
        "billing_cycle_anchor": None,
        "default_allowed_updates": [],
        "enabled": False,
        "products": [],
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}


@dataclass(frozen=True)
class Off:
    """The switch of a feature that our portal page has not: it can only be off."""

    def parse(self, raw: Any, at: str, version: str) -> bool:
        if Boolean().parse(raw, at, version):
            raise not_built(f"the parameter {at}")
        return False


@dataclass(frozen=True)
class CustomerField:
    """What customers may change of themselves; tax ids are not built."""

    def parse(self, raw: Any, at: str, version: str) -> str | None:
        known = ("address", "email", "name", "phone", "shipping", "tax_id")
        word = Enum(known).parse(raw, at, version)
        if word == "tax_id":
            raise not_built(f"the {at} tax_id")
        return word


QUANTITY = Hash(
    {"enabled": Boolean(), "maximum": Integer(1), "minimum": Integer(0)}, required=("enabled",)
)
PRODUCT = Hash(
    {
        "adjustable_quantity": Only(QUANTITY, since=CLOVER),
        "prices": Array(Text()),
        "product": Text(),
    },
    required=("prices", "product"),
)
PLAN: dict[str, Spec] = {
    "billing_cycle_anchor": Only(ANCHOR, since="2025-12-15"),
    "default_allowed_updates": Array(Enum(("price", "promotion_code", "quantity")), clearable=True),
    "enabled": Boolean(),
    "products": Array(PRODUCT, longest=10, clearable=True),
    "proration_behavior": PRORATION,
    "trial_update_behavior": Only(Enum(("continue_trial", "end_trial")), since=CLOVER),
}
ON_OFF = Hash({"enabled": Boolean()}, required=("enabled",))


def _features(*required: str) -> Hash:
    """`required` is what each feature must say; updates keep what they do not name."""
    return Hash(
        {
            "customer_update": Hash(
                {
                    "allowed_updates": Array(CustomerField(), clearable=True),
                    "enabled": Boolean(),
                },
                required=required,
            ),
            "invoice_history": ON_OFF,
            "payment_method_update": Hash(
                {"enabled": Boolean()},
                required=("enabled",),
                unbuilt=("payment_method_configuration",),
            ),
            "subscription_cancel": Hash(_cancel(*required), required=required),
            "subscription_pause": Hash({"enabled": Off()}, unbuilt=("duration",)),
            "subscription_update": Hash(
                PLAN, required=required, unbuilt=words("schedule_at_period_end")
            ),
        }
    )


def _cancel(*required: str) -> dict[str, Spec]:
    reason = Hash(
        {"enabled": Boolean(), "options": Array(Enum(FEEDBACK), clearable=True)},
        required=("enabled", "options") if required else ("enabled",),
        unbuilt=("feedback_options",),
    )
    return {
        "cancellation_reason": reason,
        "enabled": Boolean(),
        "mode": Enum(("at_period_end", "immediately")),
        "proration_behavior": PRORATION,
    }


CREATE = _features("enabled")
UPDATE = _features()


def merge(work: Work, old: Obj, new: Obj) -> Obj:
    """The features after a change of some. Raises Stripe's 400 for what does not go together."""
    merged = {**old, **{name: {**old[name], **value} for name, value in new.items()}}
    if reason := new.get("subscription_cancel", {}).get("cancellation_reason"):
        before = old["subscription_cancel"]["cancellation_reason"]
        merged["subscription_cancel"]["cancellation_reason"] = {**before, **reason}
    _check_cancel(merged["subscription_cancel"])
    plan = merged["subscription_update"]
    if plan["enabled"] and not merged["payment_method_update"]["enabled"]:
        raise invalid("Cannot enable subscription updates while payment method update is disabled.")
    if "products" in new.get("subscription_update", {}):
        plan["products"] = [_product(work, each, n) for n, each in enumerate(plan["products"])]
    return merged


def _check_cancel(cancel: Obj) -> None:
    name = "features[subscription_cancel][proration_behavior]"
    if cancel["proration_behavior"] == "always_invoice":
        raise invalid(f"Invalid {name}: must be one of none or create_prorations", name)
    if cancel["proration_behavior"] != "none" and cancel["mode"] != "immediately":
        raise invalid(
            f"{name} `create_prorations` is only compatible with the mode `immediately`.", name
        )


def _product(work: Work, wanted: Obj, place: int) -> Obj:
    """A product of the catalogue that customers choose from, with every field."""
    at = f"{AT}[products][{place}]"
    work.need("product", wanted["product"], param=f"{at}[product]")
    for n, identifier in enumerate(wanted["prices"]):
        price = recurring_price(work, identifier, f"{at}[prices][{n}]")
        if price["product"] != wanted["product"]:
            raise invalid(
                f"The price {identifier} does not belong to the product {wanted['product']}.",
                f"{at}[prices][{n}]",
            )
    quantity = {"maximum": None, "minimum": 0, "enabled": True}
    return {**wanted, "adjustable_quantity": {**quantity, **wanted.get("adjustable_quantity", {})}}

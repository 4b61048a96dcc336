"""Parameters of the endpoints of prices."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from localcloud.stripe.currency import Currency
from localcloud.stripe.errors import invalid
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
from localcloud.stripe.pricing import decimal_text

LARGEST = 99_999_999
INTERVALS = ("day", "month", "week", "year")
USAGE_TYPES = ("licensed", "metered")


@dataclass(frozen=True)
class DecimalAmount:
    """Minor units with up to twelve decimal places, kept as text without needless zeros."""

    def parse(self, raw: Any, at: str, version: str) -> str:
        if not isinstance(raw, str) or not re.fullmatch(r"[0-9]{1,12}(\.[0-9]+)?", raw):
            raise invalid(f"Invalid decimal: {raw}"[:200], at, "parameter_invalid_decimal")
        if len(raw.partition(".")[2].rstrip("0")) > 12:
            raise invalid(f"Invalid decimal: {at} has at most 12 decimal places."[:200], at)
        if Decimal(raw) > LARGEST:
            raise invalid(f"Invalid decimal: {at} must be at most {LARGEST}."[:200], at)
        return decimal_text(Decimal(raw))


AMOUNTS: dict[str, Spec] = {
    "unit_amount": Integer(0, LARGEST),
    "unit_amount_decimal": DecimalAmount(),
}
TIER = Hash(
    {**AMOUNTS, "up_to": Integer(1, words=("inf",))},
    required=("up_to",),
    unbuilt=words("flat_amount flat_amount_decimal"),
)
RECURRING = Hash(
    {
        "interval": Enum(INTERVALS),
        "interval_count": Integer(1),
        "meter": Text(),
        "trial_period_days": Integer(0, 730),
        "usage_type": Enum(USAGE_TYPES),
    },
    required=("interval",),
)
FIELDS: dict[str, Spec] = {
    **EXPAND,
    "active": Boolean(),
    "lookup_key": Text(200, clearable=True),
    "metadata": Metadata(),
    "nickname": Text(clearable=True),
    "tax_behavior": Enum(("exclusive", "inclusive", "unspecified")),
    "transfer_lookup_key": Boolean(),
}
CREATE = Hash(
    {
        **FIELDS,
        **AMOUNTS,
        "billing_scheme": Enum(("per_unit", "tiered")),
        "currency": Currency(),
        "product": Text(),
        "product_data": Hash(
            {
                "active": Boolean(),
                "id": Text(255),
                "metadata": Metadata(),
                "name": Text(),
                "statement_descriptor": Text(22),
                "unit_label": Text(12),
            },
            required=("name",),
            unbuilt=words("tax_code tax_details"),
        ),
        "recurring": RECURRING,
        "tiers": Array(TIER, longest=250),
        "tiers_mode": Enum(("graduated", "volume")),
        "transform_quantity": Hash(
            {"divide_by": Integer(1), "round": Enum(("down", "up"))},
            required=("divide_by", "round"),
        ),
    },
    required=("currency",),
    unbuilt=words("currency_options custom_unit_amount"),
)
UPDATE = Hash(FIELDS, unbuilt=("currency_options",))
LIST = Hash(
    {
        **PAGE,
        "active": Boolean(),
        "created": Range(),
        "currency": Currency(),
        "lookup_keys": Array(Text(), longest=10),
        "product": Text(),
        "recurring": Hash(
            {"interval": Enum(INTERVALS), "meter": Text(), "usage_type": Enum(USAGE_TYPES)}
        ),
        "type": Enum(("one_time", "recurring")),
    }
)

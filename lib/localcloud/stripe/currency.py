"""Currencies as parameters name them, and amounts in them as people read them."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from localcloud.stripe.errors import invalid

ZERO_DECIMAL = (
    *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv"),
    *("xaf", "xof", "xpf"),
)
THREE_DECIMAL = ("bhd", "jod", "kwd", "omr", "tnd")
"""Currencies whose minor unit is not a hundredth (https://docs.stripe.com/currencies)."""


@dataclass(frozen=True)
class Currency:
    """A three-letter ISO code, kept in lower case."""

    def parse(self, raw: Any, at: str, version: str) -> str:
        if not isinstance(raw, str) or not re.fullmatch(r"[A-Za-z]{3}", raw):
            raise invalid(f"Invalid currency: {raw}"[:100], at)
        return raw.lower()


def text(amount: int | str, currency: str) -> str:
    """`$29.00`, `JPY 500` or `$0.0005` of minor units (a decimal as text for fractions of one)."""
    least = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    major = Decimal(amount).scaleb(-least).normalize()
    places = max(least, -int(major.as_tuple().exponent))
    sign = "$" if currency == "usd" else currency.upper() + " "
    return f"{sign}{major:,.{places}f}"

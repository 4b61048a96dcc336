"""What a quantity costs at a price: exact decimals, rounded once to whole minor units.

Sources: "Pricing models" (tiers), "Transform quantities" and "Decimal amounts" of Stripe's
documentation; a half is rounded up.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from localcloud.stripe import currency
from localcloud.stripe.store import Obj

# 15 digits of usage times 8 before and 12 after the point of an amount
EXACT = Context(prec=60)


@dataclass(frozen=True)
class Part:
    """A quantity that one amount per unit applies to: one line of an invoice.

    `amount` is in whole minor units, `each` (decimal text) what a unit costs; `tier` counts from 1.
    """

    quantity: int
    amount: int
    each: str
    tier: int | None = None


def parts(price: Obj, quantity: int) -> list[Part]:
    """The parts of a quantity, one of each tier it reaches if the tiers are graduated."""
    if price["billing_scheme"] == "per_unit":
        each = price["unit_amount_decimal"]
        return [Part(quantity, _round(_units(price, quantity), each), each)]
    tiers = list(enumerate(price["_tiers"], start=1))
    if price["tiers_mode"] == "volume":
        number, tier = next(
            (n, tier) for n, tier in tiers if tier["up_to"] is None or quantity <= tier["up_to"]
        )
        return [_of_tier(number, tier, quantity)]
    found, below = [], 0
    for number, tier in tiers:
        reached = quantity if tier["up_to"] is None else min(quantity, tier["up_to"])
        if reached > below or number == 1:
            found.append(_of_tier(number, tier, reached - below))
        below = reached
    return found


def amount(price: Obj, quantity: int) -> int:
    """What the quantity costs, in whole minor units."""
    return sum(part.amount for part in parts(price, quantity))


def text(price: Obj, part: Part | None = None) -> str:
    """`at $29.00 / month`, as Stripe describes a price, or a tier of it, on an invoice line."""
    words = "at" if part is None or part.tier is None else f"Tier {part.tier} at"
    each = part.each if part else price["unit_amount_decimal"]
    words = f"{words} {currency.text(each, price['currency'])}"
    if price["transform_quantity"]:
        words = f"{words} per {price['transform_quantity']['divide_by']}"
    if not price["recurring"]:
        return words
    count, interval = price["recurring"]["interval_count"], price["recurring"]["interval"]
    return f"{words} / {interval}" if count == 1 else f"{words} every {count} {interval}s"


def decimal_text(value: Decimal) -> str:
    """A decimal as the API writes it: no exponent, no zeros at the end."""
    written = f"{value:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def _of_tier(number: int, tier: Obj, quantity: int) -> Part:
    each = tier["unit_amount_decimal"]
    return Part(quantity, _round(quantity, each), each, number)


def _units(price: Obj, quantity: int) -> int:
    """The quantity in packages, if the price is for packages."""
    transform = price["transform_quantity"]
    if not transform:
        return quantity
    whole, rest = divmod(quantity, transform["divide_by"])
    return int(whole + (transform["round"] == "up" and rest > 0))


def _round(quantity: int, each: str) -> int:
    exact = EXACT.multiply(Decimal(quantity), Decimal(each))
    return int(exact.to_integral_value(ROUND_HALF_UP))

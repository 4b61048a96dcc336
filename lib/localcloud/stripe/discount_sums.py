"""How much coupons take off, in whole minor units."""

from decimal import ROUND_HALF_UP, Decimal

from localcloud.stripe.store import Obj


def reductions(
    coupons: list[Obj], amounts: list[int], fits: list[list[bool]] | None = None
) -> list[list[int]]:
    """For every coupon, in order, what it takes off each amount; none falls below zero.

    A later coupon takes from what the earlier ones have left. A percentage is rounded half up for
    each amount; an amount is spread in proportion, the last amount taking what rounding leaves.
    `fits` says, for every coupon, which amounts it is for; without it for all.
    """
    left = [max(0, amount) for amount in amounts]
    taken = []
    for place, coupon in enumerate(coupons):
        able = fits[place] if fits else [True] * len(amounts)
        base = [amount if fit else 0 for amount, fit in zip(left, able, strict=True)]
        if coupon["percent_off"] is not None:
            offs = [_percent(amount, coupon["percent_off"]) for amount in base]
        else:
            offs = _spread(min(coupon["amount_off"], sum(base)), base)
        left = [amount - off for amount, off in zip(left, offs, strict=True)]
        taken.append(offs)
    return taken


def _percent(amount: int, percent: float) -> int:
    exact = Decimal(amount) * Decimal(str(percent)) / 100
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


def _spread(off: int, amounts: list[int]) -> list[int]:
    """`off` in parts as large, in proportion, as the amounts."""
    parts = []
    open_off, open_sum = off, sum(amounts)
    for amount in amounts:
        part = (2 * open_off * amount + open_sum) // (2 * open_sum) if open_sum else 0
        parts.append(part)
        open_off, open_sum = open_off - part, open_sum - amount
    return parts

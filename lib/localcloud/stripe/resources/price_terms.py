"""What a price asks for, and how often: checked, and as a price keeps it."""

from localcloud.stripe.errors import invalid, not_built
from localcloud.stripe.resources import meters
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

LONGEST_INTERVALS = {"day": 1095, "week": 156, "month": 36, "year": 3}
NO_METER = (
    "Starting with Stripe version `2025-03-31.basil`, metered prices must be backed by meters."
)


def recurring(work: Work, params: Obj | None) -> Obj | None:
    """The price's `recurring`. Raises a 400 for an interval or a meter that cannot be."""
    if params is None:
        return None
    interval, count = params["interval"], params.get("interval_count", 1)
    if count > LONGEST_INTERVALS[interval]:
        raise invalid(
            "Recurring prices can be at most three years long.", "recurring[interval_count]"
        )
    usage_type = params.get("usage_type", "licensed")
    return {
        "interval": interval,
        "interval_count": count,
        "meter": _meter(work, params, usage_type),
        "trial_period_days": params.get("trial_period_days"),
        "usage_type": usage_type,
    }


def _meter(work: Work, params: Obj, usage_type: str) -> str | None:
    at = "recurring[meter]"
    if "meter" not in params:
        if usage_type == "metered":
            raise invalid(NO_METER, at)
        return None
    if usage_type != "metered":
        raise invalid("A meter can only be set on prices with `usage_type=metered`.", at)
    meter = work.need(meters.KIND, params["meter"], param=at)
    if meter["status"] != "active":
        raise invalid(f"The meter {meter['id']} is inactive. Prices need an active meter.", at)
    return str(meter["id"])


def amounts(params: Obj, often: Obj | None) -> Obj:
    """The fields that say what a quantity costs; `often` is the price's `recurring`."""
    scheme = params.get("billing_scheme", "per_unit")
    if scheme == "tiered":
        return _tiered(params, often)
    for name in ("tiers", "tiers_mode"):
        if name in params:
            raise invalid(f"You can only pass `{name}` when `billing_scheme` is `tiered`.", name)
    if "unit_amount" not in params and "unit_amount_decimal" not in params:
        raise invalid(
            "One of the following parameters is required when billing scheme is `per_unit`: "
            "unit_amount, unit_amount_decimal, custom_unit_amount.",
            "unit_amount",
        )
    return {
        "billing_scheme": scheme,
        "tiers_mode": None,
        "transform_quantity": params.get("transform_quantity"),
        **_each(params, ""),
    }


def _each(params: Obj, at: str) -> Obj:
    """Both spellings of an amount; only the decimal one has parts of a minor unit."""
    if "unit_amount" in params and "unit_amount_decimal" in params:
        raise invalid(
            "You may only specify one of these parameters: unit_amount, unit_amount_decimal.",
            f"{at}[unit_amount]" if at else "unit_amount",
        )
    text = params.get("unit_amount_decimal", str(params.get("unit_amount", 0)))
    return {"unit_amount": None if "." in text else int(text), "unit_amount_decimal": text}


def _tiered(params: Obj, often: Obj | None) -> Obj:
    for name in ("unit_amount", "unit_amount_decimal", "transform_quantity"):
        if name in params:
            raise invalid(f"You cannot pass `{name}` when `billing_scheme` is `tiered`.", name)
    for name in ("tiers", "tiers_mode"):
        if not params.get(name):
            raise invalid(f"You must pass `{name}` when `billing_scheme` is `tiered`.", name)
    if often is None or often["usage_type"] != "metered":
        raise not_built("tiered prices that are not metered")
    return {
        "billing_scheme": "tiered",
        "tiers_mode": params["tiers_mode"],
        "transform_quantity": None,
        "unit_amount": None,
        "unit_amount_decimal": None,
        "_tiers": [_tier(tier, f"tiers[{n}]") for n, tier in enumerate(_ordered(params["tiers"]))],
    }


def _ordered(tiers: list[Obj]) -> list[Obj]:
    """The tiers, of which each must end above the one before and the last never."""
    ends = [tier["up_to"] for tier in tiers]
    if ends[-1] != "inf" or "inf" in ends[:-1]:
        raise invalid("The last tier, and no other, must have `up_to` set to `inf`.", "tiers")
    if ends[:-1] != sorted(set(ends[:-1])):
        raise invalid("Each tier's `up_to` must be above the one before.", "tiers")
    return tiers


def _tier(tier: Obj, at: str) -> Obj:
    if "unit_amount" not in tier and "unit_amount_decimal" not in tier:
        raise invalid(f"{at} needs a unit_amount or a unit_amount_decimal.", at)
    up_to = None if tier["up_to"] == "inf" else tier["up_to"]
    return {"flat_amount": None, "flat_amount_decimal": None, **_each(tier, at), "up_to": up_to}

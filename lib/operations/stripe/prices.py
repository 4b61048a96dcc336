"""What a price costs, which plan it stands for, and how ours are marked."""

from collections.abc import Mapping, Sequence

from operations.errors import OperationError
from operations.stripe.account import Raw
from saas.plans import Plan, catalogue
from saas.stripe_contract import APP


def costs(plan: Plan, price: Raw) -> bool:
    """Whether a price asks for exactly what the plan file says."""
    recurring = price.get("recurring") or {}
    asked = (price["currency"], price["unit_amount"], price["billing_scheme"])
    how = (recurring.get("interval"), recurring.get("interval_count"), recurring.get("usage_type"))
    wanted = (plan.currency, plan.amount_cents, "per_unit")
    trial = recurring.get("trial_period_days")
    return asked == wanted and how == (plan.interval, 1, "licensed") and not trial


def cost(price: Raw) -> str:
    """A price in words; amounts are in the currency's hundredths."""
    amount = "by tiers" if price["unit_amount"] is None else f"{price['unit_amount'] / 100:.2f}"
    recurring = price.get("recurring")
    if not recurring:
        return f"{amount} {price['currency']} once"
    count = recurring["interval_count"]
    every = f"a {recurring['interval']}" if count == 1 else f"per {count} {recurring['interval']}s"
    return f"{amount} {price['currency']} {every}"


def cost_of(plan: Plan) -> str:
    """What a plan costs, in words."""
    return f"{(plan.amount_cents or 0) / 100:.2f} {plan.currency} a {plan.interval}"


def plan_of(price: Raw) -> Plan | None:
    """The plan that subscribers of a price have, as the functions see it."""
    return catalogue().plan_of_price(price["metadata"], price.get("lookup_key") or "")


def holds_key(plan: Plan, price: Raw) -> bool:
    """Whether the checkout would sell this price now."""
    return bool(price.get("lookup_key") == plan.lookup_key != "")


def held_key(plan: Plan, price: Raw) -> bool:
    """Whether the checkout sells this price or did so before."""
    return holds_key(plan, price) or price["metadata"].get("lookup_key") == plan.lookup_key != ""


def stamp(plan: Plan) -> Raw:
    """Metadata of a price whose subscribers have the plan, whoever made it."""
    return {"app": APP, "plan": plan.id, "price_key": plan.price_key}


def sold_stamp(plan: Plan) -> Raw:
    """Metadata of a price that is sold: `lookup_key` stays when the key itself moves on."""
    return {**stamp(plan), "lookup_key": plan.lookup_key}


def check_mapping(prices: Sequence[Raw], mapped: Mapping[str, str]) -> None:
    """Refuse a mapping of price ids to price keys that cannot be meant.

    Raises:
        OperationError: it names what does not exist, or would change a subscriber's plan.
    """
    by_id = {each["id"]: each for each in prices}
    for price_id, price_key in mapped.items():
        plan, price = catalogue().plan_by_price_key(price_key), by_id.get(price_id)
        if plan is None:
            known = ", ".join(each.price_key for each in catalogue().plans)
            raise OperationError(f"plans.toml has no price key {price_key}. It has: {known}")
        if price is None:
            raise OperationError(f"The account has no price {price_id} in this mode.")
        before = plan_of(price)
        if before not in (None, plan):
            raise OperationError(
                f"{price_id} stands for {before.price_key} already; as {price_key} its subscribers "
                "would have something else. If that is meant, change its metadata at Stripe."
            )

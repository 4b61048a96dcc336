"""What this environment sells, straight from the plan file."""

from billing.schemas import Offer
from saas.plans import Plan, catalogue
from saas.settings import settings


def sold() -> list[Plan]:
    """The plans whose price keys PRICE_KEYS names, or all, in the order of the plan file."""
    price_keys = settings().price_keys
    return [plan for plan in catalogue().plans if not price_keys or plan.price_key in price_keys]


def offers() -> list[Offer]:
    """The price list; an answer's length is what can be reached today, not what a plan may have."""
    plans = sold()
    limits = {plan.id: catalogue().output_limits(plan) for plan in plans}
    return [
        Offer(
            id=plan.id,
            name=plan.name,
            price_key=plan.price_key,
            amount=plan.amount_cents,
            interval=plan.interval,
            calls_per_month=plan.calls_per_month,
            calls_in_flight=plan.calls_in_flight,
            models=list(plan.models),
            max_output_tokens=max(limits[plan.id].values()),
            max_output_tokens_by_model=limits[plan.id],
            contact_sales=not plan.lookup_key,
        )
        for plan in plans
    ]

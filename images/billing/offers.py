"""The price list, straight from the plan file."""

from billing.schemas import Offer
from saas.plans import catalogue


def offers() -> list[Offer]:
    """All plans in the order of the plan file."""
    return [
        Offer(
            id=plan.id,
            name=plan.name,
            price_key=plan.price_key,
            amount=plan.amount_cents,
            interval=plan.interval,
            calls_per_month=plan.calls_per_month,
            models=list(plan.models),
            max_output_tokens=plan.max_output_tokens,
            contact_sales=not plan.lookup_key,
        )
        for plan in catalogue().plans
    ]

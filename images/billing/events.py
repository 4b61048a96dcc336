"""Which of Stripe's events concern us, and what each of them does: a sync, recorded once."""

from collections.abc import Sequence

from billing import store, stripe_api
from billing.stripe_objects import Event
from billing.sync import sync
from saas.settings import settings
from saas.stripe_contract import is_for


def settle(customer_id: str, events: Sequence[Event]) -> str:
    """Bring the customer up to date and record the events; returns the outcome they got.

    A customer that Stripe has deleted (Stripe is asked: the event only says so) gives the user free
    for a new one, before the event counts as dealt with.

    Raises:
        AppError: Stripe or the table failed; nothing was recorded.
    """
    if all(event.type != "customer.deleted" for event in events):
        return sync(customer_id, events).outcome
    outcome = sync(customer_id).outcome
    user_id = store.bound_user(customer_id)
    if user_id and stripe_api.api().customer_metadata(customer_id) is None:
        store.release(user_id, customer_id)
    store.record(events, outcome)
    return outcome


def is_foreign(event: Event) -> bool:
    """Whether the event belongs to another mode, account, environment or product."""
    return (
        not event.customer_id
        or bool(event.account)
        or event.livemode != stripe_api.api().livemode
        or not is_for({"env": event.environment, "app": event.app}, settings().app_env)
    )

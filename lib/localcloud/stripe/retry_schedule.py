"""When a failed payment is tried again ("Automate payment retries": custom retry schedule).

Stripe's Smart Retries choose their moments by what nobody can foresee; its other option, so many
days after the attempt before, is what happens here. At Stripe it is a setting of the dashboard.
"""

from dataclasses import dataclass

from localcloud.stripe.errors import StripeError
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

DAY = 86400
SETTING = "retry_schedule"
AFTERWARDS = ("cancel", "unpaid", "past_due")
MOST_RETRIES, LONGEST_DAYS = 8, 60
HOPELESS = frozenset(
    {
        "authentication_required",
        "highest_risk_level",
        "incorrect_number",
        "lost_card",
        "pickup_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "stolen_card",
        "transaction_not_allowed",
    }
)
"""Decline codes after which Stripe charges this card no more by itself."""


@dataclass(frozen=True)
class Schedule:
    """`days` after the attempt before; `then` is what becomes of the subscription at last."""

    days: tuple[int, ...] = (3, 5, 7)
    then: str = "cancel"


def current(work: Work) -> Schedule:
    """The account's schedule."""
    stored = work.store.get(SETTING, SETTING)
    return Schedule(tuple(stored["days"]), stored["then"]) if stored else Schedule()


def change(work: Work, schedule: Schedule) -> None:
    """Set the account's schedule; retries that are planned already keep their moments."""
    setting = {"id": SETTING, "object": SETTING, "days": schedule.days, "then": schedule.then}
    work.store.put(setting)


def count(work: Work, invoice: Obj, error: StripeError | None, method: Obj | None) -> None:
    """Record that an automatic attempt failed, and plan the next one unless it was the last.

    `_hopeless` is the card that must not be tried again. Only what a subscription owes is retried:
    for other invoices that is a setting of its own at Stripe, off unless switched on.
    """
    days = current(work).days if invoice["_subscription"] else ()
    done = int(invoice["attempt_count"])
    moment = work.now + days[done - 1] * DAY if done <= len(days) else None
    hopeless = error and method and (error.decline_code or error.code) in HOPELESS
    invoice.update(
        auto_advance=moment is not None,
        next_payment_attempt=moment,
        # After the last attempt it is given up as soon as that one is on record.
        _due=work.now if moment is None else moment,
        _hopeless=method["id"] if hopeless and method else invoice.get("_hopeless"),
    )
    work.store.put(invoice)


def stop(invoice: Obj) -> None:
    """Plan no further step; the caller stores the invoice."""
    invoice.update(
        auto_advance=False, automatically_finalizes_at=None, next_payment_attempt=None, _due=None
    )

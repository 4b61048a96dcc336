"""Telling Stripe of a user's new address, when it is asked something anyway.

Receipts go to the address that Stripe knows. A change marks the user's item (`saas.accounts`); the
next checkout, portal or sync of the customer passes it on, once.
"""

from contextlib import suppress

from billing import stripe_api
from billing.stripe_errors import StripeMissing, StripeRefused, StripeUnavailable
from saas import accounts
from saas.accounts import User
from saas.observability import logger
from saas.table import EXISTS, ConditionFailed, Update, When, table


def tell(user: User, customer_id: str) -> None:
    """Write the user's address and name on the customer, and take the mark off.

    A failure stops nothing. What Stripe refuses (it wants addresses of a certain form) is not
    tried again; while it cannot be reached, or the customer is gone, the mark stays.
    """
    try:
        if user.email:
            stripe_api.api().describe_customer(customer_id, user.email, user.name)
    except (StripeMissing, StripeUnavailable) as error:
        logger.warning("Stripe was not told the e-mail", extra={"reason": type(error).__name__})
        if not user.customer_email_due:
            _mark(user)
        return
    except StripeRefused:
        logger.warning("Stripe did not take the customer's e-mail", extra={"user_id": user.id})
    if user.customer_email_due:
        _unmark(user)


def _mark(user: User) -> None:
    update = Update(accounts.key(user.id), set={"customerEmailDue": True}, when=EXISTS)
    with suppress(ConditionFailed):
        table().write(update)


def _unmark(user: User) -> None:
    """Unless the address changed again meanwhile."""
    same = When("#email = :told", told=user.email)
    update = Update(accounts.key(user.id), remove=("customerEmailDue",), when=same)
    with suppress(ConditionFailed):
        table().write(update)

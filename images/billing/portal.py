"""The billing portal: where a customer changes cards, sees invoices and cancels."""

from billing import customer_email, customers, store, stripe_api
from billing.stripe_errors import StripeMissing
from saas.caller import Caller
from saas.errors import Conflict, LimitExceeded
from saas.settings import settings

# Each link is a session that Stripe makes; a person opens a few.
LINKS_PER_MINUTE = 10


def link(caller: Caller) -> str:
    """A short-lived address of the caller's portal.

    Raises:
        Conflict: there is nothing to manage yet (`no_customer`).
        LimitExceeded: too many were asked for lately (`portal_rate_limited`).
    """
    user = caller.account.user
    customer_id = customers.bound(user) if user else None
    if customer_id is None:
        raise _nothing()
    if not store.allow(caller.user_id, "portal", limit=LINKS_PER_MINUTE, seconds=60):
        raise LimitExceeded(
            "The billing portal was opened too often, please try again in a minute",
            code="portal_rate_limited",
            headers={"Retry-After": "60"},
        )
    if user and user.customer_email_due:
        customer_email.tell(user, customer_id)
    config = settings()
    try:
        return stripe_api.api().portal_url(customer_id, config.require("site_url"), config.app_env)
    except StripeMissing as error:
        if error.param != "customer":
            raise
        customers.let_go(caller.user_id, customer_id)
        raise _nothing() from error


def _nothing() -> Conflict:
    return Conflict("There is no billing account yet", code="no_customer")

"""The billing portal: where a customer changes cards, sees invoices and cancels."""

from billing import customers, stripe_api
from billing.stripe_errors import StripeMissing
from saas import accounts
from saas.auth import Identity
from saas.errors import Conflict
from saas.settings import settings


def link(identity: Identity) -> str:
    """A short-lived address of the caller's portal.

    Raises:
        Conflict: there is nothing to manage yet (`no_customer`).
        Forbidden: the account is disabled.
    """
    account = accounts.load(identity.user_id)
    customer_id = customers.bound(account.user) if account.user else None
    if customer_id is None:
        raise _nothing()
    config = settings()
    try:
        return stripe_api.api().portal_url(customer_id, config.require("site_url"), config.app_env)
    except StripeMissing as error:
        if error.param != "customer":
            raise
        customers.let_go(identity.user_id, customer_id)
        raise _nothing() from error


def _nothing() -> Conflict:
    return Conflict("There is no billing account yet", code="no_customer")

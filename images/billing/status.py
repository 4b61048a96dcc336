"""What a signed-in user has: the stored state, brought up to date when it is known to be old."""

from datetime import datetime

from billing import store
from billing.schemas import Status, SubscriptionView
from billing.sync import sync
from saas import accounts, clock
from saas.accounts import Account, User
from saas.caller import Caller
from saas.entitlements import Entitlement
from saas.errors import AppError
from saas.observability import logger

# The gate asks once per page load; more than this asks for the sake of asking.
FRESH_SYNCS_PER_MINUTE = 30
STALE_SYNCS_PER_MINUTE = 1


def see(caller: Caller) -> Status:
    """The caller's subscription; one DynamoDB request unless a checkout is fresh or a period over.

    Raises:
        Forbidden: the account was disabled meanwhile.
    """
    account = caller.account
    user = accounts.ensure(caller.identity, account.user)
    now = clock.now()
    if (customer_id := _customer_to_sync(account, user, now)) and _refreshed(customer_id):
        account = accounts.load(caller.user_id)
    return _view(account.entitlement, now)


def _customer_to_sync(account: Account, user: User, now: datetime) -> str | None:
    """The customer to ask Stripe about, when there is reason to and this user may."""
    entitlement = account.entitlement
    if entitlement and entitlement.is_stale(now):
        due = store.allow(account.user_id, "stale", limit=STALE_SYNCS_PER_MINUTE, seconds=60)
        return entitlement.customer_id if due else None
    if entitlement and entitlement.is_active(now):
        return None
    fresh_until, customer_id = user.checkout_fresh_until, user.stripe_customer_id
    if not fresh_until or not customer_id or fresh_until <= now:
        return None
    due = store.allow(account.user_id, "fresh", limit=FRESH_SYNCS_PER_MINUTE, seconds=60)
    return customer_id if due else None


def _refreshed(customer_id: str) -> bool:
    """Whether Stripe was asked; while it fails the stored state is the answer."""
    try:
        sync(customer_id)
    except (AppError, TimeoutError) as error:
        logger.warning("status answered without Stripe", extra={"reason": type(error).__name__})
        return False
    return True


def _view(entitlement: Entitlement | None, now: datetime) -> Status:
    if entitlement is None:
        return Status(subscription_status="inactive", has_active_subscription=False)
    return Status(
        subscription_status=entitlement.user_status(now),
        has_active_subscription=entitlement.is_active(now),
        subscription=SubscriptionView(
            id=entitlement.stripe_subscription_id,
            user_id=entitlement.user_id,
            stripe_subscription_id=entitlement.stripe_subscription_id,
            status=entitlement.status,
            current_period_start=clock.iso(entitlement.current_period_start),
            current_period_end=clock.iso(entitlement.current_period_end),
            plan_id=entitlement.plan_id,
            cancel_at_period_end=entitlement.cancel_at_period_end,
            created_at=entitlement.created_at,
            updated_at=entitlement.updated_at,
        ),
    )

"""Checkout: one open session a user, whoever asks how often at the same time.

The page's component asks dozens of times within seconds. All get the same session: one caller
takes the lease and creates, the others wait for it. A caller that dies in between leaves an expired
lease, and the next one repeats its idempotency key, so that Stripe answers with the same session.
"""

import time
from dataclasses import replace

from billing import customers, store, stripe_api
from billing.checkout_state import CheckoutState, busy
from billing.order import Order, sellable
from billing.stripe_errors import KeyReused, StripeMissing
from billing.stripe_objects import CheckoutSession
from billing.sync import sync
from saas import accounts, clock
from saas.accounts import Account
from saas.aws_http import token
from saas.caller import Caller
from saas.entitlements import Entitlement
from saas.errors import AppError, Conflict, Unavailable
from saas.plans import Plan
from saas.stripe_contract import LIVE_STATUSES
from saas.table import ConditionFailed, Put, TransactionRefused, table

WAIT_SECONDS = 10
# The page's component asks dozens of times within seconds.
CHECKS_PER_MINUTE = 30
POLL_SECONDS = 0.2
REPLAYS = 5


class LeaseLost(Exception):
    """Another caller went on in our place; what it stored is what counts."""


class Lease:
    """The right to create a user's session; every write keeps it only if nobody else wrote."""

    def __init__(self, seen: CheckoutState) -> None:
        self.state = seen

    def write(self, after: CheckoutState) -> None:
        """Raises LeaseLost when another caller wrote first.

        A write whose answer was lost is repeated, and then meets its own result: its id tells that
        from what another caller, who read the same state in the same second, would have written.
        """
        put, write_id = after.write(self.state), token()
        try:
            table().write(Put({**put.item, "writeId": write_id}, when=put.when))
        except ConditionFailed as failed:
            if not failed.item or failed.item.get("writeId") != write_id:
                raise LeaseLost from None
        self.state = replace(after, version=self.state.version + 1)


def open_session(caller: Caller, price_key: str) -> CheckoutSession:
    """The caller's open Checkout Session for a price, made when there is none.

    Raises:
        BadRequest: unknown price (`unknown_price`), or one without a public price
            (`price_not_available`).
        Conflict: a subscription runs already (`subscription_exists`).
        LimitExceeded: too many sessions were made lately (`checkout_rate_limited`).
        Unavailable: another call is still making one (`checkout_busy`), or Stripe is unreachable.
        Forbidden: the account was disabled meanwhile.
    """
    plan = sellable(price_key)
    patience = time.monotonic() + WAIT_SECONDS
    account = caller.account
    while True:
        if session := _attempt(caller, account, plan):
            return session
        if time.monotonic() > patience:
            raise busy()
        account = accounts.load(caller.user_id)


def _attempt(caller: Caller, account: Account, plan: Plan) -> CheckoutSession | None:
    """The open session, or one made now; None after another call's lease was waited for."""
    _refuse_subscribed(account.entitlement)
    order = Order(accounts.ensure(caller.identity, account.user), plan)
    item = table().get(store.checkout_key(caller.user_id))
    state = CheckoutState.from_item(caller.user_id, item)
    if session := _reused(order, state):
        return session
    if state.is_leased(_now()):
        time.sleep(POLL_SECONDS)
        return None
    try:
        return _made(order, state)
    except LeaseLost:
        return None


def _refuse_subscribed(entitlement: Entitlement | None) -> None:
    """When the stored period is over, Stripe is asked instead."""
    live = entitlement and entitlement.stripe_status in LIVE_STATUSES
    if entitlement and live and not entitlement.is_stale(clock.now()):
        raise _subscribed()


def _subscribed() -> Conflict:
    return Conflict(
        "You already have an active subscription. Manage it in the billing portal.",
        code="subscription_exists",
    )


def _reused(order: Order, state: CheckoutState) -> CheckoutSession | None:
    """The stored session if it is for this order and still open at Stripe.

    A page that asks more often than Stripe shall be asked gets the session as it was stored: one
    that was paid meanwhile cannot be paid again.
    """
    if not state.is_reusable(order.fingerprint, _now()):
        return None
    if state.client_secret and not store.allow(
        order.user_id, "session", limit=CHECKS_PER_MINUTE, seconds=60
    ):
        return state.session
    session = stripe_api.api().session(state.session_id)
    if session and session.status == "complete" and (customer := customers.bound(order.user)):
        _refuse_paid(customer)
    return session if session and session.status == "open" else None


def _refuse_paid(customer_id: str) -> None:
    if sync(customer_id).live:
        raise _subscribed()


def _made(order: Order, state: CheckoutState) -> CheckoutSession:
    """Take the lease and create; any failure gives the lease back.

    Raises:
        LeaseLost: another caller was faster, or the customer turned out to be deleted.
        LimitExceeded, Unavailable: see `CheckoutState.claimed`.
    """
    lease = Lease(state)
    lease.write(state.claimed(order.fingerprint, _now()))
    try:
        return _created(order, lease)
    except LeaseLost:
        raise
    except Exception as error:
        _release(lease, error)
        if isinstance(error, StripeMissing) and error.param == "customer":
            raise LeaseLost from error
        raise


def _created(order: Order, lease: Lease) -> CheckoutSession:
    """A session that nobody else knows until it is stored, so that it can be checked in peace."""
    price_id = stripe_api.api().price_id(order.plan.lookup_key)
    customer = customers.ensure(order.user)
    try:
        session = _unused(order, lease, customer.id, price_id)
    except StripeMissing as error:
        if error.param == "customer":
            customers.let_go(order.user_id, customer.id)
        raise
    if not customer.fresh:
        _clear(customer.id, session.id)
    _store(lease, session)
    return session


def _clear(customer_id: str, session_id: str) -> None:
    """Nothing but this session may be paid any more, and nothing was.

    Expiring comes first: what was paid until then is seen by the sync.
    """
    stripe = stripe_api.api()
    for other in stripe.open_sessions(customer_id):
        if other != session_id:
            stripe.expire_session(other)
    if sync(customer_id).live:
        stripe.expire_session(session_id)
        raise _subscribed()


def _unused(order: Order, lease: Lease, customer_id: str, price_id: str) -> CheckoutSession:
    """A session that is open now. A key that replays a finished one is given up for a later one.

    Steps double: after the table was restored from a backup, many keys may have been used already.
    """
    stripe = stripe_api.api()
    params = order.session_params(customer_id, price_id)
    for attempt in range(REPLAYS):
        try:
            made = stripe.create_session(params, order.idempotency_key(lease.state.generation))
        except KeyReused:
            lease.write(lease.state.next_attempt(_now(), skip=2**attempt - 1))
            continue
        session = stripe.session(made.id) if made.replayed else made
        if session and session.status == "open":
            return session
        lease.write(lease.state.next_attempt(_now(), skip=2**attempt - 1))
    raise Unavailable("The checkout cannot be prepared at the moment", code="checkout_busy")


def _store(lease: Lease, session: CheckoutSession) -> None:
    """Session and the user's note of it, together; a user disabled meanwhile gets neither."""
    user_id = lease.state.user_id
    until = clock.from_epoch(session.expires_at)
    opened = lease.state.opened(session).write(lease.state)
    try:
        table().transact(opened, store.fresh_until(user_id, until))
    except TransactionRefused as error:
        if 0 in error.refused:
            raise LeaseLost from None
        stripe_api.api().expire_session(session.id)
        accounts.refuse_barred(table().get(accounts.key(user_id)))
        raise


def _release(lease: Lease, error: Exception) -> None:
    """Keeps the key where the failure does not use it up, and counts none that Stripe caused.

    After failures that nobody foresaw, such as the table's, the next attempt repeats the key: what
    was made with it is found again.
    """
    settled = bool(getattr(error, "settled", isinstance(error, AppError)))
    counts = not settled or not isinstance(error, Unavailable | Conflict | StripeMissing)
    try:
        lease.write(lease.state.released(settled=settled, counts=counts))
    except LeaseLost:
        return


def _now() -> int:
    return int(clock.now().timestamp())

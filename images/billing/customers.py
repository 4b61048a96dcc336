"""Which Stripe customer is which user: bound once, both ways, never to anybody else."""

import hashlib
import re
from dataclasses import dataclass

from billing import customer_email, store, stripe_api
from billing.stripe_errors import StripeUnavailable
from billing.sync import sync
from saas import accounts
from saas.accounts import User
from saas.errors import Conflict
from saas.observability import logger
from saas.settings import settings
from saas.stripe_contract import APP
from saas.table import TransactionRefused, table

_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(frozen=True)
class Customer:
    """A user's customer; `fresh` when it was made just now, so that it has nothing yet."""

    id: str
    fresh: bool


def reference(user_id: str) -> str:
    """The user id, or a digest where it is too long or unfit for a header or a reference field."""
    if _PLAIN.fullmatch(user_id):
        return user_id
    return "sha256-" + hashlib.sha256(user_id.encode()).hexdigest()


def stamp(user_id: str) -> dict[str, str]:
    """What we write on a user's objects at Stripe."""
    return {"userId": user_id, "env": settings().app_env, "app": APP}


def bound(user: User) -> str | None:
    """The user's customer, if both items agree: old user items alone are not believed."""
    if not user.stripe_customer_id:
        return None
    if store.bound_user(user.stripe_customer_id) != user.id:
        logger.warning("user names a customer that is not theirs", extra={"user_id": user.id})
        return None
    return user.stripe_customer_id


def ensure(user: User) -> Customer:
    """The user's customer at Stripe, made and bound when there is none; safe to race and to repeat.

    The creating request carries nothing that may change between two attempts, so that its
    idempotency key always replays; e-mail and name follow in a request of their own.

    Raises:
        Forbidden: the account was disabled meanwhile.
        Conflict: Stripe answered with a customer of another user (`customer_conflict`).
        StripeUnavailable, StripeRefused: Stripe failed.
    """
    if existing := bound(user):
        if user.customer_email_due:
            customer_email.tell(user, existing)
        return Customer(existing, fresh=False)
    customer_id, replayed = _created(user.id, user.customer_generation)
    if not bind(user, customer_id):
        return Customer(customer_id, fresh=False)
    customer_email.tell(user, customer_id)
    return Customer(customer_id, fresh=not replayed)


def _created(user_id: str, generation: int) -> tuple[str, bool]:
    """A customer's id, and whether Stripe only repeated an earlier answer.

    Stripe keeps a 500 under its key, so the next attempt takes another one: else nobody whose first
    checkout met an error of Stripe's could buy before the key expires. If the error came after the
    write, the customer that it left behind is bound to nobody and has nothing.
    """
    key = f"customer:{settings().app_env}:{reference(user_id)}:{generation}"
    try:
        return stripe_api.api().create_customer(stamp(user_id), key)
    except StripeUnavailable as error:
        if error.settled:
            store.next_generation(user_id, generation)
        raise


def let_go(user_id: str, customer_id: str) -> None:
    """Give a user whose customer Stripe has deleted free for a new one.

    What the customer had ends first: once nobody is bound to it, no sync changes that user's items.

    Raises:
        StripeUnavailable, StripeRefused, Unavailable: as `sync`; the user stays bound.
    """
    sync(customer_id)
    store.release(user_id, customer_id)


def bind(user: User, customer_id: str) -> bool:
    """Whether this call bound them; False when they were bound to each other already.

    Raises:
        Forbidden: the account is disabled.
        Conflict: one of them is bound to somebody else (`customer_conflict`).
    """
    user_id = user.id
    try:
        table().transact(*store.binding(user_id, user.stripe_customer_id, customer_id))
    except TransactionRefused:
        now = table().get(accounts.key(user_id))
        accounts.refuse_barred(now)
        agreed = (now or {}).get("stripeCustomerId") == customer_id
        if agreed and store.bound_user(customer_id) == user_id:
            return False
        raise Conflict(
            "Your billing account is being set up, please try again", code="customer_conflict"
        ) from None
    return True

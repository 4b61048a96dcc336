"""The user record: created on first sight, read together with the subscription in one request."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from saas import clock, entitlements
from saas.addresses import Addresses, Sighting
from saas.entitlements import Entitlement
from saas.errors import Forbidden
from saas.rows import Row
from saas.table import (
    ABSENT,
    UNSET,
    ConditionFailed,
    Item,
    Key,
    Put,
    Update,
    When,
    table,
    unset,
)

if TYPE_CHECKING:
    from saas.auth import Identity

# `barred` on a user's item keeps the person out although a session cookie lives on.
BARRED = ("blocked", "deleted")
ATTEMPTS = 5


def key(user_id: str) -> Key:
    """Where a user's record lies."""
    return Key(f"USER#{user_id}", f"USER#{user_id}")


@dataclass(frozen=True)
class User:
    """A user's record. `id` is its key's: what an old item says of itself is not believed.

    Times are ISO 8601 UTC, empty where the item has none. `customer_generation` numbers the
    idempotency keys under which the user's Stripe customer is made; until `checkout_fresh_until` a
    checkout of theirs may still be paid. `customer_email_due`: Stripe has yet to hear of `email`.
    """

    id: str
    email: str
    name: str
    created_at: str
    updated_at: str
    cognito_id: str
    preferences: dict[str, Any]
    stripe_customer_id: str
    customer_generation: int
    checkout_fresh_until: datetime | None
    addresses: Addresses
    name_set_by_user: bool
    customer_email_due: bool

    @classmethod
    def from_item(cls, user_id: str, item: Item) -> "User":
        row = Row(item)
        created, updated = row.iso("createdAt"), row.iso("updatedAt")
        return cls(
            id=user_id,
            email=row.text("email"),
            name=row.text("name"),
            created_at=created or updated,
            updated_at=updated or created,
            cognito_id=row.text("cognitoId") or user_id,
            preferences=row.mapping("preferences"),
            stripe_customer_id=row.text("stripeCustomerId"),
            customer_generation=row.integer("customerGeneration"),
            checkout_fresh_until=row.moment("checkoutFreshUntil"),
            addresses=Addresses.from_item(row.text("email"), item.get("emailHistory")),
            name_set_by_user=row.flag("nameSetByUser"),
            customer_email_due=row.flag("customerEmailDue"),
        )


@dataclass(frozen=True)
class Account:
    """What the table knows of a caller; `user` is None before first sight."""

    user_id: str
    user: User | None
    entitlement: Entitlement | None


def load(user_id: str) -> Account:
    """User and subscription in one DynamoDB request.

    Raises:
        Forbidden: the account was blocked or deleted (`account_disabled`).
    """
    user_key, subscription_key = key(user_id), entitlements.key(user_id)
    found = table().batch_get([user_key, subscription_key])
    item = found.get(user_key)
    refuse_barred(item)
    user = User.from_item(user_id, item) if item else None
    return Account(user_id, user, Entitlement.from_item(user_id, found.get(subscription_key)))


def while_allowed(expression: str, **values: Any) -> When:
    """A condition on a user's item that no tombstone was set meanwhile, and what else must hold."""
    blocked, deleted = BARRED
    unbarred = "NOT (#barred IN (:blocked, :deleted))"
    return When(f"{expression} AND {unbarred}", **values, blocked=blocked, deleted=deleted)


def refuse_barred(item: Item | None) -> None:
    """Raises Forbidden (`account_disabled`) for a user item that carries a tombstone."""
    if item and item.get("barred") in BARRED:
        raise Forbidden("This account has been disabled", code="account_disabled")


def ensure(identity: "Identity", user: User | None) -> User:
    """The user, created from the identity when there is none; safe to race.

    The e-mail follows the credential (`saas.addresses`); an access token has none.

    Args:
        identity: who is calling, verified.
        user: the record as it was read, None before first sight.

    Raises:
        Forbidden: the account was blocked or deleted.
    """
    if user is not None:
        return _followed(identity, user)
    item = new_user(identity.user_id, email=identity.email, name=identity.name)
    if first := Addresses("", {}, ()).after(_sighting(identity)):
        item["emailHistory"] = first.to_item()
    try:
        table().write(Put(item, when=ABSENT))
    except ConditionFailed as failed:
        refuse_barred(failed.item)
        item = failed.item or item
    return User.from_item(identity.user_id, item)


def _followed(identity: "Identity", user: User) -> User:
    """The user with the address that the identity brings, if that is a change.

    Written on condition that the history is as it was read: of two callers with different
    addresses, the second judges anew what the first one left. A row that was removed stays so.
    """
    for _ in range(ATTEMPTS):
        after = user.addresses.after(_sighting(identity))
        if after is None:
            return user
        try:
            item = table().write(_change(identity, user, after), returning=True)
        except ConditionFailed as failed:
            refuse_barred(failed.item)
            if failed.item is None:
                return user
            user = User.from_item(identity.user_id, failed.item)
        else:
            return User.from_item(identity.user_id, item or {})
    return user


def _change(identity: "Identity", user: User, after: Addresses) -> Update:
    changes: Item = {"emailHistory": after.to_item()}
    if after.current != user.email:
        changes |= _new_address(identity, user, after)
    if user.addresses.stored is None:
        as_read = while_allowed(f"attribute_exists(#pk) AND {unset('emailHistory')}", **UNSET)
    else:
        as_read = while_allowed("#emailHistory = :read", read=user.addresses.stored)
    return Update(key(identity.user_id), set=changes, when=as_read)


def _new_address(identity: "Identity", user: User, after: Addresses) -> Item:
    changes: Item = {
        "email": after.current,
        "customerEmailDue": True,
        "updatedAt": clock.iso(clock.now()),
        **_index(identity.user_id, after.current),
    }
    if identity.name and not user.name_set_by_user and (not user.name or user.addresses.taken):
        changes["name"] = identity.name
    elif user.name and not user.addresses.taken:
        # An older row does not say who chose the name; it may well have been the user.
        changes["nameSetByUser"] = True
    return changes


def _sighting(identity: "Identity") -> Sighting:
    return Sighting(identity.email, identity.source, identity.issued_at)


def new_user(user_id: str, *, email: str, name: str) -> Item:
    """A fresh user item with the existing table's keys; it is indexed only if it has an e-mail."""
    moment = clock.iso(clock.now())
    item = {
        "pk": key(user_id).pk,
        "sk": key(user_id).sk,
        "id": user_id,
        "email": email,
        "name": name,
        "cognitoId": user_id,
        "subscriptionStatus": "inactive",
        "createdAt": moment,
        "updatedAt": moment,
    }
    if email:
        item |= _index(user_id, email)
    return item


def _index(user_id: str, email: str) -> Item:
    return {"gsi1pk": f"EMAIL#{email}", "gsi1sk": f"USER#{user_id}"}

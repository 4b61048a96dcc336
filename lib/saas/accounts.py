"""The user record: created on first sight, read together with the subscription in one request."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from saas import clock, entitlements
from saas.entitlements import Entitlement
from saas.errors import Forbidden
from saas.table import ABSENT, ConditionFailed, Item, Key, Put, Update, When, table

if TYPE_CHECKING:
    from saas.auth import Identity

# `barred` on a user's item keeps the person out although a session cookie lives on.
BARRED = frozenset({"blocked", "deleted"})


def key(user_id: str) -> Key:
    """Where a user's record lies."""
    return Key(f"USER#{user_id}", f"USER#{user_id}")


@dataclass(frozen=True)
class Account:
    """What the table knows of a caller; `user` is None before first sight."""

    user_id: str
    user: Item | None
    entitlement: Entitlement | None


def load(user_id: str) -> Account:
    """User and subscription in one DynamoDB request.

    Raises:
        Forbidden: the account was blocked or deleted (`account_disabled`).
    """
    user_key, subscription_key = key(user_id), entitlements.key(user_id)
    found = table().batch_get([user_key, subscription_key])
    user = found.get(user_key)
    refuse_barred(user)
    return Account(user_id, user, Entitlement.from_item(found.get(subscription_key)))


def refuse_barred(user: Item | None) -> None:
    """Raises Forbidden (`account_disabled`) for a user item that carries a tombstone."""
    if user and user.get("barred") in BARRED:
        raise Forbidden("This account has been disabled", code="account_disabled")


def ensure(identity: "Identity", user: Item | None = None) -> Item:
    """The user's item, created from the identity when there is none; safe to race.

    An item without an e-mail takes it from the first identity that has one: a Cognito access token
    carries none, and neither does an imported user's first call.

    Args:
        identity: who is calling, verified.
        user: the item if the caller has just read it.

    Raises:
        Forbidden: the account was blocked or deleted.
    """
    if user is not None:
        return _completed(identity, user)
    item = new_user(identity.user_id, email=identity.email, name=identity.name)
    try:
        table().write(Put(item, when=ABSENT))
    except ConditionFailed as failed:
        refuse_barred(failed.item)
        return failed.item or item
    return item


def _completed(identity: "Identity", user: Item) -> Item:
    if user.get("email") or not identity.email:
        return user
    changes = {"email": identity.email, **_index(identity.user_id, identity.email)}
    if identity.name and not user.get("name"):
        changes["name"] = identity.name
    unset = When(
        "attribute_not_exists(#barred) AND (attribute_not_exists(#email) OR #email = :none)",
        none="",
    )
    update = Update(key(identity.user_id), set=changes, when=unset)
    try:
        return table().write(update, returning=True) or user
    except ConditionFailed as failed:
        refuse_barred(failed.item)
        return failed.item or user


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

"""Reading, creating and changing the caller's own user record."""

from typing import Any

from saas import accounts, clock
from saas.accounts import Account
from saas.auth import Identity
from saas.table import ConditionFailed, Item, Update, When, table
from users.schemas import Profile, ProfileChange, User, UserData


def find(identity: Identity) -> User | None:
    """The caller's record, None before first sight. Changes nothing.

    Raises:
        Forbidden: the account was blocked or deleted.
    """
    account = accounts.load(identity.user_id)
    return User(**_fields(account, account.user)) if account.user else None


def see(identity: Identity) -> Profile:
    """The caller's profile, created from the verified identity on first sight.

    Raises:
        Forbidden: the account was blocked or deleted.
    """
    account = accounts.load(identity.user_id)
    user = accounts.ensure(identity, account.user)
    return _profile(account, user)


def create(identity: Identity, data: UserData | None) -> User:
    """`createUser`: the caller's record, new or as it is; the body may only name a new one.

    Raises:
        Forbidden: the account was blocked or deleted.
    """
    account = accounts.load(identity.user_id)
    user = accounts.ensure(identity, account.user)
    if account.user is None and data and data.name and not user["name"]:
        user = _update(identity.user_id, {"name": data.name})
    return User(**_fields(account, user))


def change(identity: Identity, wanted: ProfileChange) -> Profile:
    """Set name and preferences where given.

    Raises:
        Forbidden: the account was blocked or deleted.
    """
    account = accounts.load(identity.user_id)
    user = accounts.ensure(identity, account.user)
    changes = wanted.model_dump(exclude_none=True)
    return _profile(account, _update(identity.user_id, changes) if changes else user)


def _update(user_id: str, changes: dict[str, Any]) -> Item:
    """Writes on condition that no tombstone was set meanwhile."""
    update = Update(
        accounts.key(user_id),
        set={**changes, "updatedAt": clock.iso(clock.now())},
        when=When("attribute_exists(#pk) AND attribute_not_exists(#barred)"),
    )
    try:
        return table().write(update, returning=True) or {}
    except ConditionFailed as failed:
        accounts.refuse_barred(failed.item)
        raise


def _profile(account: Account, user: Item) -> Profile:
    return Profile(**_fields(account, user), preferences=user.get("preferences") or {})


def _fields(account: Account, user: Item) -> dict[str, Any]:
    """The frontend's fields; the status comes from the entitlement, never from the stored flag."""
    entitlement = account.entitlement
    moment = user.get("createdAt", "")
    return {
        "id": account.user_id,
        "email": user.get("email", ""),
        "name": user.get("name", ""),
        "created_at": moment,
        "updated_at": user.get("updatedAt", moment),
        "subscription_status": entitlement.user_status(clock.now()) if entitlement else "inactive",
        "subscription_id": entitlement.stripe_subscription_id if entitlement else None,
        "cognito_id": user.get("cognitoId") or account.user_id,
    }

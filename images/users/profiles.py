"""Reading, creating and changing the caller's own user record."""

from typing import Any

from saas import accounts, clock
from saas.accounts import User as Record
from saas.caller import Caller
from saas.entitlements import Entitlement
from saas.table import ConditionFailed, Update, table
from users.schemas import Profile, ProfileChange, User, UserData


def find(caller: Caller) -> User | None:
    """The caller's record, None before first sight. Changes nothing."""
    account = caller.account
    return User(**_fields(account.user, account.entitlement)) if account.user else None


def see(caller: Caller) -> Profile:
    """The caller's profile, created from the verified identity on first sight.

    Raises:
        Forbidden: the account was disabled meanwhile.
    """
    return _profile(accounts.ensure(caller.identity, caller.account.user), caller)


def create(caller: Caller, data: UserData | None) -> User:
    """`createUser`: the caller's record, new or as it is; the body may only name a new one.

    Raises:
        Forbidden: the account was disabled meanwhile.
    """
    user = accounts.ensure(caller.identity, caller.account.user)
    if caller.account.user is None and data and data.name and not user.name:
        user = _update(caller.user_id, {"name": data.name})
    return User(**_fields(user, caller.account.entitlement))


def change(caller: Caller, wanted: ProfileChange) -> Profile:
    """Set name and preferences where given.

    Raises:
        Forbidden: the account was disabled meanwhile.
    """
    user = accounts.ensure(caller.identity, caller.account.user)
    changes = wanted.model_dump(exclude_none=True)
    if wanted.name is not None:
        changes["nameSetByUser"] = True
    return _profile(_update(caller.user_id, changes) if changes else user, caller)


def _update(user_id: str, changes: dict[str, Any]) -> Record:
    """Writes on condition that no tombstone was set meanwhile."""
    update = Update(
        accounts.key(user_id),
        set={**changes, "updatedAt": clock.iso(clock.now())},
        when=accounts.while_allowed("attribute_exists(#pk)"),
    )
    try:
        return Record.from_item(user_id, table().write(update, returning=True) or {})
    except ConditionFailed as failed:
        accounts.refuse_barred(failed.item)
        raise


def _profile(user: Record, caller: Caller) -> Profile:
    return Profile(**_fields(user, caller.account.entitlement), preferences=user.preferences)


def _fields(user: Record, entitlement: Entitlement | None) -> dict[str, Any]:
    """The frontend's fields; the status comes from the entitlement, never from the stored flag."""
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "subscription_status": entitlement.user_status(clock.now()) if entitlement else "inactive",
        "subscription_id": entitlement.stripe_subscription_id if entitlement else None,
        "cognito_id": user.cognito_id,
    }

"""Finding pools, clients and users, and what a pool demands of passwords and attributes."""

import hashlib
import json
import re
from typing import Any

from moto.cognitoidp import models
from moto.cognitoidp.models import (
    CognitoIdpBackend,
    CognitoIdpUser,
    CognitoIdpUserPool,
    CognitoIdpUserPoolAttribute,
    CognitoIdpUserPoolClient,
    cognitoidp_backends,
)
from moto.cognitoidp.responses import CognitoIdpResponse
from moto.cognitoidp.utils import check_secret_hash
from moto.core.responses import ActionResult, EmptyResult

from localcloud.aws.cognito.errors import CognitoError, invalid_parameter, not_authorized
from localcloud.aws.repair import added, repair

# What only Cognito itself, or an administrator, may write.
PROTECTED = frozenset({"sub", "email_verified", "phone_number_verified", "identities"})
EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s.,;<>\"]{2,}")
SYMBOLS = frozenset("^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+- ")
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"

Found = tuple[CognitoIdpBackend, CognitoIdpUserPool, CognitoIdpUserPoolClient]


def find_client(client_id: str) -> Found:
    """Backend, pool and client by client id; unsigned calls name neither region nor pool."""
    for _, _, backend in cognitoidp_backends.iter_backends():
        for pool in backend.user_pools.values():
            if client := pool.clients.get(client_id):
                return backend, pool, client
    raise CognitoError("ResourceNotFoundException", f"User pool client {client_id} does not exist.")


def find_by_token(
    access_token: str,
) -> tuple[CognitoIdpBackend, CognitoIdpUserPool, CognitoIdpUser]:
    """Backend, pool and user of a live access token."""
    for _, _, backend in cognitoidp_backends.iter_backends():
        for pool in backend.user_pools.values():
            if access_token in pool.access_tokens:
                return backend, pool, backend.get_user(access_token)
    raise not_authorized("Invalid Access Token")


@repair(CognitoIdpBackend, "delete_user_pool")
def delete_pool(self: CognitoIdpBackend, user_pool_id: str) -> None:
    """DeleteUserPool is refused while deletion protection is on; stock moto forgets all users."""
    pool = self.describe_user_pool(user_pool_id)
    if pool.extended_config.get("DeletionProtection") == "ACTIVE":
        raise invalid_parameter(
            "The user pool cannot be deleted because deletion protection is activated. "
            "Deletion protection must be inactivated first."
        )
    delete_pool.stock(self, user_pool_id)  # type: ignore[attr-defined]


def hides_unknown_users(client: CognitoIdpUserPoolClient) -> bool:
    return bool(client.extended_config.get("PreventUserExistenceErrors") == "ENABLED")


def check_client_secret(
    client: CognitoIdpUserPoolClient, username: str, secret_hash: str | None
) -> None:
    """A client with a secret must be shown its hash (SecretHash)."""
    if not client.generate_secret:
        return
    if not secret_hash:
        raise not_authorized(
            f"Client {client.id} is configured with secret but SECRET_HASH was not received"
        )
    if not check_secret_hash(client.secret, client.id, username, secret_hash):
        raise not_authorized(f"Unable to verify secret hash for client {client.id}")


@repair(CognitoIdpUserPool, "_get_user")
def find_user(self: CognitoIdpUserPool, username: str) -> CognitoIdpUser | None:
    """By user name or sign-in attribute; case does not matter where the pool says so."""
    if user := self.users.get(username):
        return user
    sensitive = (self.extended_config.get("UsernameConfiguration") or {}).get("CaseSensitive", True)
    names = self.extended_config.get("UsernameAttributes") or self.extended_config.get(
        "AliasAttributes"
    )
    wanted = username if sensitive else str(username).casefold()
    for user in self.users.values():
        known = [user.username, *(user.attribute_lookup.get(name) for name in names or [])]
        if wanted in [text if sensitive or not text else text.casefold() for text in known]:
            return user
    return None


@repair(CognitoIdpBackend, "_validate_password")
def check_password(self: CognitoIdpBackend, user_pool_id: str, password: str) -> None:
    """The pool's password policy, with Cognito's own messages."""
    pool = self.describe_user_pool(user_pool_id)
    policy = (pool.extended_config.get("Policies") or {}).get("PasswordPolicy") or {}
    rules = [
        (len(password) >= policy.get("MinimumLength", 8), "Password not long enough"),
        (len(password) <= 256, "Password is too long"),
        (
            _has(policy, "Uppercase", password, str.isupper),
            "Password must have uppercase characters",
        ),
        (
            _has(policy, "Lowercase", password, str.islower),
            "Password must have lowercase characters",
        ),
        (_has(policy, "Numbers", password, str.isdigit), "Password must have numeric characters"),
        (
            _has(policy, "Symbols", password, SYMBOLS.__contains__),
            "Password must have symbol characters",
        ),
    ]
    for kept, message in rules:
        if not kept:
            raise CognitoError(
                "InvalidPasswordException", f"Password did not conform with policy: {message}"
            )


def _has(policy: dict[str, Any], kind: str, password: str, fits: Any) -> bool:
    return not policy.get(f"Require{kind}", False) or any(fits(character) for character in password)


def check_own_attributes(pool: CognitoIdpUserPool, attributes: list[dict[str, str]]) -> None:
    """What a user may say about himself: known attributes, and none that Cognito vouches for."""
    standard = CognitoIdpUserPoolAttribute.STANDARD_SCHEMA
    for attribute in attributes:
        name = attribute["Name"]
        if name in PROTECTED or name.startswith("cognito:"):
            raise not_authorized("A client attempted to write unauthorized attribute")
        if name not in standard and name not in pool.schema_attributes:
            raise invalid_parameter(
                "Attributes did not conform to the schema: "
                f"Type for attribute {{{name}}} could not be determined"
            )


@added(CognitoIdpResponse)
def update_resource_server(self: CognitoIdpResponse) -> ActionResult:
    """UpdateResourceServer: another name, other scopes; missing in moto."""
    pool_id, identifier = self._get_param("UserPoolId"), self._get_param("Identifier")
    server = self.backend.describe_resource_server(pool_id, identifier)
    server.name, server.scopes = self._get_param("Name"), self._get_param("Scopes")
    return ActionResult({"ResourceServer": server.to_json()})


@added(CognitoIdpResponse)
def delete_resource_server(self: CognitoIdpResponse) -> ActionResult:
    """DeleteResourceServer; missing in moto."""
    pool_id, identifier = self._get_param("UserPoolId"), self._get_param("Identifier")
    self.backend.describe_resource_server(pool_id, identifier)
    del self.backend.user_pools[pool_id].resource_servers[identifier]
    return EmptyResult()


_ISSUED: set[str] = set()


@repair(models, "generate_id")
def generate_id(strategy: str | None, *args: Any) -> str:  # noqa: ARG001 - moto's parameters
    """The same id for the same pool or client at each start, so that settings made with it last.

    Stock ids are random or, by strategy HASH, the same for two pools of one name, which then
    replace each other. Ids look like Cognito's: letters and digits, nine for a pool.
    """
    wanted = 9 if len(args) == 3 and isinstance(args[1], str) else 26
    for attempt in range(1000):
        seed = json.dumps([*args, attempt], sort_keys=True, default=str)
        number = int.from_bytes(hashlib.sha256(seed.encode()).digest(), "big")
        digits = []
        for _ in range(wanted):
            number, digit = divmod(number, len(ALPHABET))
            digits.append(ALPHABET[digit])
        name = "".join(digits)
        if name not in _ISSUED:
            _ISSUED.add(name)
            return name
    raise RuntimeError("no free id")


def forget_ids() -> None:
    """Issue the same ids again, after a reset."""
    _ISSUED.clear()

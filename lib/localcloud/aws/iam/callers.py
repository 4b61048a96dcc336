"""Whose credentials a request carries: a role's session, a user, or an administrator.

Policies are parsed once a role and kept until IAM's state changes.
"""

import functools
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from localcloud.aws.connections import Answer
from localcloud.aws.iam.conditions import Context
from localcloud.aws.iam.evaluation import Policies
from localcloud.aws.iam.policy import Statement, statements
from localcloud.aws.routing import LOCKS, LocalRequest, call_moto


@dataclass(frozen=True)
class Caller:
    """Somebody whose policies decide.

    `name` is that of the role, or `user/<name>`; `arn` is what refusals call the caller. A session
    has a token, and a time at which it ends.
    """

    name: str
    arn: str
    principal_arn: str
    account_id: str
    policies: Policies
    token: str | None = None
    expires: datetime | None = None

    @functools.cached_property
    def context(self) -> Context:
        """Condition keys that all calls of this caller have. Loopback stands for TLS."""
        return {
            "aws:securetransport": ("true",),
            "aws:principalarn": (self.principal_arn,),
            "aws:principalaccount": (self.account_id,),
            "aws:resourceaccount": (self.account_id,),
            "aws:viaawsservice": ("false",),
        }

    @property
    def is_expired(self) -> bool:
        return self.expires is not None and self.expires <= datetime.now(UTC)


class Callers:
    """Finds callers by access key id; `forget` whenever IAM's state has changed."""

    def __init__(self) -> None:
        self._known: dict[str, Caller] = {}
        self._lock = threading.Lock()
        self._generation = 0

    def forget(self) -> None:
        with self._lock:
            self._known = {}
            self._generation += 1

    def find(self, access_key_id: str) -> Caller | None:
        """The caller; None when IAM and STS have not made the key."""
        return self._known.get(access_key_id) or self._read(access_key_id)

    def _read(self, access_key_id: str) -> Caller | None:
        generation = self._generation
        with LOCKS.of("iam"), LOCKS.of("sts"):
            caller = _session(access_key_id) or _user(access_key_id)
        with self._lock:
            # What was read before a change may not be kept after it.
            if caller is not None and generation == self._generation:
                self._known[access_key_id] = caller
        return caller


def iam_handler(callers: Callers) -> Callable[[LocalRequest], Answer]:
    """Moto's IAM; whatever it did, policies are read anew after it."""

    def handle(request: LocalRequest) -> Answer:
        try:
            return call_moto("iam", request)
        finally:
            callers.forget()

    return handle


def _session(access_key_id: str) -> Caller | None:
    models = sys.modules.get("moto.sts.models")
    if models is None:
        return None
    for _, _, backend in models.sts_backends.iter_backends():
        for session in backend.assumed_roles:
            if session.access_key_id == access_key_id:
                return _caller_of(session)
    return None


def _caller_of(session: Any) -> Caller:
    policies = _role_policies(session.account_id, session.partition, session.role_arn)
    if session.policy:
        policies = replace(policies, session=statements(session.policy))
    return Caller(
        name=session.role_arn.rpartition("/")[2],
        arn=session.arn,
        principal_arn=session.role_arn,
        account_id=session.account_id,
        policies=policies,
        token=session.session_token,
        expires=session.expiration.replace(tzinfo=UTC),
    )


def _role_policies(account_id: str, partition: str, role_arn: str) -> Policies:
    """Of a role that is gone: none, so that its sessions can do nothing any more."""
    from moto.iam.models import iam_backends

    backend = iam_backends[account_id][partition]
    for role in backend.roles.values():
        if role.arn == role_arn:
            return Policies(_attached(role), _boundary(backend, role.permissions_boundary_arn))
    return Policies(identity=())


def _boundary(backend: Any, arn: str | None) -> tuple[Statement, ...] | None:
    if not arn:
        return None
    policy = backend.managed_policies.get(arn)
    return _parsed([_document(policy)]) if policy else ()


def _user(access_key_id: str) -> Caller | None:
    models = sys.modules.get("moto.iam.models")
    if models is None:
        return None
    for _, _, backend in models.iam_backends.iter_backends():
        for user in backend.users.values():
            if any(key.access_key_id == access_key_id for key in user.access_keys):
                groups = backend.get_groups_for_user(user.name)
                attached = [one for owner in (user, *groups) for one in _attached(owner)]
                policies = Policies(tuple(attached))
                return Caller(f"user/{user.name}", user.arn, user.arn, user.account_id, policies)
    return None


def _attached(owner: Any) -> tuple[Statement, ...]:
    """Inline and managed policies of a role, user or group."""
    managed = [_document(policy) for policy in owner.managed_policies.values()]
    return _parsed([*_inline(owner), *managed])


def _inline(owner: Any) -> Iterable[str]:
    return list(owner.policies.values())


def _parsed(documents: Iterable[str]) -> tuple[Statement, ...]:
    return tuple(statement for document in documents for statement in statements(document))


def _document(policy: Any) -> str:
    return str(next(version.document for version in policy.versions if version.is_default))

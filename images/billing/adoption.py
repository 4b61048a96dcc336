"""Adoption: customers of an earlier backend become those of users, as an operator decided.

The earlier backend kept no binding that could be believed. An operator looks at each live
subscription and names its user (`make adopt-stripe`); this binds them under the same conditions as
a checkout does, once and for all. Everything may be repeated.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from billing import customers, store, stripe_api
from billing.stripe_objects import MAX_ID_CHARACTERS, Subscription
from billing.sync import sync
from saas import accounts, clock, entitlements, observability
from saas.accounts import User
from saas.entitlements import Entitlement
from saas.errors import AppError, Conflict, Forbidden
from saas.observability import logger
from saas.settings import settings
from saas.stripe_contract import LIVE_STATUSES, is_for
from saas.table import table

# One more pair, slow and retried, still fits; the rest is for the next call.
RESERVE_MS = 30_000
# What the earlier backend called everybody.
NOBODY = "anonymous"


@dataclass(frozen=True)
class Result:
    """What became of a pair.

    `bound` (now or before, and synced; `active` tells whether the user has access), or why not:
    `unknown_user`, `account_disabled`, `unknown_customer`, `foreign_customer`,
    `no_live_subscription`, `customer_taken`, `user_has_another_customer`, `not_tried` (no time was
    left), or the code of a failure, after which the pair may be tried again.
    """

    customerId: str  # noqa: N815 - as it is answered
    userId: str  # noqa: N815
    outcome: str
    active: bool = False


class Refused(Exception):
    """The pair cannot be bound; the text is the outcome."""


def adopt(pairs: Any, context: Any) -> dict[str, Any]:
    """Bind pairs `{"customerId", "userId"}` and give access; answers `{"results": [Result, …]}`.

    Raises:
        ValueError: that is no list of pairs.
    """
    observability.begin(None, function_request_id=context.aws_request_id)
    results = []
    for customer_id, user_id in [_pair(each) for each in _list(pairs)]:
        if context.get_remaining_time_in_millis() <= RESERVE_MS:
            result = Result(customer_id, user_id, "not_tried")
        else:
            result = _adopted(customer_id, user_id)
        results.append(result)
        logger.info("adoption", extra=asdict(result))
    return {"results": [asdict(result) for result in results]}


def _adopted(customer_id: str, user_id: str) -> Result:
    try:
        _bind(customer_id, user_id)
    except Refused as refusal:
        return Result(customer_id, user_id, str(refusal))
    except (AppError, TimeoutError) as error:
        code = getattr(error, "code", "billing_busy")
        return Result(customer_id, user_id, code)
    stored = Entitlement.from_item(user_id, table().get(entitlements.key(user_id)))
    active = stored is not None and stored.is_active(clock.now())
    return Result(customer_id, user_id, "bound", active)


def _bind(customer_id: str, user_id: str) -> None:
    item = table().get(accounts.key(user_id))
    if item is None or user_id == NOBODY:
        raise Refused("unknown_user")
    user = User.from_item(user_id, item)
    if store.bound_user(customer_id) not in (None, user_id):
        raise Refused("customer_taken")
    if customers.bound(user) not in (None, customer_id):
        raise Refused("user_has_another_customer")
    live = _live(customer_id)
    try:
        accounts.refuse_barred(item)
        customers.bind(user, customer_id)
    except Forbidden as error:
        raise Refused("account_disabled") from error
    except Conflict as error:
        raise Refused("customer_taken") from error
    subscriptions = [each.id for each in live]
    stripe_api.api().stamp(customer_id, subscriptions, customers.stamp(user_id))
    sync(customer_id)


def _live(customer_id: str) -> Sequence[Subscription]:
    """The customer's subscriptions that run and are ours; raises Refused without any."""
    environment = settings().app_env
    stamp = stripe_api.api().customer_metadata(customer_id)
    if stamp is None:
        raise Refused("unknown_customer")
    if not is_for(stamp, environment):
        raise Refused("foreign_customer")
    found = stripe_api.api().subscriptions(customer_id)
    live = [each for each in found if each.is_ours(environment) and each.status in LIVE_STATUSES]
    if not live:
        raise Refused("no_live_subscription")
    return live


def _list(pairs: Any) -> list[Any]:
    if not isinstance(pairs, list):
        raise ValueError("adopt takes a list of pairs")
    return pairs


def _pair(pair: Any) -> tuple[str, str]:
    customer_id, user_id = (
        (pair.get("customerId"), pair.get("userId")) if isinstance(pair, dict) else (None, None)
    )
    for value in (customer_id, user_id):
        if not isinstance(value, str) or not 0 < len(value) <= MAX_ID_CHARACTERS:
            raise ValueError('a pair is {"customerId", "userId"}')
    return str(customer_id), str(user_id)

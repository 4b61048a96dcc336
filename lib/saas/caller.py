"""The signed-in caller of a request, and the order in which a request is checked.

1. type, size and nesting of the raw body (`saas.bodies`),
2. the credential (401),
3. the account: not blocked, not deleted (403 `account_disabled`),
4. the site a cookie came from, and whom the request claims to speak for (403),
5. the body's schema (400), then the domain's own rules: subscription (403), limits (429), work.

Cheap checks come before dear ones, and nobody who fails one learns anything from the next.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from saas import accounts, auth
from saas.accounts import Account
from saas.auth import Event, Identity
from saas.observability import logger


@dataclass(frozen=True)
class Caller:
    """Who is calling, verified and allowed, with the account as the table had it."""

    identity: Identity
    account: Account

    @property
    def user_id(self) -> str:
        """The person: the credential's `sub`."""
        return self.identity.user_id

    @property
    def account_id(self) -> str:
        """Whose plan, quota and data it is; today each person is an account of their own."""
        return self.identity.user_id


def admit(event: Event, body: Callable[[], Any]) -> Caller:
    """Steps 2 to 4 for an HTTP API event; one DynamoDB request.

    Args:
        body: reads the JSON object of the request's body, and is asked after step 3.

    Raises:
        NotAuthenticated, Unavailable: see `auth.identify`.
        Forbidden: see `accounts.load`, `auth.refuse_foreign_site`, `auth.refuse_foreign_claims`.
        BadRequest: the body is not JSON.
    """
    identity = auth.identify(event)
    logger.append_keys(user_id=identity.user_id)
    account = accounts.load(identity.user_id)
    auth.refuse_foreign_site(event, identity)
    auth.refuse_foreign_claims(event, body(), identity)
    return Caller(identity, account)

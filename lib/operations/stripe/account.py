"""A Stripe account as commands see it: plain dicts, every page, each failure as a sentence."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from operations.environments import PRODUCTION
from operations.errors import OperationError
from saas.stripe_contract import API_VERSION

Raw = dict[str, Any]
LIVE, TEST = ("sk_live_", "rk_live_"), ("sk_test_", "rk_test_")
API_BASE = "https://api.stripe.com"
RETRIES = 3


class StripeAccount:
    """Requests to the account of a secret key. Every method may raise OperationError."""

    def __init__(self, key: str, base: str = API_BASE) -> None:
        import stripe

        self.livemode = key.startswith(LIVE)
        client: Any = stripe.StripeClient(
            key,
            stripe_version=API_VERSION,
            base_addresses={"api": base},
            max_network_retries=RETRIES,
        )
        self._send = client.raw_request

    @property
    def mode(self) -> str:
        return "live mode" if self.livemode else "test mode"

    def describe(self) -> str:
        """The account in a few words; a restricted key may not be told more than its mode."""
        import stripe

        try:
            found = self._send("get", "/v1/account").data
        except stripe.PermissionError:
            return self.mode
        except stripe.StripeError as error:
            raise _refused("look at the account", error) from error
        dashboard = (found.get("settings") or {}).get("dashboard") or {}
        return f"{found['id']} ({dashboard.get('display_name') or 'without a name'}), {self.mode}"

    def get(self, path: str, **params: Any) -> Raw:
        """One object."""
        with _translated(f"read {path}"):
            found: Raw = self._send("get", path, **params).data
        return found

    def all(self, path: str, **params: Any) -> Iterator[Raw]:
        """Every object of a list, newest first, page by page."""
        after: Raw = {}
        while True:
            page = self.get(path, **params, **after, limit=100)
            yield from page["data"]
            if not page["has_more"]:
                return
            after = {"starting_after": page["data"][-1]["id"]}

    def post(self, path: str, **params: Any) -> Raw:
        """Create or change something; a request that is lost on the way is repeated safely."""
        with _translated(f"change {path}"):
            made: Raw = self._send("post", path, **params).data
        return made

    def create(self, path: str, **params: Any) -> Raw:
        """Create something once, however often and by whomever this is asked within a day.

        The idempotency key stands for the parameters, so that a run that was killed, or another
        one beside it, gets what the first one made ("Idempotent requests").
        """
        asked = json.dumps([path, params], sort_keys=True)
        key = f"setup:{hashlib.sha256(asked.encode()).hexdigest()[:40]}"
        return self.post(path, **params, idempotency_key=key)


def check_mode(key: str, environment: str, *, allow_test_mode: bool = False) -> None:
    """Refuse a key that would mix real money with an environment that is not for it.

    Args:
        allow_test_mode: let production run in test mode, before it opens.

    Raises:
        OperationError: the key is not a secret key, or of the wrong mode.
    """
    if not key.startswith((*LIVE, *TEST)):
        raise OperationError(
            "This is not a secret key of Stripe's: those begin with sk_test_, sk_live_, rk_test_ "
            "or rk_live_. See https://dashboard.stripe.com/apikeys"
        )
    live = key.startswith(LIVE)
    if live and environment != PRODUCTION:
        raise OperationError(
            f"This is a live key, and {environment} must never charge anybody. Take the key of the "
            "account's test mode or of a sandbox: it begins with sk_test_ or rk_test_."
        )
    if not live and environment == PRODUCTION and not allow_test_mode:
        raise OperationError(
            f"This is a test key, and {environment} could not take money with it. Take the live "
            "key, or, as long as nobody shall pay, say so: ALLOW_TEST_MODE=1"
        )


@contextmanager
def _translated(purpose: str) -> Iterator[None]:
    import stripe

    try:
        yield
    except stripe.StripeError as error:
        raise _refused(purpose, error) from error


def _refused(purpose: str, error: Exception) -> OperationError:
    import stripe

    match error:
        case stripe.AuthenticationError():
            reason = "Stripe does not accept the secret key. It may have been rolled or deleted."
        case stripe.PermissionError():
            reason = (
                f"the restricted key lacks a right: {error}. Give it that right at Stripe, or take "
                "a key that has it for this command alone: STRIPE_SECRET_KEY=…"
            )
        case stripe.APIConnectionError():
            reason = "Stripe did not answer. Check the network, and https://status.stripe.com"
        case _:
            reason = str(error)
    return OperationError(f"Could not {purpose}: {reason}")

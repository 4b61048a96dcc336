"""The only door to Stripe: pinned version, short timeouts, our own shapes and errors.

`stripe` is imported when first used, so that routes which never need it do not pay for it.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from billing import stripe_objects
from billing.stripe_errors import (
    InvalidSignature,
    KeyReused,
    StripeMissing,
    StripeRefused,
    StripeUnavailable,
)
from billing.stripe_objects import CheckoutSession, Event, Raw, Subscription
from saas import json_text
from saas.observability import logger
from saas.secrets import secret
from saas.settings import settings
from saas.stripe_contract import API_VERSION, PORTAL_PATH, is_stamped

if TYPE_CHECKING:
    from stripe import StripeError

READ_SECONDS = 5
RETRIES = 2
CACHE_SECONDS = 300
SIGNATURE_TOLERANCE_SECONDS = 300


class StripeApi:
    """What billing asks of Stripe. Every method may raise StripeUnavailable or StripeRefused."""

    def __init__(self, key: str, base: str) -> None:
        import stripe

        from billing.stripe_http import StripeHttp

        self.livemode = key.startswith(("sk_live_", "rk_live_"))
        self._prices: dict[str, tuple[float, str]] = {}
        self._portals: dict[str, tuple[float, str]] = {}
        client: Any = stripe.StripeClient(
            key,
            stripe_version=API_VERSION,
            base_addresses={"api": base},
            max_network_retries=RETRIES,
            http_client=StripeHttp(base, seconds=READ_SECONDS),
        )
        self._v1 = client.v1
        self._raw_request = client.raw_request

    def price_id(self, lookup_key: str) -> str:
        """The active price that now has the lookup key; kept in memory for minutes.

        Raises:
            StripeMissing: no active price has it: the catalogue at Stripe is not set up.
        """
        if cached := _fresh(self._prices.get(lookup_key)):
            return cached
        with _translated("prices.list"):
            found = self._v1.prices.list({"lookup_keys": [lookup_key], "active": True}).data
        if not found:
            logger.error("no active Stripe price", extra={"lookup_key": lookup_key})
            raise StripeMissing("lookup_keys")
        self._prices[lookup_key] = (time.monotonic(), found[0].id)
        return str(found[0].id)

    def create_customer(self, metadata: dict[str, str], idempotency_key: str) -> tuple[str, bool]:
        """A new customer's id, and whether Stripe only repeated an earlier answer."""
        with _translated("customers.create"):
            options = {"idempotency_key": idempotency_key}
            created = self._v1.customers.create({"metadata": metadata}, options)
        return str(created.id), _replayed(created)

    def describe_customer(self, customer_id: str, email: str, name: str) -> None:
        """Tell Stripe whom receipts go to; empty values are left as they are."""
        known = {"email": email, "name": name[:256]}
        with _translated("customers.update"):
            self._v1.customers.update(customer_id, {k: v for k, v in known.items() if v})

    def customer_metadata(self, customer_id: str) -> dict[str, str] | None:
        """What is written on a customer; None when Stripe has none of that id, or deleted it."""
        try:
            with _translated("customers.retrieve"):
                found = self._v1.customers.retrieve(customer_id)
        except StripeMissing:
            return None
        if getattr(found, "deleted", False):
            return None
        return dict(found.to_dict().get("metadata") or {})

    def stamp(self, customer_id: str, subscriptions: Sequence[str], stamp: dict[str, str]) -> None:
        """Write our names into the metadata of a customer and of subscriptions."""
        with _translated("customers.update"):
            self._v1.customers.update(customer_id, {"metadata": stamp})
        for each in subscriptions:
            with _translated("subscriptions.update"):
                self._v1.subscriptions.update(each, {"metadata": stamp})

    def subscriptions(self, customer_id: str) -> list[Subscription]:
        """All subscriptions of a customer, ended ones included; none for a deleted customer."""
        try:
            found = list(self._all("/v1/subscriptions", {"customer": customer_id, "status": "all"}))
        except StripeMissing:
            return []
        return [stripe_objects.subscription(each) for each in found]

    def subscribed_customers(self, after: str) -> tuple[list[str], str]:
        """The customers of 100 subscriptions, and the id to go on after (empty at the end)."""
        page = self._page("/v1/subscriptions", {"status": "all"}, after)
        found = [stripe_objects.subscription(each) for each in page["data"]]
        return [each.customer_id for each in found], found[-1].id if page["has_more"] else ""

    def create_session(self, params: dict[str, Any], idempotency_key: str) -> CheckoutSession:
        """A new Checkout Session."""
        with _translated("checkout.sessions.create"):
            options = {"idempotency_key": idempotency_key}
            made = self._v1.checkout.sessions.create(params, options)
        return stripe_objects.checkout_session(made.to_dict(), replayed=_replayed(made))

    def session(self, session_id: str) -> CheckoutSession | None:
        """A session as it is now; None when Stripe does not know it."""
        try:
            with _translated("checkout.sessions.retrieve"):
                found = self._v1.checkout.sessions.retrieve(session_id)
        except StripeMissing:
            return None
        return stripe_objects.checkout_session(found.to_dict())

    def open_sessions(self, customer_id: str) -> list[str]:
        """Ids of the customer's Checkout Sessions that could still be paid."""
        params = {"customer": customer_id, "status": "open"}
        try:
            return [str(each["id"]) for each in self._all("/v1/checkout/sessions", params)]
        except StripeMissing:
            return []

    def expire_session(self, session_id: str) -> None:
        """Make a session unpayable; one that is not open any more stays as it is."""
        try:
            with _translated("checkout.sessions.expire"):
                self._v1.checkout.sessions.expire(session_id)
        except StripeRefused:
            logger.info("session was not open", extra={"session_id": session_id})

    def portal_url(self, customer_id: str, return_url: str, environment: str) -> str:
        """A short-lived link to the customer's billing portal, as set up for the environment.

        Where nobody ran `make stripe-setup` it is the account's default portal.
        """
        params = {"customer": customer_id, "return_url": return_url}
        if configuration := self._portal(environment):
            params["configuration"] = configuration
        with _translated("billing_portal.sessions.create"):
            return str(self._v1.billing_portal.sessions.create(params).url)

    def _portal(self, environment: str) -> str:
        """The environment's active portal configuration, kept in memory for minutes; or empty."""
        if cached := _fresh(self._portals.get(environment)):
            return cached
        for each in self._all(PORTAL_PATH, {"active": "true"}):
            if is_stamped(each.get("metadata") or {}, environment):
                self._portals[environment] = (time.monotonic(), str(each["id"]))
                return str(each["id"])
        return ""

    def events(self, types: Sequence[str], since: int) -> Iterator[Event]:
        """Events of these types created at or after `since` (epoch seconds), newest first."""
        params = {"types": list(types), "created": {"gte": since}}
        return map(stripe_objects.event, self._all("/v1/events", params))

    def _all(self, path: str, params: dict[str, Any]) -> Iterator[Raw]:
        """Every object of a list, page by page, as plain dicts.

        Turning them into the SDK's objects first, and back, takes longer than the rest of a call.
        """
        after = ""
        while True:
            page = self._page(path, params, after)
            yield from page["data"]
            if not page["has_more"]:
                return
            after = page["data"][-1]["id"]

    def _page(self, path: str, params: dict[str, Any], after: str) -> Raw:
        """100 objects of a list: those that follow the id `after`, if it is given."""
        more = {"starting_after": after} if after else {}
        with _translated(f"GET {path}"):
            page: Raw = self._raw_request("get", path, **params, limit=100, **more).data
        return page


def api() -> StripeApi:
    """The client for the present secret key; a rotated key makes a new one."""
    config = settings()
    key = secret(config.require("stripe_secret_name")).get_secret_value()
    return _for_key(key, config.stripe_api_base)


@lru_cache(maxsize=2)
def _for_key(key: str, base: str) -> StripeApi:
    return StripeApi(key, base)


def verified(payload: bytes, signature: str, secrets: Iterable[str]) -> dict[str, Any]:
    """The JSON object of a webhook whose signature holds for one of the secrets.

    Args:
        payload: the body exactly as sent.
        signature: the `Stripe-Signature` header.
        secrets: endpoint secrets valid at present.

    Raises:
        InvalidSignature: it does not hold, or is older than five minutes.
        ValueError: Stripe signed it, and it is no JSON object.
    """
    from stripe import SignatureVerificationError, WebhookSignature

    try:
        text = payload.decode("utf-8")
        signature.encode("ascii")
    except UnicodeError as error:
        raise InvalidSignature from error
    for value in secrets:
        try:
            WebhookSignature.verify_header(text, signature, value, SIGNATURE_TOLERANCE_SECONDS)
        except SignatureVerificationError:
            continue
        content = json_text.read(text)
        if not isinstance(content, dict):
            raise ValueError("not an object")
        return content
    raise InvalidSignature


def _fresh(cached: tuple[float, str] | None) -> str:
    """What was remembered, unless that is too long ago."""
    return cached[1] if cached and time.monotonic() - cached[0] < CACHE_SECONDS else ""


def _replayed(made: Any) -> bool:
    headers = made.last_response.headers if made.last_response else {}
    return str(headers.get("Idempotent-Replayed", "")).lower() == "true"


@contextmanager
def _translated(operation: str) -> Iterator[None]:
    """Stripe's errors as ours. Its texts stay out of answers and logs: they may name people."""
    from stripe import StripeError

    try:
        yield
    except StripeError as error:
        logger.warning(
            "Stripe failed",
            extra={
                "operation": operation,
                "stripe_request_id": error.request_id,
                "stripe_status": error.http_status,
                "stripe_code": error.code,
                "stripe_error": type(error).__name__,
            },
        )
        raise _ours(error) from error


def _ours(error: "StripeError") -> StripeUnavailable | StripeRefused:
    import stripe

    param = str(getattr(error, "param", None) or "")
    match error:
        case stripe.APIConnectionError() | stripe.RateLimitError():
            return StripeUnavailable(settled=False)
        case stripe.APIError():
            return StripeUnavailable(settled=error.http_status != 409)
        case stripe.IdempotencyError():
            return KeyReused(param)
    missing = error.code == "resource_missing" or error.http_status == 404
    return StripeMissing(param) if missing else StripeRefused(param)

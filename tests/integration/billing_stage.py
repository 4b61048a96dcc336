"""The billing functions between local AWS and a real local Stripe, both connections watched."""

import asyncio
import functools
import json
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import stripe
from aiohttp import web

from billing import handler, store, stripe_api, stripe_http
from billing.stripe_http import StripeHttp
from localcloud.stripe.account import Account
from localcloud.stripe.app_keys import ACCOUNT
from localcloud.stripe.server import create_app
from saas import accounts, clock, entitlements
from saas.auth import Identity
from saas.aws_http import DYNAMODB
from saas.caller import Caller
from saas.entitlements import Entitlement
from saas.table import Item, table
from tests.credentials import V4_COOKIE, claims, v4_token
from tests.factories import LambdaContext, body_of, http_event
from tests.integration import domain_environment
from tests.integration.aws_fixtures import LocalAws

STARTER, PROFESSIONAL = "price_starter_monthly", "price_professional_monthly"
CARD = "4242424242424242"
# Called with method and path of each request to Stripe; `before` may answer in its place.
Before = Callable[[str, str], tuple[bytes, int, dict[str, str]] | None]
After = Callable[[str, str], None]


@functools.cache
def local_stripe(aws_stage: LocalAws) -> Account:
    """The one local Stripe of this test run, in a thread, on the stack's port."""
    started: list[Account] = []
    ready = threading.Event()

    async def serve() -> None:
        app = create_app(aws_stage.config)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", aws_stage.config.stripe_port).start()
        started.append(app[ACCOUNT])
        ready.set()
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
    assert ready.wait(10)
    return started[0]


class Stage:
    """One test's view: a user, what was asked of Stripe and DynamoDB, and levers on both."""

    def __init__(self, local: LocalAws, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self.aws = local
        self.account = account
        self.user_id = f"user-{uuid.uuid4().hex}"
        self.email = "ada@example.com"
        self.stripe_requests: list[tuple[str, str]] = []
        self.dynamodb_requests: list[str] = []
        self.before: Before | None = None
        self.after: After | None = None
        self.stripe: Any = stripe.StripeClient(
            local.config.stripe_secret_key,
            stripe_version=stripe_api.API_VERSION,
            base_addresses={"api": local.config.stripe_url},
        ).v1

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user_id: str | None = None,
        query: str = "",
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON body of an API call by the user."""
        session = claims(user_id or self.user_id, email=self.email)
        token = v4_token(session, secret=self.aws.config.nextauth_secret)
        origin = {} if method == "GET" else {"origin": self.aws.config.site_url}
        event = http_event(
            method,
            path,
            body=body,
            query=query,
            headers=origin,
            cookies=[f"{V4_COOKIE}={token}"],
        )
        answer = handler.api(event, LambdaContext())
        return answer["statusCode"], body_of(answer)

    def checkout(self, price: str = STARTER) -> tuple[int, dict[str, Any]]:
        return self.call("POST", "/stripe/checkout", {"priceId": price})

    def session_id(self, price: str = STARTER) -> str:
        status, body = self.checkout(price)
        assert status == 200, body
        return str(body["data"]["sessionId"])

    def status(self) -> dict[str, Any]:
        status, body = self.call("GET", "/subscription/status")
        assert status == 200, body
        return dict(body["data"])

    def pay(self, session_id: str, card: str = CARD) -> str:
        """Pay as the page would: `complete`, `declined` or `requires_action`."""
        body = json.dumps({"sessionId": session_id, "card": card}).encode()
        with urllib.request.urlopen(f"{self.aws.config.stripe_url}/_local/pay", body) as answer:
            return str(json.load(answer)["status"])

    def reset_stripe(self) -> None:
        """Forget every object at Stripe and seed the catalogue again."""
        url = f"{self.aws.config.stripe_url}/_local/reset"
        with urllib.request.urlopen(url, b"") as answer:
            assert json.load(answer) == {"status": "ok"}
        stripe_api._for_key.cache_clear()

    def buy(self, price: str = STARTER) -> str:
        """Checkout, payment and sync; returns the subscription's id."""
        assert self.pay(self.session_id(price)) == "complete"
        assert self.status()["hasActiveSubscription"] is True
        return str(self.status()["subscription"]["stripeSubscriptionId"])

    def open_sessions(self) -> list[str]:
        found = self.stripe.checkout.sessions.list({"customer": self.customer_id, "status": "open"})
        return [each.id for each in found.data]

    @property
    def customer_id(self) -> str:
        return str(self.user_item["stripeCustomerId"])

    @property
    def user_item(self) -> Item:
        return table().get(accounts.key(self.user_id)) or {}

    @property
    def entitlement(self) -> Entitlement | None:
        return Entitlement.from_item(self.user_id, table().get(entitlements.key(self.user_id)))

    def events(self, *types: str) -> list[dict[str, Any]]:
        """This user's events at Stripe, oldest first, as a webhook would carry them."""
        with urllib.request.urlopen(f"{self.aws.config.stripe_url}/_local/events") as answer:
            raw = [{**each, "deliveries": None} for each in json.load(answer)]
        customer = self.customer_id
        mine = [each for each in raw if _customer(each) == customer]
        return [each for each in reversed(mine) if not types or each["type"] in types]

    def deliver(self, event: Any, *, secret: str | None = None, at: int | None = None) -> int:
        """Status of the webhook's answer to a signed delivery."""
        payload = event if isinstance(event, str) else json.dumps(event)
        return self.deliver_signed(payload, signed(payload, secret or self.secret, at))

    def deliver_signed(self, payload: str, signature: str | None, **changes: Any) -> int:
        headers = {"origin": "", "stripe-signature": signature or ""}
        event = http_event("POST", "/stripe/webhook", body=payload, headers=headers) | changes
        answer = handler.webhook(event, LambdaContext())
        self.answer = body_of(answer)
        return int(answer["statusCode"])

    @property
    def secret(self) -> str:
        return self.aws.config.webhook_secret

    def recorded(self, event: dict[str, Any]) -> str | None:
        item = table().get(store.event_key(event["id"]))
        return item["outcome"] if item else None

    def move_clock(self, seconds: float) -> None:
        """Let the functions live that much later; Stripe's clock stays."""
        self._monkeypatch.setattr(
            clock, "now", lambda: datetime.now(UTC) + timedelta(seconds=seconds)
        )

    def caller(self, user_id: str | None = None) -> Caller:
        """The caller of service functions; Powertools' apps serve one event at a time."""
        identity = self.identity(user_id)
        return Caller(identity, accounts.load(identity.user_id))

    def identity(self, user_id: str | None = None) -> Identity:
        """Who is calling, without the account."""
        return Identity(user_id or self.user_id, "ada@example.com", "Ada", "cookie")

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Forget what was asked before."""
        self.stripe_requests.clear()
        self.dynamodb_requests.clear()
        yield


def signed(payload: str, secret: str, at: int | None = None) -> str:
    """A `Stripe-Signature` header as Stripe makes it."""
    header: str = stripe.WebhookSignature.generate_signature_header(
        payload, secret, timestamp=at or int(time.time())
    )
    return header


def _customer(event: dict[str, Any]) -> str | None:
    subject = event["data"]["object"]
    return subject["id"] if subject["object"] == "customer" else subject.get("customer")


def failing(status: int, **error: str) -> tuple[bytes, int, dict[str, str]]:
    """An error answer of Stripe's."""
    body = {"error": {"type": "api_error", "message": "the secret text of Stripe", **error}}
    return json.dumps(body).encode(), status, {"Request-Id": "req_failing"}


class Watched(StripeHttp):
    """Our HTTP client of the SDK, which tells a stage of every request."""

    stage: Stage

    def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
        path = urlsplit(url).path
        self.stage.stripe_requests.append((method.upper(), path))
        instead = self.stage.before and self.stage.before(method.upper(), path)
        if instead:
            return instead
        answer = super().request(method, url, headers, post_data)
        if self.stage.after:
            self.stage.after(method.upper(), path)
        return answer


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, aws: LocalAws) -> Iterator[Stage]:
    account = local_stripe(aws)
    made = Stage(aws, account, monkeypatch)
    domain_environment.enter(monkeypatch, aws)
    monkeypatch.setattr(Watched, "stage", made, raising=False)
    monkeypatch.setattr(stripe_http, "StripeHttp", Watched)
    monkeypatch.setattr(stripe._http_client.HTTPClient, "MAX_DELAY", 0.02)
    monkeypatch.setattr(stripe._http_client.HTTPClient, "INITIAL_DELAY", 0.01)
    stripe_api._for_key.cache_clear()
    with domain_environment.requests_to(DYNAMODB) as made.dynamodb_requests:
        yield made
    account.clock.offset = 0
    stripe_api._for_key.cache_clear()
    domain_environment.forget()

"""A stage for tests of the ai domain: users with subscriptions, calls, and what is stored after."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ai import bedrock, handler, store
from saas import clock, plans
from saas.entitlements import Entitlement, to_item
from saas.table import Item, Put, table
from tests.credentials import V4_COOKIE, claims, v4_token
from tests.factories import LambdaContext, body_of, http_event
from tests.integration import domain_environment
from tests.integration.aws_fixtures import LocalAws
from tests.integration.bedrock_server import LocalBedrock, serving


@dataclass
class Caller:
    """A signed-in user."""

    local: LocalAws
    user_id: str = field(default_factory=lambda: f"user-{uuid.uuid4().hex}")

    def __post_init__(self) -> None:
        token = v4_token(claims(self.user_id), secret=self.local.config.nextauth_secret)
        self._cookies = [f"{V4_COOKIE}={token}"]

    def subscribe(self, plan: str = "starter", **changes: Any) -> Entitlement:
        """Give the user an active subscription, as billing's sync would write it."""
        begin = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
        values = {
            "user_id": self.user_id,
            "stripe_subscription_id": f"sub_{self.user_id}",
            "customer_id": f"cus_{self.user_id}",
            "stripe_status": "active",
            "plan_id": plan,
            "current_period_start": begin,
            "current_period_end": begin + timedelta(days=30),
            "cancel_at_period_end": False,
            "created_at": clock.iso(begin),
            "updated_at": clock.iso(begin),
            "applied_seq": 1,
        }
        entitlement = Entitlement(**{**values, **changes})
        table().write(Put(to_item(entitlement)))
        return entitlement

    def send(
        self, method: str, path: str, body: Any = None, *, query: str = "", **context: Any
    ) -> dict[str, Any]:
        """The function's raw answer."""
        event = http_event(method, path, body=body, query=query, cookies=self._cookies)
        return handler.api(event, LambdaContext(**context))

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        answer = self.send(method, path, body, **more)
        return answer["statusCode"], body_of(answer)

    def generate(
        self, prompt: Any = "How do tides work?", *, remaining_ms: int = 29_000, **body: Any
    ) -> tuple[int, Any]:
        asked = {"prompt": prompt, **body}
        return self.call("POST", "/ai/generate", asked, remaining_ms=remaining_ms)

    def usage(self) -> Any:
        status, body = self.call("GET", "/ai/usage")
        assert status == 200
        return body["data"]

    def stored(self, prefix: str) -> list[Item]:
        return table().query(store.partition(self.user_id), prefix=prefix, limit=500).items

    def period(self) -> Item:
        (item,) = self.stored("PERIOD#")
        return item

    def rows(self) -> list[Item]:
        return self.stored(store.CALLS)

    def open_calls(self) -> list[Item]:
        return self.stored(store.RESERVATIONS)

    def assert_ledger(self, calls: int) -> None:
        """No call is in flight, and every counter is exactly the sum of its rows."""
        assert self.open_calls() == []
        rows = self.rows()
        assert len(rows) == calls
        period = self.period()
        sums = {
            "callsUsed": len(rows),
            "tokensUsed": sum(row["inputTokens"] + row["outputTokens"] for row in rows),
            "costMicroUsd": sum(row["costMicroUsd"] for row in rows),
            "inputTokens": sum(row["inputTokens"] for row in rows),
            "outputTokens": sum(row["outputTokens"] for row in rows),
        }
        assert {name: period.get(name, 0) for name in sums} == sums
        assert "inFlight" not in period

    def expire(self) -> None:
        """Make every call in flight older than its lifetime."""
        past = clock.iso(clock.now() - timedelta(seconds=1))
        for item in self.open_calls():
            table().write(Put({**item, "expiresAt": past}))

    def fill(self, **counters: int) -> None:
        """Set counters of the present period."""
        table().write(Put({**self.period(), **counters}))


def limit_calls(monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
    """Let every plan have these limits, and run as many calls at once as a test makes."""
    limits = {"calls_in_flight": 1_000, **limits}
    real = plans.catalogue()
    small = replace(real, plans=tuple(replace(plan, **limits) for plan in real.plans))
    for module in ("saas.plans", "saas.entitlements", "ai.generate"):
        monkeypatch.setattr(f"{module}.catalogue", lambda: small)


@pytest.fixture(scope="module")
def provider() -> Iterator[LocalBedrock]:
    with serving() as running:
        yield running


@pytest.fixture
def caller(
    monkeypatch: pytest.MonkeyPatch, aws: LocalAws, provider: LocalBedrock
) -> Iterator[Caller]:
    """Somebody without a subscription, in the ai functions' environment, with local Bedrock."""
    provider.reset()
    domain_environment.enter(
        monkeypatch,
        aws,
        ALLOWED_ORIGINS="http://localhost:8000",
        AWS_ENDPOINT_URL_BEDROCK_RUNTIME=provider.url,
    )
    monkeypatch.setattr(bedrock, "FIRST_PAUSE", 0.01)
    yield Caller(aws)
    domain_environment.forget()

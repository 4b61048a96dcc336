"""A local Stripe without a socket, whose clock stands until moved; stripe-python drives it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import stripe

from localcloud.clock import Clock
from localcloud.stripe.account import Account
from localcloud.stripe.api import Request, answer
from localcloud.stripe.errors import StripeError as Refusal
from tests.integration.stripe_fixtures import BASIL, DAY, config_for

BEGIN = 2_051_222_400  # 2035-01-01T00:00:00Z
TIERS = [{"up_to": 10, "unit_amount": 7}, {"up_to": "inf", "unit_amount_decimal": "1.5"}]
PACKAGE = {"divide_by": 3, "round": "up"}
PRICES: dict[str, dict[str, Any]] = {
    "starter": {"unit_amount": 2900},
    "team": {"unit_amount": 999},
    "free": {"unit_amount": 0},
    "fractions": {"unit_amount_decimal": "33.3333"},
    "tiers": {"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": TIERS, "usage": True},
    "packages": {"unit_amount": 500, "transform_quantity": PACKAGE},
    "used": {"unit_amount_decimal": "0.35", "usage": True},
    "yearly": {"unit_amount": 99000, "interval": "year"},
    "weekly": {"unit_amount": 777, "interval": "week"},
    "quarterly": {"unit_amount": 7900, "interval": "month", "interval_count": 3},
}
"""What is sold, by the month unless it says otherwise; all in dollars."""
METERED = tuple(name for name in PRICES if PRICES[name].get("usage"))


class StillClock(Clock):
    """A clock that moves by hand only, so that one seed is one history."""

    moment = BEGIN

    def now(self) -> int:
        return self.moment


class InProcess(stripe.HTTPClient):
    """Hands requests to the server's own `answer` and writes down those that change something."""

    name = "in_process"

    def __init__(self, account: Account) -> None:
        super().__init__()
        self.account = account
        self.log: list[str] = []

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any
    ) -> tuple[str, int, dict[str, str]]:
        parts = urlsplit(url)
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        body = (post_data or "").encode()
        call = Request(method.upper(), parts.path, parts.query, lower, body)
        if call.method != "GET":
            now = (self.account.clock.now() - BEGIN) / DAY
            self.log.append(f"day {now:.4f} {call.method} {call.path} {parts.query}{post_data}")
        made = self.account_answers(lambda: answer(self.account, call))
        if made.status != 200:
            self.log.append(f"  -> {made.status} {json.loads(made.body)['error']['message'][:90]}")
        assert made.status in (200, 400, 402, 404, 409, 501), (made.status, made.body)
        return made.body, made.status, made.headers

    def account_answers(self, ask: Callable[[], Any]) -> Any:
        """What the server answers; what breaks in it, a 500 over a socket, breaks the test."""
        try:
            return ask()
        except Refusal:
            raise
        except Exception as broken:
            raise AssertionError("the server would have answered 500") from broken

    def close(self) -> None:
        pass


class LivesAccount:
    """The account, its client, and what it sells: `prices` by the names of `PRICES`."""

    def __init__(self, folder: Path) -> None:
        self.server = Account(config_for(folder))
        self.clock = StillClock(folder / "still")
        self.server.clock = self.clock
        self.http = InProcess(self.server)
        self.client = stripe.StripeClient(
            self.server.secret_key,
            stripe_version=BASIL,
            base_addresses={"api": "http://127.0.0.1:1"},
            http_client=self.http,
            max_network_retries=0,
        )
        self.prices: dict[str, str] = {}
        self._sell()

    def _sell(self) -> None:
        one = self.client.v1
        meter = one.billing.meters.create(
            {
                "display_name": "Uses",
                "event_name": "uses",
                "default_aggregation": {"formula": "sum"},
            }
        )
        for name, fixed in PRICES.items():
            terms = {**fixed}
            recurring = {"interval": terms.pop("interval", "month")}
            recurring["interval_count"] = terms.pop("interval_count", 1)
            if terms.pop("usage", False):
                recurring.update(usage_type="metered", meter=meter.id)
            product = {"name": name.title()}
            params: Any = {**terms, "currency": "usd", "recurring": recurring}
            self.prices[name] = one.prices.create({**params, "product_data": product}).id

    def dump(self) -> list[tuple[str, ...]]:
        """All objects as they are stored."""
        rows = self.server.store.db.execute("SELECT id, due, body FROM objects ORDER BY seq")
        return [tuple(row) for row in rows]

    def everything(self, path: str) -> list[dict[str, Any]]:
        """All pages of a list as plain JSON, oldest first."""
        found: list[dict[str, Any]] = []
        more, sign = True, "&" if "?" in path else "?"
        while more:
            after = f"&starting_after={found[-1]['id']}" if found else ""
            page = self.json(f"{path}{sign}limit=100{after}")
            found += page["data"]
            more = page["has_more"]
        return found[::-1]

    def json(self, path: str) -> Any:
        url = f"http://127.0.0.1:1/v1/{path}"
        head = {"authorization": f"Bearer {self.server.secret_key}", "stripe-version": BASIL}
        text, status, _ = self.http.request("GET", url, head)
        assert status == 200, (path, text)
        return json.loads(text)

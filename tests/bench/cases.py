"""What is measured: one call of each kind that people wait for, checked to have really worked."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.bench import world
from tests.factories import http_event

Event = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A call of `function` (a name of `images/functions.json`).

    `event` makes a fresh event; `worked` tells whether the JSON body is that of the real thing.
    `ceiling` and `loose_ceiling` bound the CPU of a cold start, as a multiple of the floor's: what
    is promised, and what a few noisy starts may show.
    """

    name: str
    function: str
    event: Callable[[], Event]
    worked: Callable[[Any], bool]
    about: str
    ceiling: float
    loose_ceiling: float


def _call(method: str, path: str, body: Any = None) -> Callable[[], Event]:
    """An event of a signed-in browser."""
    cookies = [world.cookie()]
    headers = {"origin": world.SITE} if method != "GET" else {}
    return lambda: http_event(method, path, body=body, headers=headers, cookies=cookies)


def _delivery(kind: str) -> Callable[[], Event]:
    """An event with Stripe's signature, a new one each time."""

    def made() -> Event:
        payload = json.dumps(world.stripe_event(kind))
        headers = {"stripe-signature": world.stripe_signature(payload)}
        return http_event("POST", "/stripe/webhook", body=payload, headers=headers)

    return made


CASES = (
    Case(
        name="GET /subscription/status",
        function="billing-api",
        event=_call("GET", "/subscription/status"),
        worked=lambda body: body["data"]["hasActiveSubscription"] is True,
        about="a settled subscriber",
        ceiling=11,
        loose_ceiling=16,
    ),
    Case(
        name="POST /auth/session",
        function="users-api",
        event=_call("POST", "/auth/session", {"action": "getUser", "userId": world.USER}),
        worked=lambda body: body["data"]["email"] == world.EMAIL,
        about="`getUser`",
        ceiling=11,
        loose_ceiling=16,
    ),
    Case(
        name="POST /ai/generate",
        function="ai-api",
        event=_call("POST", "/ai/generate", {"prompt": "Say something.", "maxTokens": 300}),
        worked=lambda body: body["data"]["tokens"] == 132,
        about="reserve, ask, settle",
        ceiling=14,
        loose_ceiling=20,
    ),
    Case(
        name="POST /stripe/webhook",
        function="billing-webhook",
        event=_delivery("customer.subscription.updated"),
        worked=lambda body: body == {"received": True},
        about="an event that leads to a sync",
        ceiling=14,
        loose_ceiling=20,
    ),
    Case(
        name="POST /stripe/webhook (ignored)",
        function="billing-webhook",
        event=_delivery("customer.created"),
        worked=lambda body: body == {"received": True},
        about="an event of a kind that concerns nobody",
        ceiling=14,
        loose_ceiling=20,
    ),
    Case(
        name="POST /upload/url",
        function="ai-api",
        event=_call(
            "POST",
            "/upload/url",
            {"filename": "a.pdf", "contentType": "application/pdf", "size": 1000},
        ),
        worked=lambda body: "X-Amz-Signature" in body["data"]["uploadUrl"],
        about="the one route that needs the AWS SDK",
        ceiling=20,
        loose_ceiling=26,
    ),
)
FLOOR = Case(
    name="empty handler",
    function="floor",
    event=dict,
    worked=lambda body: body == {},
    about="the least that a Python function can do",
    ceiling=1,
    loose_ceiling=1,
)

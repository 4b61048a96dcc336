"""Faults of every part at once: Stripe's API, its webhooks, and DynamoDB."""

import itertools
from typing import Any

from tests.integration.billing_stage import Stage
from tests.integration.breaking import Breaker
from tests.integration.webhook_wire import local

STRIPE_FAULTS = (
    "throttle",
    "lock_timeout",
    "unavailable",
    "disconnect_before",
    "disconnect_after",
    "error_before",
    "error_after",
)
# What billing asks and the lives below do not.
ASKED = (
    "GET /v1/subscriptions",
    "GET /v1/events",
    "POST /v1/customers",
    "POST /v1/checkout/sessions*",
    "GET /v1/checkout/sessions*",
    "POST /v1/billing_portal/sessions",
)
AWS_FAULTS = ("throttle", "error_before", "error_after", "disconnect_before", "disconnect_after")
WEBHOOK_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "duplicate", "copies": 2},
    {"kind": "reorder", "seconds": 0.5},
    {"kind": "delay", "seconds": 0.3},
    {"kind": "drop"},
    {"kind": "corrupt_signature"},
    {"kind": "old_timestamp"},
    {"kind": "disconnect", "after": "half"},
    {"kind": "disconnect", "after": "all"},
)


def arm(stage: Stage, breaker: Breaker, seed: int) -> None:
    """Each kind of fault strikes now and then, until it is disarmed."""
    # Faults of one seed strike together.
    number = itertools.count(1000 * seed)
    of_stripe: list[dict[str, Any]] = [
        {"part": "stripe", "kind": kind, "on": call, "probability": 0.03}
        for kind in STRIPE_FAULTS
        for call in ASKED
    ]
    of_webhooks = [{"part": "webhooks", "probability": 0.1, **each} for each in WEBHOOK_FAULTS]
    for fault in (*of_stripe, *of_webhooks):
        local(stage, "/_local/faults", {**fault, "count": None, "seed": next(number)})
    for kind in AWS_FAULTS:
        breaker.arm(kind, "dynamodb:*", probability=0.04, count=None, seed=next(number))
    # Each write is repeated, but only so often.
    busy = {"probability": 0.5, "count": None, "seed": next(number)}
    breaker.arm("throttle", "dynamodb:TransactWriteItems", **busy)


def shaken(stage: Stage, breaker: Breaker) -> set[str]:
    """The parts that were struck."""
    armed = local(stage, "/_local/faults")["armed"] + breaker.shown()["armed"]
    return {each["part"] for each in armed if each["struck"]}

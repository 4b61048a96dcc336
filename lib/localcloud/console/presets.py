"""Faults as a person thinks of them: what the page of switches offers for each part."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """One fault, and the body that arms it."""

    title: str
    effect: str
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """What can fail.

    `unit` is what a fault strikes; `calls` says how these are called, with `examples` for `on`.
    """

    name: str
    unit: str
    calls: str
    examples: tuple[str, ...]
    presets: tuple[Preset, ...]


STRIPE = (
    Preset("Too many requests", "Stripe answers 429 and does nothing.", {"kind": "throttle"}),
    Preset("Busy object", "429, which SDKs repeat by themselves.", {"kind": "lock_timeout"}),
    Preset("Error, nothing done", "Stripe answers 500 for good.", {"kind": "error_before"}),
    Preset("Error, yet done", "Stripe writes, and answers 500.", {"kind": "error_after"}),
    Preset("Unavailable", "Stripe answers 503 and does nothing.", {"kind": "unavailable"}),
    Preset("Answer lost", "Stripe writes; the connection ends.", {"kind": "disconnect_after"}),
    Preset("Slow", "The request waits for 5 seconds.", {"kind": "latency", "seconds": 5}),
)
WEBHOOKS = (
    Preset("Twice", "The event is sent twice at once.", {"kind": "duplicate"}),
    Preset("Out of order", "The next event overtakes it.", {"kind": "reorder"}),
    Preset("Late", "It is sent 10 seconds later.", {"kind": "delay", "seconds": 10}),
    Preset("Lost", "It is never sent.", {"kind": "drop"}),
    Preset("Wrong signature", "Refused, and sent again.", {"kind": "corrupt_signature"}),
    Preset("Old timestamp", "Signed 10 minutes ago.", {"kind": "old_timestamp", "age": 600}),
    Preset("Broken connection", "It ends within the event.", {"kind": "disconnect"}),
)
BEDROCK = (
    Preset("Throttle", "The model says it has too many requests.", {"kind": "throttle"}),
    Preset("Server error", "Bedrock answers 500.", {"kind": "error"}),
    Preset(
        "Unavailable",
        "Bedrock answers 503.",
        {"kind": "error", "code": "ServiceUnavailableException"},
    ),
    Preset("Slow first byte", "It comes 5 seconds later.", {"kind": "slow", "seconds": 5}),
    Preset("No answer", "Nothing comes, for a minute.", {"kind": "timeout", "seconds": 60}),
    Preset("Broken connection", "It ends without an answer.", {"kind": "disconnect"}),
    Preset("Broken stream", "A stream fails in its middle.", {"kind": "stream_error"}),
)
TRANSACTIONS = "dynamodb:TransactWriteItems"
AWS = (
    Preset("Throttle DynamoDB", "Too many requests.", {"kind": "throttle", "on": "dynamodb:*"}),
    Preset(
        "Fail a transaction",
        "500, and nothing is written.",
        {"kind": "error_before", "on": TRANSACTIONS},
    ),
    Preset("Conflict", "Another transaction is at work.", {"kind": "conflict", "on": TRANSACTIONS}),
    Preset(
        "Lose an answer",
        "A transaction is written; nobody hears of it.",
        {"kind": "disconnect_after", "on": TRANSACTIONS},
    ),
    Preset("Slow down S3", "503 SlowDown.", {"kind": "throttle", "on": "s3:*"}),
    Preset("Fail secrets", "Parameter Store answers 500.", {"kind": "error_before", "on": "ssm:*"}),
    Preset(
        "Throttle sign-in",
        "Cognito: too many requests.",
        {"kind": "throttle", "on": "cognito-idp:*"},
    ),
    Preset("Slow", "Any call waits for 2 seconds.", {"kind": "latency", "seconds": 2}),
)
PARTS = {
    "stripe": Part(
        "Stripe",
        "call",
        "method and path",
        ("POST /v1/checkout/sessions", "GET /v1/subscriptions*", "POST /v1/*"),
        STRIPE,
    ),
    "webhooks": Part(
        "Webhooks",
        "event",
        "the event's type",
        ("checkout.session.completed", "customer.subscription.*", "invoice.*"),
        WEBHOOKS,
    ),
    "bedrock": Part(
        "Bedrock",
        "call",
        "operation and model",
        ("Converse *", "ConverseStream *", "InvokeModel *"),
        BEDROCK,
    ),
    "aws": Part(
        "AWS",
        "call",
        "service and operation",
        (TRANSACTIONS, "dynamodb:*", "s3:PutObject", "ssm:GetParameter", "cognito-idp:*"),
        AWS,
    ),
}

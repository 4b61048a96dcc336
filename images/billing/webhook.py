"""Stripe's events: checked, recorded once, and answered with 200 only when dealt with."""

import time

from billing import events, store, stripe_api, stripe_objects
from billing.stripe_errors import InvalidSignature
from billing.stripe_objects import Event
from saas import observability
from saas.errors import BadRequest
from saas.observability import logger
from saas.secrets import secret_list
from saas.settings import settings
from saas.stripe_contract import HANDLED_EVENTS


def receive(payload: bytes, signature: str) -> str:
    """Deal with one delivery; returns what became of it, for logs and tests.

    Raises:
        BadRequest: the signature does not hold (`invalid_signature`), or what was signed is no
            event (`invalid_event`).
        Exception: anything else failed: Stripe shall deliver again, nothing was recorded.
    """
    event = _event(payload, signature)
    if event is None or event.type not in HANDLED_EVENTS:
        return "ignored"
    started = time.monotonic()
    observability.count("WebhookReceived")
    try:
        outcome = _deal_with(event)
    except Exception:
        observability.count("WebhookFailed")
        logger.warning("event failed", extra={"event": event.id, "type": event.type})
        raise
    seconds = time.monotonic() - started
    logger.info(
        "event",
        extra={
            "event": event.id,
            "type": event.type,
            "outcome": outcome,
            "duration_ms": round(seconds * 1000),
        },
    )
    return outcome


def _deal_with(event: Event) -> str:
    if store.recorded([event.id]):
        return "duplicate"
    if events.is_foreign(event):
        store.record([event], "foreign")
        return "foreign"
    return events.settle(event.customer_id, [event])


def _event(payload: bytes, signature: str) -> Event | None:
    """The verified event; None for the other kinds of notification that Stripe may send."""
    name = settings().require("stripe_webhook_secret_name")
    secrets = [value.get_secret_value() for value in secret_list(name)]
    try:
        content = stripe_api.verified(payload, signature, secrets)
        return stripe_objects.event(content) if content.get("object") == "event" else None
    except InvalidSignature as error:
        raise BadRequest("The signature is not valid", code="invalid_signature") from error
    except ValueError as error:
        raise BadRequest("The body is not a Stripe event", code="invalid_event") from error

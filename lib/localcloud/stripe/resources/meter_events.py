"""Meter events: what a customer used, and taking that back.

Sources: https://docs.stripe.com/api/billing/meter-event, https://docs.stripe.com/api/billing/meter-event-adjustment
and "Record usage for billing with the API". What the v1 endpoint refuses it refuses at once, with
a 400 that has no `code`; `v1.billing.meter.error_report_triggered` is for the streams of API v2.
"""

import re
import uuid
from dataclasses import dataclass
from typing import Any

from localcloud.stripe import usage
from localcloud.stripe.errors import StripeError, invalid, missing_param, no_such, not_built
from localcloud.stripe.params import EXPAND, Enum, Hash, Integer, Text
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources import meters
from localcloud.stripe.store import Obj
from localcloud.stripe.versions import DAHLIA
from localcloud.stripe.work import Work

EVENT, ADJUSTMENT = "billing.meter_event", "billing.meter_event_adjustment"
OLDEST_DAYS = 35
NEWEST_SECONDS = 300
UNIQUE_SECONDS = CANCEL_SECONDS = 86400
MOST_DIGITS = 15


@dataclass(frozen=True)
class Payload:
    """A flat hash of strings."""

    def parse(self, raw: Any, at: str, version: str) -> dict[str, str]:
        if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
            raise invalid("Invalid object", at)
        return dict(raw)


def create(work: Work, params: Obj) -> Obj:
    """Record usage. `timestamp` is when it happened, by the account's clock."""
    meter = _meter(work, params["event_name"])
    identifier = params.get("identifier") or str(uuid.uuid4())
    if usage.received_since(work.store, identifier, work.now - UNIQUE_SECONDS):
        raise invalid(f"An event already exists with identifier {identifier}.")
    payload = params["payload"]
    report = usage.Report(
        meter=meter["id"],
        customer=_customer(work, meter, payload),
        at=_moment(work, params),
        value=_value(work, meter, payload),
        identifier=identifier,
        received=work.now,
    )
    usage.record(work.store, report)
    return {
        "object": EVENT,
        "created": work.now,
        "event_name": meter["event_name"],
        "identifier": identifier,
        "livemode": False,
        "payload": payload,
        "timestamp": report.at,
    }


def _meter(work: Work, event_name: str) -> Obj:
    meter = meters.active(work, event_name)
    if meter is None:
        raise invalid(f'No active meter found for event name "{event_name}".', "event_name")
    return meter


def _moment(work: Work, params: Obj) -> int:
    moment = int(params.get("timestamp", work.now))
    if moment < work.now - OLDEST_DAYS * 86400:
        raise invalid(f"Timestamp must be no more than {OLDEST_DAYS} days in the past.")
    if moment > work.now + NEWEST_SECONDS:
        minutes = NEWEST_SECONDS // 60
        raise invalid(f"Timestamp must be no more than {minutes} minutes in the future.")
    return moment


def _customer(work: Work, meter: Obj, payload: Obj) -> str:
    key = meter["customer_mapping"]["event_payload_key"]
    if not payload.get(key):
        raise invalid(f"Customer mapping key {key} not found in payload.", "payload")
    customer = work.find("customer", payload[key])
    if customer is None or customer.get("_deleted"):
        raise no_such("customer", payload[key], param=f"payload[{key}]", status=400)
    return str(customer["id"])


def _value(work: Work, meter: Obj, payload: Obj) -> int:
    """A whole number; a negative one takes back."""
    key = meter["value_settings"]["event_payload_key"]
    if key not in payload:
        raise invalid(f"Value key {key} not found in payload.", "payload")
    text = payload[key]
    if work.version[:10] >= DAHLIA and re.fullmatch(r"-?[0-9]+\.[0-9]+", text):
        raise not_built("usage values that are not whole")
    if not re.fullmatch(r"-?[0-9]+", text):
        raise invalid(
            f"The value of {key} in the event payload must be a whole number. Received {text}."[
                :300
            ],
            "payload",
        )
    if len(text.lstrip("-0")) > MOST_DIGITS:
        raise _too_long(work, text)
    return int(text)


def _too_long(work: Work, text: str) -> StripeError:
    """Refused from 2026-04-22.dahlia on; what it becomes before, Stripe does not say."""
    if work.version[:10] < "2026-04-22":
        return not_built("usage values of more than 15 digits")
    return invalid(
        f"The value in the event payload can have at most {MOST_DIGITS} digits. Received "
        f"{text[:100]}.",
        "payload",
    )


def adjust(work: Work, params: Obj) -> Obj:
    """Cancel an event that came within the last day. Stripe answers before it has done so."""
    identifier = params.get("cancel", {}).get("identifier")
    if not identifier:
        raise missing_param("cancel[identifier]")
    meter = _meter(work, params["event_name"])
    if not usage.cancel(work.store, meter["id"], identifier, work.now - CANCEL_SECONDS):
        raise invalid(
            f"No event with identifier {identifier} was received for {meter['event_name']} within "
            "the last 24 hours, or it is cancelled already.",
            "cancel[identifier]",
        )
    return {
        "object": ADJUSTMENT,
        "cancel": {"identifier": identifier},
        "event_name": meter["event_name"],
        "livemode": False,
        "status": "pending",
        "type": "cancel",
    }


RESOURCE = Resource(
    kind=EVENT,
    routes=(
        Route(
            "POST",
            "/v1/billing/meter_events",
            create,
            Hash(
                {
                    **EXPAND,
                    "event_name": Text(100),
                    "identifier": Text(100),
                    "payload": Payload(),
                    "timestamp": Integer(0),
                },
                required=("event_name", "payload"),
            ),
        ),
    ),
)
ADJUSTMENTS = Resource(
    kind=ADJUSTMENT,
    routes=(
        Route(
            "POST",
            "/v1/billing/meter_event_adjustments",
            adjust,
            Hash(
                {
                    **EXPAND,
                    "cancel": Hash({"identifier": Text(100)}),
                    "event_name": Text(100),
                    "type": Enum(("cancel",)),
                },
                required=("event_name", "type"),
            ),
        ),
    ),
)

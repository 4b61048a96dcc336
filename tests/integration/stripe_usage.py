"""Meters, what is reported to them, and subscriptions that are billed by it.

`april`'s clock stands at 1 April 2031, 01:00 UTC: periods last 30 days, whatever the day is.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stripe_fixtures import BASIL, DAY, HOUR, LocalStripe, config_for, running

APRIL = int(datetime(2031, 4, 1, tzinfo=UTC).timestamp())
MONTH = 30 * DAY


def new_meter(local: LocalStripe, event_name: str, formula: str = "sum", **more: Any) -> Any:
    params: Any = {
        "display_name": event_name.title(),
        "event_name": event_name,
        "default_aggregation": {"formula": formula},
        **more,
    }
    return local.client().v1.billing.meters.create(params)


def report(local: LocalStripe, meter: Any, customer: str, value: int | str, **more: Any) -> Any:
    client = local.client(more.pop("version", BASIL))
    payload = {
        meter.customer_mapping.event_payload_key: customer,
        meter.value_settings.event_payload_key: str(value),
    }
    params: Any = {"event_name": meter.event_name, "payload": payload, **more}
    return client.v1.billing.meter_events.create(params)


def new_customer(local: LocalStripe) -> str:
    return local.client().v1.customers.create().id


def now(local: LocalStripe) -> int:
    return int(local.account.clock.now())


def summaries(
    local: LocalStripe, meter: Any, customer: str, start: int, end: int, **more: Any
) -> list[tuple[int, int, float]]:
    params: Any = {"customer": customer, "start_time": start, "end_time": end, **more}
    found = local.client().v1.billing.meters.event_summaries.list(meter.id, params)
    return [
        (each.start_time - start, each.end_time - start, each.aggregated_value)
        for each in found.data
    ]


def used(local: LocalStripe, meter: Any, customer: str) -> float:
    """All that was ever used, in one summary."""
    end = (now(local) + DAY) // 60 * 60
    ((_, _, value),) = summaries(local, meter, customer, 0, end)
    return value


@pytest.fixture
def april(tmp_path: Path) -> Iterator[LocalStripe]:
    with running(config_for(tmp_path)) as server:
        server.advance(APRIL + HOUR - int(time.time()))
        yield server


def metered_price(local: LocalStripe, meter: Any, **more: Any) -> Any:
    amounts = {} if {"unit_amount_decimal", "billing_scheme"} & set(more) else {"unit_amount": 2}
    params: Any = {
        "currency": "usd",
        "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
        "product_data": {"name": "Calls"},
        **amounts,
        **more,
    }
    return local.client().v1.prices.create(params)


def carded(local: LocalStripe) -> str:
    client = local.client()
    customer = client.v1.customers.create()
    card = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    default: Any = {"invoice_settings": {"default_payment_method": card.id}}
    client.v1.customers.update(customer.id, default)
    return customer.id


def subscribe(local: LocalStripe, *prices: str, **more: Any) -> Any:
    params: Any = {
        "customer": more.pop("customer", None) or carded(local),
        "items": [{"price": each} for each in prices],
        **more,
    }
    return local.client().v1.subscriptions.create(params)


def invoices(local: LocalStripe, subscription: Any) -> list[Any]:
    """Oldest first."""
    found = local.client().v1.invoices.list({"subscription": subscription.id, "limit": 20})
    return found.data[::-1]


def lines(invoice: Any) -> list[tuple[str, int | None, int]]:
    return [(str(line.description), line.quantity, line.amount) for line in invoice.lines.data]


def end_of(subscription: Any) -> int:
    return int(subscription["items"].data[0].current_period_end)

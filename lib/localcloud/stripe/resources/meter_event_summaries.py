"""Summaries of meter events: what a customer used in a time (https://docs.stripe.com/api/billing/meter-event-summary)."""

import hashlib
from collections.abc import Iterator
from itertools import groupby

from localcloud.stripe import usage
from localcloud.stripe.errors import invalid
from localcloud.stripe.lists import page_within
from localcloud.stripe.params import PAGE, Enum, Hash, Integer, Text
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources import meters
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

KIND = "billing.meter_event_summary"
URL = meters.URL + "/{id}/event_summaries"
BOUNDARIES = {60: "minute", 3600: "hour", 86400: "UTC day"}


def list_all(work: Work, params: Obj, id: str) -> Obj:
    """The whole time in one, or the hours or days in which something was used, newest first."""
    meter = work.need(meters.KIND, id)
    customer = work.need("customer", params["customer"], param="customer")["id"]
    window = params.get("value_grouping_window")
    _check(params, usage.WINDOWS[window] if window else 60)
    start, end = params["start_time"], params["end_time"]
    uses = usage.within(work.store, meter, customer, start, end)
    found = [
        _summary(meter, customer, first, last, usage.total(meter, part))
        for first, last, part in _parts(uses, start, end, window)
    ]
    return page_within(KIND, URL.replace("{id}", id), found[::-1], params)


def _check(params: Obj, width: int) -> None:
    for name in ("start_time", "end_time"):
        if params[name] % width:
            raise invalid(f"{name} must be aligned with {BOUNDARIES[width]} boundaries.", name)
    if params["start_time"] >= params["end_time"]:
        raise invalid("end_time must be after start_time.", "end_time")


def _parts(
    uses: list[usage.Use], start: int, end: int, window: str | None
) -> Iterator[tuple[int, int, list[usage.Use]]]:
    if window is None:
        yield start, end, uses
        return
    width = usage.WINDOWS[window]
    for number, part in groupby(uses, key=lambda use: use.at // width):
        yield number * width, (number + 1) * width, list(part)


def _summary(meter: Obj, customer: str, start: int, end: int, value: int) -> Obj:
    """The same time of the same customer has the same id whenever it is asked for."""
    text = f"{meter['id']} {customer} {start} {end}"
    return {
        "id": f"mtrusg_test_60{hashlib.sha256(text.encode()).hexdigest()}",
        "object": KIND,
        "aggregated_value": value,
        "end_time": end,
        "livemode": False,
        "meter": meter["id"],
        "start_time": start,
    }


RESOURCE = Resource(
    kind=KIND,
    routes=(
        Route(
            "GET",
            URL,
            list_all,
            Hash(
                {
                    **PAGE,
                    "customer": Text(),
                    "end_time": Integer(0),
                    "start_time": Integer(0),
                    "value_grouping_window": Enum(tuple(usage.WINDOWS)),
                },
                required=("customer", "end_time", "start_time"),
            ),
        ),
    ),
)

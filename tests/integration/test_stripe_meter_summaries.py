"""What reported usage adds up to, by formula, hour and day."""

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import (
    DAY,
    HOUR,
    LocalStripe,
    fresh,
    local,
)
from tests.integration.stripe_usage import (
    new_customer,
    new_meter,
    now,
    report,
    summaries,
    used,
)

__all__ = ["fresh", "local"]


@pytest.mark.parametrize(("formula", "expected"), [("sum", 9), ("count", 3), ("last", 5)])
def test_formulas(local: LocalStripe, formula: str, expected: int) -> None:
    """`last` goes by the time of use, not by the order of arrival."""
    meter, customer = new_meter(local, f"formula_{formula}", formula), new_customer(local)
    other = new_customer(local)
    moment = now(local) - DAY
    for value, after in ((5, 120), (7, 0), (-3, 60)):
        report(local, meter, customer, value, timestamp=moment + after)
    report(local, meter, other, 100)
    assert used(local, meter, customer) == expected


def test_of_two_at_the_same_second_the_one_that_came_last_is_last(local: LocalStripe) -> None:
    meter, customer = new_meter(local, "tie", "last"), new_customer(local)
    moment = now(local) - 60
    for value in (4, 2):
        report(local, meter, customer, value, timestamp=moment)
    assert used(local, meter, customer) == 2


def test_of_what_is_aggregated_before_only_the_newest_report_of_a_window_counts(
    local: LocalStripe,
) -> None:
    meter = new_meter(local, "hourly", event_time_window="hour")
    customer = new_customer(local)
    hour = now(local) // HOUR * HOUR - DAY
    for value, after in ((10, 1800), (4, 60), (3, HOUR)):
        report(local, meter, customer, value, timestamp=hour + after)
    assert used(local, meter, customer) == 4 + 3


def test_summaries_by_hour_and_day(fresh: LocalStripe) -> None:
    noon = int(datetime(2030, 5, 2, 12, tzinfo=UTC).timestamp())
    fresh.advance(noon + DAY - int(time.time()))
    meter, customer = new_meter(fresh, "summed"), new_customer(fresh)
    midnight = noon - 12 * HOUR
    for value, moment in ((1, noon), (2, noon + HOUR - 1), (4, noon + HOUR), (8, midnight - 1)):
        report(fresh, meter, customer, value, timestamp=moment)
    by_hour = summaries(fresh, meter, customer, noon, noon + 6 * HOUR, value_grouping_window="hour")
    assert by_hour == [(HOUR, 2 * HOUR, 4), (0, HOUR, 3)]
    yesterday = midnight - DAY
    by_day = summaries(
        fresh, meter, customer, yesterday, yesterday + 2 * DAY, value_grouping_window="day"
    )
    assert by_day == [(DAY, 2 * DAY, 7), (0, DAY, 8)]
    assert summaries(fresh, meter, customer, noon, noon + HOUR) == [(0, HOUR, 3)]


def test_summaries_come_in_pages(local: LocalStripe) -> None:
    meter, customer = new_meter(local, "paged", "count"), new_customer(local)
    first = now(local) // HOUR * HOUR - 10 * HOUR
    for number in range(5):
        report(local, meter, customer, 1, timestamp=first + number * HOUR)
    params: Any = {
        "customer": customer,
        "start_time": first,
        "end_time": first + 5 * HOUR,
        "value_grouping_window": "hour",
        "limit": 2,
    }
    found = local.client().v1.billing.meters.event_summaries.list(meter.id, params)
    starts = [each.start_time - first for each in found.auto_paging_iter()]
    assert starts == [4 * HOUR, 3 * HOUR, 2 * HOUR, HOUR, 0]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"start_time": 61}, "start_time"),
        ({"end_time": 90}, "end_time"),
        ({"end_time": 60}, "end_time"),
        ({"start_time": 3600, "end_time": 7260, "value_grouping_window": "hour"}, "end_time"),
        ({"start_time": 3600, "end_time": 86400, "value_grouping_window": "day"}, "start_time"),
    ],
)
def test_summaries_begin_and_end_with_a_minute(
    local: LocalStripe, change: dict[str, Any], param: str
) -> None:
    meter = new_meter(local, f"aligned-{change}")
    params: Any = {"customer": new_customer(local), "start_time": 60, "end_time": 120, **change}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        local.client().v1.billing.meters.event_summaries.list(meter.id, params)
    assert refused.value.param == param

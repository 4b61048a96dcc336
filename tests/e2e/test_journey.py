"""The paid journey over HTTP, within its time."""

from typing import Any

from tests.e2e import journey

SECONDS = 15


def test_the_paid_journey_over_http(endpoints: dict[str, Any]) -> None:
    assert journey.run(endpoints) <= SECONDS

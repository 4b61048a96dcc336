"""How a clock is told where to stand."""

from typing import Any

import pytest

from localcloud.moments import iso, target

NOW = 1_769_817_600  # 2026-01-31T00:00:00Z


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"to": "2027-01-31T12:00:00Z"}, "2027-01-31T12:00:00Z"),
        ({"to": "2027-01-31T12:00:00+02:00"}, "2027-01-31T10:00:00Z"),
        ({"to": "2027-01-01"}, "2027-01-01T00:00:00Z"),
        ({"to": NOW + 5}, "2026-01-31T00:00:05Z"),
        ({"to": str(NOW + 5)}, "2026-01-31T00:00:05Z"),
        ({"by": 3600}, "2026-01-31T01:00:00Z"),
        ({"by": "1 month"}, "2026-02-28T00:00:00Z"),
        ({"by": "P1M"}, "2026-02-28T00:00:00Z"),
        ({"by": "2 years"}, "2028-01-31T00:00:00Z"),
        ({"by": "30d"}, "2026-03-02T00:00:00Z"),
        ({"by": "1 month 3 days"}, "2026-03-03T00:00:00Z"),
        ({"by": "P1Y2M3DT4H5M6S"}, "2027-04-03T04:05:06Z"),
        ({"by": "P2W"}, "2026-02-14T00:00:00Z"),
        ({"by": "90min"}, "2026-01-31T01:30:00Z"),
    ],
)
def test_a_moment_is_spelled_in_many_ways(body: Any, expected: str) -> None:
    assert iso(target(body, NOW)) == expected


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "Say when"),
        ([], "Say when"),
        ({"by": "1 day", "to": 5}, "Say when"),
        ({"at": 5}, "Say when"),
        ({"by": 0}, "only moves forward"),
        ({"by": -60}, "only moves forward"),
        ({"to": NOW}, "only moves forward"),
        ({"to": "2020-01-01"}, "only moves forward"),
        ({"by": "1m"}, "by is seconds, or a duration"),
        ({"by": "1 day 1 day"}, "by is seconds, or a duration"),
        ({"by": 1.5}, "by is seconds, or a duration"),
        ({"by": True}, "by is seconds, or a duration"),
        ({"by": "P"}, "by is seconds, or a duration"),
        ({"to": "tomorrow"}, "to is a moment"),
        ({"to": None}, "to is a moment"),
        ({"by": "9999 years"}, "moves no further than 2100"),
        ({"by": 10**14}, "moves no further than 2100"),
    ],
)
def test_what_is_no_later_moment_is_refused_in_a_sentence(body: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        target(body, NOW)

"""The read model of a subscription: access, grace, and the months that quotas count in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from saas import clock
from saas.entitlements import Entitlement, to_item
from saas.plans import catalogue

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)


def entitlement(**changes: Any) -> Entitlement:
    values: dict[str, Any] = {
        "user_id": "user-1",
        "stripe_subscription_id": "sub_1",
        "customer_id": "cus_1",
        "stripe_status": "active",
        "plan_id": "starter",
        "current_period_start": NOW - timedelta(days=10),
        "current_period_end": NOW + timedelta(days=20),
        "cancel_at_period_end": False,
        "created_at": clock.iso(NOW),
        "updated_at": clock.iso(NOW),
        "applied_seq": 3,
    }
    return Entitlement(**{**values, **changes})


def test_it_survives_storage() -> None:
    original = entitlement(cancel_at_period_end=True)
    assert Entitlement.from_item("user-1", to_item(original)) == original


def test_stored_items_keep_the_keys_of_the_existing_table() -> None:
    item = to_item(entitlement())
    assert (item["pk"], item["sk"]) == ("USER#user-1", "SUBSCRIPTION#user-1")
    assert (item["gsi1pk"], item["gsi1sk"]) == ("STRIPE#sub_1", "SUBSCRIPTION#user-1")


def test_a_row_of_the_old_backend_gives_nothing() -> None:
    forged = {**to_item(entitlement()), "status": "active", "subscriptionStatus": "active"}
    del forged["appliedSeq"]
    assert Entitlement.from_item("user-1", forged) is None
    assert Entitlement.from_item("user-1", None) is None


@pytest.mark.parametrize(
    ("status", "active"),
    [
        ("active", True),
        ("trialing", True),
        ("past_due", True),
        ("unpaid", False),
        ("paused", False),
        ("incomplete", False),
        ("incomplete_expired", False),
        ("canceled", False),
        ("something_new", False),
    ],
)
def test_which_statuses_give_access(status: str, active: bool) -> None:
    subject = entitlement(stripe_status=status)
    assert subject.is_active(NOW) is active
    assert subject.status in {"active", "past_due", "cancelled", "incomplete"}
    assert subject.user_status(NOW) in {"active", "inactive", "cancelled"}


def test_an_unknown_plan_gives_no_access() -> None:
    assert not entitlement(plan_id="abolished").is_active(NOW)


def test_access_outlasts_the_period_by_the_stated_grace() -> None:
    grace = timedelta(hours=catalogue().grace_hours)
    ended = entitlement(current_period_end=NOW)
    assert ended.is_active(NOW + grace)
    assert not ended.is_active(NOW + grace + timedelta(milliseconds=1))
    assert ended.is_stale(NOW + timedelta(milliseconds=1))
    assert not ended.is_stale(NOW)
    assert not entitlement(stripe_status="canceled", current_period_end=NOW).is_stale(NOW + grace)


def _day(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (_day(2026, 3, 5), _day(2026, 4, 5)),
        (_day(2026, 1, 31), _day(2026, 2, 28)),
        (_day(2026, 2, 28), _day(2026, 3, 31)),
        (_day(2026, 4, 30), _day(2026, 5, 31)),
        (_day(2026, 12, 31), _day(2027, 1, 31)),
        (_day(2028, 2, 29), _day(2028, 3, 31)),
    ],
)
def test_a_monthly_window_is_the_period_on_each_of_its_days(start: datetime, end: datetime) -> None:
    subject = entitlement(current_period_start=start, current_period_end=end)
    moment = start
    while moment < end:
        assert subject.quota_window(moment) == (start, end)
        moment += timedelta(hours=6)
    assert subject.quota_window(end - timedelta(milliseconds=1)) == (start, end)
    assert subject.quota_window(start - timedelta(seconds=5)) == (start, end)


@pytest.mark.parametrize("end", [_day(2026, 2, 28), _day(2026, 3, 31), _day(2026, 4, 5)])
def test_in_the_grace_the_next_window_has_begun_where_the_period_ended(end: datetime) -> None:
    subject = entitlement(current_period_start=end - timedelta(days=30), current_period_end=end)
    begin, after = subject.quota_window(end + timedelta(hours=3))
    assert begin == end
    assert timedelta(days=28) <= after - begin <= timedelta(days=31)


@pytest.mark.parametrize("start", [_day(2026, 1, 31, 7), _day(2026, 3, 5), _day(2028, 2, 29)])
def test_a_year_has_twelve_windows_without_gap_or_overlap(start: datetime) -> None:
    end = (
        start.replace(year=start.year + 1, day=min(start.day, 28))
        if start.month == 2
        else (start.replace(year=start.year + 1))
    )
    subject = entitlement(current_period_start=start, current_period_end=end)
    windows = []
    moment = start
    while moment < end:
        window = subject.quota_window(moment)
        assert window[0] <= moment < window[1]
        if window not in windows:
            windows.append(window)
        moment += timedelta(hours=12)
    assert len(windows) == 12
    assert (windows[0][0], windows[-1][1]) == (start, end)
    assert [after for _, after in windows[:-1]] == [begin for begin, _ in windows[1:]]

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
    assert Entitlement.from_item(to_item(original)) == original


def test_stored_items_keep_the_keys_of_the_existing_table() -> None:
    item = to_item(entitlement())
    assert (item["pk"], item["sk"]) == ("USER#user-1", "SUBSCRIPTION#user-1")
    assert (item["gsi1pk"], item["gsi1sk"]) == ("STRIPE#sub_1", "SUBSCRIPTION#user-1")


def test_a_row_of_the_old_backend_gives_nothing() -> None:
    forged = {**to_item(entitlement()), "status": "active", "subscriptionStatus": "active"}
    del forged["appliedSeq"]
    assert Entitlement.from_item(forged) is None
    assert Entitlement.from_item(None) is None


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
    ("start", "now", "window"),
    [
        (_day(2026, 3, 5), _day(2026, 3, 5), (_day(2026, 3, 5), _day(2026, 4, 5))),
        (_day(2026, 3, 5), _day(2026, 4, 4, 23), (_day(2026, 3, 5), _day(2026, 4, 5))),
        (_day(2026, 3, 5), _day(2026, 4, 5), (_day(2026, 4, 5), _day(2026, 5, 5))),
        (_day(2026, 1, 31), _day(2026, 2, 27), (_day(2026, 1, 31), _day(2026, 2, 28))),
        (_day(2026, 1, 31), _day(2026, 2, 28), (_day(2026, 2, 28), _day(2026, 3, 31))),
        (_day(2026, 1, 31), _day(2026, 12, 31), (_day(2026, 12, 31), _day(2027, 1, 31))),
        (_day(2028, 2, 29), _day(2029, 2, 28), (_day(2029, 2, 28), _day(2029, 3, 29))),
        (_day(2026, 3, 5, 1), _day(2026, 3, 5, 0), (_day(2026, 3, 5, 1), _day(2026, 4, 5, 1))),
    ],
)
def test_quota_months_begin_with_the_period(
    start: datetime, now: datetime, window: tuple[datetime, datetime]
) -> None:
    assert entitlement(current_period_start=start).quota_window(now) == window


def test_quota_months_follow_one_another_without_gap_or_overlap() -> None:
    subject = entitlement(current_period_start=_day(2026, 1, 31, 7))
    moment, end = _day(2026, 1, 31, 7), _day(2026, 1, 31, 7)
    for _ in range(500):
        begin, after = subject.quota_window(moment)
        assert begin <= moment < after
        assert begin in (end, subject.quota_window(moment - timedelta(days=1))[0])
        end = after if moment + timedelta(days=1) >= after else end
        moment += timedelta(days=1)

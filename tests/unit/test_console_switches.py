"""The console's switch to the next renewal."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from localcloud.console import switches

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def person(label: str, end: datetime, status: str = "active", cancelled: bool = False) -> Any:
    period = SimpleNamespace(current_period_end=end, cancel_at_period_end=cancelled)
    return SimpleNamespace(label=label, status=status, entitlement=period)


def renewal(monkeypatch: pytest.MonkeyPatch, *people: Any) -> dict[str, str | bool] | None:
    async def everybody(_stage: Any) -> list[Any]:
        return list(people)

    monkeypatch.setattr(switches.people, "everybody", everybody)
    stage: Any = SimpleNamespace(now=lambda: NOW)
    return asyncio.run(switches._renewal(stage))


def test_it_lands_where_the_first_renewal_is_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local Stripe charges a renewal an hour after the period's end, as Stripe does."""
    found = renewal(
        monkeypatch,
        person("gone@example.com", NOW - timedelta(days=1)),
        person("later@example.com", NOW + timedelta(days=9)),
        person("first@example.com", NOW + timedelta(days=2)),
        person("ended@example.com", NOW + timedelta(days=1), status="cancelled"),
    )
    assert found == {
        "to": "2027-03-03T13:00:00+00:00",
        "end": "2027-03-03T12:00:00+00:00",
        "whose": "first@example.com",
        "last": False,
    }


def test_a_cancelled_plan_ends_with_its_period(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is charged then, so there is no hour to wait for."""
    found = renewal(
        monkeypatch, person("leaves@example.com", NOW + timedelta(days=2), cancelled=True)
    )
    assert found is not None
    assert found["to"] == found["end"] == "2027-03-03T12:00:00+00:00"
    assert found["last"] is True


def test_without_a_running_period_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert renewal(monkeypatch, person("gone@example.com", NOW - timedelta(days=1))) is None

"""The console's switch to the next renewal."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from localcloud.console import switches

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def person(label: str, end: datetime, status: str = "active") -> Any:
    return SimpleNamespace(
        label=label, status=status, entitlement=SimpleNamespace(current_period_end=end)
    )


def renewal(monkeypatch: pytest.MonkeyPatch, *people: Any) -> dict[str, str] | None:
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
    }


def test_without_a_running_period_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert renewal(monkeypatch, person("gone@example.com", NOW - timedelta(days=1))) is None

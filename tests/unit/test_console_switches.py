"""The console's switches: to the next renewal, and what is said of faults."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from localcloud.console import faults, switches
from localcloud.faults import Faults, Kind

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def person(label: str, end: datetime, status: str = "active", cancelled: bool = False) -> Any:
    period = SimpleNamespace(current_period_end=end, cancel_at_period_end=cancelled)
    return SimpleNamespace(label=label, status=status, entitlement=period)


def renewal(monkeypatch: pytest.MonkeyPatch, *people: Any) -> dict[str, str | bool] | None:
    async def everybody(_stage: Any) -> list[Any]:
        return list(people)

    monkeypatch.setattr(switches.people, "everybody", everybody)
    stage: Any = SimpleNamespace(now=lambda: NOW, config=SimpleNamespace(emulators={}))
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


def test_spent_faults_of_every_part_stay_in_sight() -> None:
    """However many of the parts before it were spent."""
    kept = Faults({part: {"drop": Kind("")} for part in ("stripe", "aws")})
    for part in ("stripe",) * 9 + ("aws",):
        kept.arm({"part": part, "kind": "drop"})
        kept.strike(part, "GET /", {"drop"})

    async def control(_path: str) -> dict[str, Any]:
        spent = [*kept.listing("stripe")["spent"], *kept.listing("aws")["spent"]]
        return {"armed": [], "spent": spent, "down": []}

    stage: Any = SimpleNamespace(sources=SimpleNamespace(control=control))
    spent = asyncio.run(faults.state(stage))["spent"]
    assert [each["id"] for each in spent] == ["fault_9", "fault_8", "fault_7", "fault_10"]

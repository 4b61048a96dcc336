"""The console's switches: to the next renewal, and what is said of faults."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from localcloud.console import faults, switches
from localcloud.console.sources import Rows
from localcloud.faults import Faults, Kind
from saas.accounts import new_user
from saas.entitlements import Entitlement, to_item

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def person(label: str, end: datetime, status: str = "active", cancelled: bool = False) -> Any:
    """Somebody's subscription, and who it is."""
    return Entitlement(
        user_id=label,
        stripe_subscription_id=f"sub_{label}",
        customer_id=f"cus_{label}",
        stripe_status=status,
        plan_id="starter",
        current_period_start=end - timedelta(days=30),
        current_period_end=end,
        cancel_at_period_end=cancelled,
        created_at="",
        updated_at="",
        applied_seq=1,
    )


class Table:
    """Rows as local AWS gives them: those above a bound, by the attribute asked for."""

    def __init__(self, *people: Entitlement) -> None:
        self.items = [to_item(each) for each in people]

    async def rows(self, _table: str, _prefix: str, *, by: str, above: str, **_: Any) -> Rows:
        found = sorted((item for item in self.items if item[by] > above), key=lambda i: str(i[by]))
        return Rows(found, len(found), {}, "")

    async def by_keys(self, _table: str, keys: list[tuple[str, str]]) -> list[dict[str, Any]]:
        ids = [pk.removeprefix("USER#") for pk, _ in keys]
        return [new_user(user_id, email=user_id, name="") for user_id in ids]


def renewal(*people: Any) -> dict[str, str | bool] | None:
    stage: Any = SimpleNamespace(
        now=lambda: NOW,
        config=SimpleNamespace(emulators={}),
        table="table",
        sources=Table(*people),
    )
    return asyncio.run(switches._renewal(stage))


def test_it_lands_where_the_first_renewal_is_paid() -> None:
    """Local Stripe charges a renewal an hour after the period's end, as Stripe does."""
    found = renewal(
        person("gone@example.com", NOW - timedelta(days=1)),
        person("later@example.com", NOW + timedelta(days=9)),
        person("first@example.com", NOW + timedelta(days=2)),
        person("ended@example.com", NOW + timedelta(days=1), status="canceled"),
    )
    assert found == {
        "to": "2027-03-03T13:00:00+00:00",
        "end": "2027-03-03T12:00:00+00:00",
        "whose": "first@example.com",
        "last": False,
    }


def test_a_cancelled_plan_ends_with_its_period() -> None:
    """Nothing is charged then, so there is no hour to wait for."""
    found = renewal(person("leaves@example.com", NOW + timedelta(days=2), cancelled=True))
    assert found is not None
    assert found["to"] == found["end"] == "2027-03-03T12:00:00+00:00"
    assert found["last"] is True


def test_without_a_running_period_there_is_none() -> None:
    assert renewal(person("gone@example.com", NOW - timedelta(days=1))) is None


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

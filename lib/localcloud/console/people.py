"""Users and their state, read from the table as the functions read it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from saas import clock
from saas.entitlements import Entitlement
from saas.plans import Plan

from .sources import Begins, Item
from .stage import Stage

SHOWN = 200


@dataclass(frozen=True)
class Person:
    """A user's item and subscription, with what follows from them at `now`."""

    id: str
    user: Item
    entitlement: Entitlement | None
    now: datetime

    @property
    def email(self) -> str:
        return str(self.user.get("email") or "")

    @property
    def name(self) -> str:
        return str(self.user.get("name") or "")

    @property
    def label(self) -> str:
        """What people call this user by."""
        return self.email or self.name or self.id

    @property
    def customer(self) -> str:
        """The Stripe customer that the user is bound to, empty without one."""
        return str(self.user.get("stripeCustomerId") or "")

    @property
    def barred(self) -> str:
        return str(self.user.get("barred") or "")

    @property
    def status(self) -> str:
        """As the API tells it: `active`, `inactive`, `cancelled`."""
        return self.entitlement.user_status(self.now) if self.entitlement else "inactive"

    @property
    def plan(self) -> Plan | None:
        return self.entitlement.plan if self.entitlement else None


@dataclass(frozen=True)
class Meter:
    """One limit of a plan's month."""

    used: int
    limit: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


async def everybody(stage: Stage) -> list[Person]:
    """All users, the newest first. Raises Unanswered."""
    items = await stage.sources.scan(stage.table, Begins("USER#"))
    return _people(items, stage.now())


async def listing(stage: Stage, search: str) -> dict[str, Any]:
    """Users whose address, name or id holds `search`. Raises Unanswered."""
    wanted = search.casefold()
    found = [
        person
        for person in await everybody(stage)
        if wanted in f"{person.email} {person.name} {person.id} {person.customer}".casefold()
    ]
    return {"search": search, "people": found[:SHOWN], "total": len(found)}


async def labels(stage: Stage) -> dict[str, Person]:
    """All users by their id and by their Stripe customer's. Raises Unanswered."""
    people = await everybody(stage)
    by_customer = {person.customer: person for person in people if person.customer}
    return by_customer | {person.id: person for person in people}


async def one(stage: Stage, user_id: str) -> dict[str, Any] | None:
    """All that the table holds of a user, for the page; None for nobody. Raises Unanswered."""
    sources, table, now = stage.sources, stage.table, stage.now()
    found = _people(await sources.query(table, Begins(f"USER#{user_id}")), now)
    if not found:
        return None
    person = found[0]
    partition = f"AI#{user_id}"
    customer = person.customer
    return {
        "person": person,
        "period": await _period(stage, person),
        "checkouts": await sources.query(
            table, Begins(f"CHECKOUT#{user_id}", f"CHECKOUT#{user_id}")
        ),
        "binding": next(
            iter(await sources.query(table, Begins(f"CUSTOMER#{customer}")))
            if customer
            else iter(()),
            None,
        ),
        "documents": await sources.query(table, Begins(partition, "DOC#"), limit=20),
        "calls": await sources.query(table, Begins(partition, "CALL#"), limit=5, newest_first=True),
    }


async def _period(stage: Stage, person: Person) -> dict[str, Any] | None:
    """The meters of the window that counts now; None for somebody without access."""
    plan = person.plan
    if person.entitlement is None or plan is None or not person.entitlement.is_active(person.now):
        return None
    begin, end = person.entitlement.quota_window(person.now)
    begins = Begins(f"AI#{person.id}", f"PERIOD#{clock.iso(begin)}")
    used = next(iter(await stage.sources.query(stage.table, begins)), {})
    return {
        "begin": clock.iso(begin),
        "end": clock.iso(end),
        "calls": Meter(used.get("callsUsed", 0), plan.calls_per_month),
        "tokens": Meter(used.get("tokensUsed", 0), plan.tokens_per_month),
        "cost": Meter(used.get("costMicroUsd", 0), plan.cost_per_month_micro_usd),
    }


def _people(items: list[Item], now: datetime) -> list[Person]:
    subscriptions = {item["pk"]: item for item in items if item["sk"].startswith("SUBSCRIPTION#")}
    people = [
        Person(
            item["pk"].removeprefix("USER#"),
            item,
            Entitlement.from_item(item["pk"], subscriptions.get(item["pk"])),
            now,
        )
        for item in items
        if item["sk"] == item["pk"]
    ]
    return sorted(people, key=lambda person: str(person.user.get("createdAt")), reverse=True)

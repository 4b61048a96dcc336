"""Users and their state, read from the table as the functions read it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from saas import clock
from saas.entitlements import Entitlement
from saas.plans import Plan

from .paging import Pages
from .sources import Item, Rows
from .stage import Stage

SHOWN = 50


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


async def listing(stage: Stage, search: str, after: str = "") -> dict[str, Any]:
    """A page of users, the newest first: whose address, name or id holds `search`.

    Raises Unanswered, Refused.
    """
    found = await _newest(stage, search, limit=SHOWN, after=after)
    keys = [(f"USER#{_id(item)}", f"SUBSCRIPTION#{_id(item)}") for item in found.items]
    subscriptions = await stage.sources.by_keys(stage.table, keys)
    query = {"q": search} if search else {}
    return {
        "search": search,
        "people": _people([*found.items, *subscriptions], stage.now()),
        "total": found.total,
        "pages": Pages.of("/_local/users", query, after, found.older),
    }


async def by_id(stage: Stage, user_ids: Iterable[str]) -> dict[str, Person]:
    """Those of these users that exist, without what they subscribed to. Raises Unanswered."""
    keys = [(f"USER#{user_id}", f"USER#{user_id}") for user_id in user_ids]
    items = await stage.sources.by_keys(stage.table, keys)
    return {person.id: person for person in _people(items, stage.now())}


async def by_customer(stage: Stage, customers: Iterable[str]) -> dict[str, Person]:
    """The users that these Stripe customers are bound to. Raises Unanswered."""
    keys = [(f"CUSTOMER#{customer}", f"CUSTOMER#{customer}") for customer in customers if customer]
    bindings = await stage.sources.by_keys(stage.table, keys)
    owners = {item["pk"].removeprefix("CUSTOMER#"): str(item["userId"]) for item in bindings}
    known = await by_id(stage, owners.values())
    return {customer: known[owner] for customer, owner in owners.items() if owner in known}


async def customers(stage: Stage) -> list[Person]:
    """The newest users that have a Stripe customer. Raises Unanswered."""
    found = await _newest(stage, "cus_", limit=SHOWN)
    return [person for person in _people(found.items, stage.now()) if person.customer]


async def customer_named(stage: Stage, text: str) -> str:
    """The Stripe customer of the user with this address, name or id; empty for nobody.

    Raises Unanswered.
    """
    wanted = text.casefold()
    found = await _newest(stage, text, limit=SHOWN)
    for person in _people(found.items, stage.now()):
        if wanted in (person.email.casefold(), person.name.casefold(), person.id.casefold()):
            return person.customer
    return ""


async def next_ending(stage: Stage) -> Person | None:
    """Whose running period ends first; None without one. Raises Unanswered."""
    now, after = stage.now(), ""
    while True:
        found = await stage.sources.rows(
            stage.table,
            "USER#",
            many=True,
            sk="SUBSCRIPTION#",
            by="currentPeriodEnd",
            above=clock.iso(now),
            descending=False,
            limit=SHOWN,
            after=after,
        )
        for item in found.items:
            entitlement = Entitlement.from_item(_id(item), item)
            if entitlement and entitlement.user_status(now) == "active":
                known = await by_id(stage, [_id(item)])
                user = known[_id(item)].user if _id(item) in known else {}
                return Person(_id(item), user, entitlement, now)
        if not (after := found.older):
            return None


async def _newest(stage: Stage, search: str, *, limit: int, after: str = "") -> Rows:
    return await stage.sources.rows(
        stage.table,
        "USER#",
        many=True,
        sk="USER#",
        by="createdAt",
        limit=limit,
        after=after,
        find=search,
        among=("email", "name", "stripeCustomerId"),
    )


async def one(stage: Stage, user_id: str) -> dict[str, Any] | None:
    """All that the table holds of a user, for the page; None for nobody. Raises Unanswered."""
    sources, table, now = stage.sources, stage.table, stage.now()
    own = await sources.rows(table, f"USER#{user_id}")
    found = _people(own.items, now)
    if not found:
        return None
    person = found[0]
    partition = f"AI#{user_id}"
    customer = f"CUSTOMER#{person.customer}"
    checkouts = await sources.rows(table, f"CHECKOUT#{user_id}", sk=f"CHECKOUT#{user_id}")
    documents = await sources.rows(table, partition, sk="DOC#", descending=False, limit=20)
    calls = await sources.rows(table, partition, sk="CALL#", limit=5)
    bindings = await sources.by_keys(table, [(customer, customer)]) if person.customer else []
    return {
        "person": person,
        "period": await _period(stage, person),
        "checkouts": checkouts.items,
        "binding": next(iter(bindings), None),
        "documents": documents.items,
        "calls": calls.items,
    }


async def _period(stage: Stage, person: Person) -> dict[str, Any] | None:
    """The meters of the window that counts now; None for somebody without access."""
    plan = person.plan
    if person.entitlement is None or plan is None or not person.entitlement.is_active(person.now):
        return None
    begin, end = person.entitlement.quota_window(person.now)
    key = (f"AI#{person.id}", f"PERIOD#{clock.iso(begin)}")
    used = next(iter(await stage.sources.by_keys(stage.table, [key])), {})
    return {
        "begin": clock.iso(begin),
        "end": clock.iso(end),
        "calls": Meter(used.get("callsUsed", 0), plan.calls_per_month),
        "tokens": Meter(used.get("tokensUsed", 0), plan.tokens_per_month),
        "cost": Meter(used.get("costMicroUsd", 0), plan.cost_per_month_micro_usd),
    }


def _id(item: Item) -> str:
    return str(item["pk"]).removeprefix("USER#")


def _people(items: list[Item], now: datetime) -> list[Person]:
    subscriptions = {item["pk"]: item for item in items if item["sk"].startswith("SUBSCRIPTION#")}
    people = [
        Person(
            _id(item),
            item,
            Entitlement.from_item(item["pk"], subscriptions.get(item["pk"])),
            now,
        )
        for item in items
        if item["sk"] == item["pk"]
    ]
    return sorted(people, key=lambda person: str(person.user.get("createdAt")), reverse=True)

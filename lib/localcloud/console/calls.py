"""AI calls, from the table's rows below `AI#`: finished ones, and those still in flight."""

from typing import Any

from saas.plans import catalogue

from . import people
from .paging import Pages
from .sources import Item
from .stage import Stage

SHOWN = 50
FLYING_SHOWN = 20
TEXT_SHOWN = 5_000
_COUNTED = ("inputTokens", "outputTokens", "costMicroUsd")


async def listing(stage: Stage, user_id: str = "", after: str = "") -> dict[str, Any]:
    """A page of calls of everybody or of one user, the newest first, and sums over all of them.

    Raises Unanswered, Refused.
    """
    whose: dict[str, Any] = {"pk": f"AI#{user_id}", "many": not user_id}
    query = {"user": user_id} if user_id else {}
    found = await stage.sources.rows(
        stage.table, **whose, sk="CALL#", by="createdAt", limit=SHOWN, after=after, sums=_COUNTED
    )
    held = await stage.sources.rows(
        stage.table, **whose, sk="RESERVATION#", by="created_at", limit=FLYING_SHOWN
    )
    known = await people.by_id(stage, map(_owner, [*found.items, *held.items]))
    return {
        "calls": [_shown(row, known) for row in found.items],
        "flying": [_with_user(row, known) for row in held.items],
        "flying_total": held.total,
        "total": found.total,
        "tokens": found.sums["inputTokens"] + found.sums["outputTokens"],
        "cost": found.sums["costMicroUsd"],
        "pages": Pages.of("/_local/calls", query, after, found.older),
    }


def _shown(row: Item, known: dict[str, people.Person]) -> Item:
    """A row with its user, and the id that its model has at Bedrock; very long texts are cut."""
    model = catalogue().model(row["model"])
    texts = {name: _cut(row[name]) for name in ("prompt", "response")}
    return {**_with_user(row, known), **texts, "modelId": model.id if model else ""}


def _with_user(row: Item, known: dict[str, people.Person]) -> Item:
    user_id = _owner(row)
    label = known[user_id].label if user_id in known else user_id
    return {**row, "userId": user_id, "user": label}


def _owner(row: Item) -> str:
    return str(row["pk"]).removeprefix("AI#")


def _cut(text: str) -> str:
    if len(text) <= TEXT_SHOWN:
        return text
    return f"{text[:TEXT_SHOWN]} … ({len(text):,} characters)"

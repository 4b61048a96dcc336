"""AI calls, from the table's rows below `AI#`: finished ones, and those still in flight."""

from typing import Any

from saas.plans import catalogue

from . import people
from .sources import Begins, Item
from .stage import Stage

SHOWN = 200


async def listing(stage: Stage, user_id: str = "") -> dict[str, Any]:
    """The newest calls of everybody or of one user, with sums over them. Raises Unanswered."""
    sources, table = stage.sources, stage.table
    if user_id:
        partition = f"AI#{user_id}"
        rows = await sources.query(
            table, Begins(partition, "CALL#"), limit=SHOWN, newest_first=True
        )
        held = await sources.query(table, Begins(partition, "RESERVATION#"))
    else:
        rows = await sources.scan(table, Begins("AI#", "CALL#"))
        held = await sources.scan(table, Begins("AI#", "RESERVATION#"))
    known = await people.labels(stage)
    rows.sort(key=lambda row: str(row["createdAt"]), reverse=True)
    return {
        "calls": [_shown(row, known) for row in rows[:SHOWN]],
        "flying": [_flying(row, known) for row in held],
        "total": len(rows),
        "tokens": sum(row["inputTokens"] + row["outputTokens"] for row in rows),
        "cost": sum(row["costMicroUsd"] for row in rows),
    }


def _shown(row: Item, known: dict[str, people.Person]) -> Item:
    """A row with its user, and the id that its model has at Bedrock."""
    model = catalogue().model(row["model"])
    return {**row, **_owner(row, known), "modelId": model.id if model else ""}


def _flying(row: Item, known: dict[str, people.Person]) -> Item:
    return {**row, **_owner(row, known)}


def _owner(row: Item, known: dict[str, people.Person]) -> Item:
    user_id = str(row["pk"]).removeprefix("AI#")
    return {"userId": user_id, "user": known[user_id].label if user_id in known else user_id}

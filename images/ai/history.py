"""A user's finished calls, page by page."""

import base64
import binascii
import json
import re

from ai import store
from ai.schemas import Call, HistoryPage
from saas.caller import Caller
from saas.errors import BadRequest
from saas.table import Item, table

# A Lambda answer ends at 6 MB.
MAX_PAGE_BYTES = 4_500_000
_POSITION = re.compile(
    r"[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}\.[0-9]{3}Z"
    r"#[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)


def newest(caller: Caller, *, limit: int, cursor: str | None) -> HistoryPage:
    """Up to `limit` calls after `cursor`, newest first; fewer when their texts are very long.

    Raises:
        BadRequest: the cursor is none of ours (`invalid_cursor`).
    """
    position = _read_cursor(cursor) if cursor else None
    items, more = _collect(caller.account_id, limit, position)
    following = _cursor(items[-1]) if more else None
    return HistoryPage(data=[_call(item) for item in items], next_cursor=following)


def _collect(user_id: str, limit: int, position: str | None) -> tuple[list[Item], bool]:
    """Items, and whether there are more behind them; DynamoDB ends a page at 1 MB by itself."""
    items: list[Item] = []
    size = 0
    after = f"{store.CALLS}{position}" if position else None
    while True:
        page = table().query(
            store.partition(user_id),
            prefix=store.CALLS,
            limit=limit + 1 - len(items),
            newest_first=True,
            after=after,
        )
        for item in page.items:
            size += _size(item["prompt"]) + _size(item["response"])
            if len(items) == limit or (items and size > MAX_PAGE_BYTES):
                return items, True
            items.append(item)
        after = page.next_after
        if after is None:
            return items, False


def _size(text: str) -> int:
    """Bytes of a text in the answer, where control characters take six."""
    return len(json.dumps(text, ensure_ascii=False).encode())


def _call(item: Item) -> Call:
    return Call(
        id=item["id"],
        prompt=item["prompt"],
        response=item["response"],
        model=item["model"],
        tokens=item["inputTokens"] + item["outputTokens"],
        created_at=item["createdAt"],
    )


def _cursor(item: Item) -> str:
    """Only time and id of a call: with it nobody gets into another user's partition."""
    return (
        base64.urlsafe_b64encode(f"{item['createdAt']}#{item['id']}".encode()).decode().rstrip("=")
    )


def _read_cursor(cursor: str) -> str:
    try:
        position = base64.b64decode(
            cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        ).decode()
    except (ValueError, binascii.Error):
        position = ""
    if not _POSITION.fullmatch(position):
        raise BadRequest("The cursor is not valid", code="invalid_cursor")
    return position

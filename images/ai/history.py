"""A user's finished calls, page by page."""

import base64
import binascii
import json
import re
from typing import get_args

from ai import store
from ai.answer import FinishReason, finish_reason
from ai.schemas import Call, HistoryPage
from saas.caller import Caller
from saas.errors import BadRequest
from saas.rows import Row
from saas.table import Item, table

# Lambda responses are limited to 6 MB (6,291,556 bytes); the rest is for headers and the envelope.
MAX_PAGE_BYTES = 6_000_000
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
    calls, more = _collect(caller.account_id, limit, position)
    following = _cursor(calls[-1]) if more else None
    return HistoryPage(data=calls, next_cursor=following)


def _collect(user_id: str, limit: int, position: str | None) -> tuple[list[Call], bool]:
    """Calls, and whether there are more behind them; DynamoDB ends a page at 1 MB by itself."""
    calls: list[Call] = []
    size = 0
    after = f"{store.CALLS}{position}" if position else None
    while True:
        page = table().query(
            store.partition(user_id),
            prefix=store.CALLS,
            limit=limit + 1 - len(calls),
            newest_first=True,
            after=after,
        )
        for item in page.items:
            call = _call(item)
            size += _size(call)
            if len(calls) == limit or (calls and size > MAX_PAGE_BYTES):
                return calls, True
            calls.append(call)
        after = page.next_after
        if after is None:
            return calls, False


def _size(call: Call) -> int:
    """Bytes that a call takes in the function's response.

    The body is encoded as JSON, and then as a string within the response's JSON, by a runtime that
    escapes all but ASCII: a Chinese character takes 6 bytes, an emoji 12, a control character 7.
    """
    body = json.dumps(call.model_dump(by_alias=True), ensure_ascii=False)
    return len(json.dumps(body))


def _call(item: Item) -> Call:
    row = Row(item)
    return Call(
        id=row.text("id"),
        prompt=row.text("prompt"),
        response=row.text("response"),
        model=row.text("model"),
        tokens=row.integer("inputTokens") + row.integer("outputTokens"),
        created_at=row.text("createdAt"),
        finish_reason=_finish_reason(row),
    )


def _finish_reason(row: Row) -> FinishReason | None:
    """Rows of earlier releases have the provider's reason only, later ones may have more."""
    stored = row.text("finishReason")
    known = [reason for reason in get_args(FinishReason) if reason == stored]
    return known[0] if known else finish_reason(row.text("outcome"))


def _cursor(call: Call) -> str:
    """Only time and id of a call: with it nobody gets into another user's partition."""
    position = f"{call.created_at}#{call.id}".encode()
    return base64.urlsafe_b64encode(position).decode().rstrip("=")


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

"""Stripe's lists: newest first, pages by object id (https://docs.stripe.com/api/pagination)."""

from typing import Any

from localcloud.stripe.errors import invalid, no_such
from localcloud.stripe.store import Obj, Where, equal, within
from localcloud.stripe.work import Work

DEFAULT_LIMIT = 10


def as_list(url: str, data: list[Obj], *, has_more: bool = False) -> Obj:
    """A list object around presented objects."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def page(work: Work, kind: str, url: str, params: Obj, *wheres: Where) -> Obj:
    """One page of a kind. `params` may hold limit, starting_after, ending_before."""
    limit = params.get("limit", DEFAULT_LIMIT)
    bounds = _bounds(work, kind, params)
    found = work.store.select(kind, *wheres, **bounds, limit=limit + 1)
    has_more = len(found) > limit
    if "after" in bounds:
        found = found[-limit:]
    return as_list(url, [work.present(obj) for obj in found[:limit]], has_more=has_more)


def filters(params: Obj, *names: str, **fields: str) -> list[Where]:
    """Conditions for those of a list's filters that are given: a value, or a range (`Range`).

    `names` are called as the fields that they filter by, `fields` are not: `coupon="_coupon"`.
    """
    asked = {**dict(zip(names, names, strict=True)), **fields}
    return [
        (within if isinstance(params[name], dict) else equal)(field, params[name])
        for name, field in asked.items()
        if name in params
    ]


def _bounds(work: Work, kind: str, params: Obj) -> dict[str, int]:
    if "starting_after" in params and "ending_before" in params:
        raise invalid(
            "You may only specify one of these parameters: starting_after, ending_before.",
            "starting_after",
        )
    for param, bound in (("starting_after", "before"), ("ending_before", "after")):
        if param in params:
            seq = work.store.seq(kind, params[param])
            if seq is None:
                raise no_such(kind, params[param], param=param, status=400)
            return {bound: seq}
    return {}


def page_within(kind: str, url: str, items: list[Obj], params: Obj) -> Obj:
    """One page of objects that live inside another, in their own order."""
    limit: int = params.get("limit", DEFAULT_LIMIT)
    places: dict[Any, int] = {item["id"]: place for place, item in enumerate(items)}
    for param in ("starting_after", "ending_before"):
        if param in params and params[param] not in places:
            raise no_such(kind, params[param], param=param, status=400)
    if "ending_before" in params:
        end = places[params["ending_before"]]
        start = max(0, end - limit)
        return as_list(url, items[start:end], has_more=start > 0)
    start = places[params["starting_after"]] + 1 if "starting_after" in params else 0
    return as_list(url, items[start : start + limit], has_more=len(items) > start + limit)

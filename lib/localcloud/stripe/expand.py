"""`expand[]`: ids replaced by the objects they name (https://docs.stripe.com/api/expanding_objects)."""

from typing import Any

from localcloud.stripe.errors import StripeError, invalid
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

DEEPEST = 4


def expand(work: Work, obj: Obj, paths: list[str]) -> Obj:
    """Expand every path in a presented object or list, in place. Raises 400 for what cannot be expanded."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEEPEST:
            message = (
                f"You cannot expand more than {DEEPEST} levels of a property. Property: {path}"
            )
            raise invalid(message, "expand")
        _walk(work, obj, parts, path, obj)
    return obj


def _refuse(path: str, top: Obj) -> StripeError:
    hint = ""
    if top.get("object") == "list" and not path.startswith("data"):
        hint = f" You may want to try expanding 'data.{path}' instead."
    return invalid(f"This property cannot be expanded ({path}).{hint}", "expand")


def _walk(work: Work, owner: Obj, parts: list[str], path: str, top: Obj, prefix: str = "") -> None:
    """Follow `parts` from `owner`; `prefix` leads from the owning object into a plain hash of it."""
    holder: Any = owner
    for step in prefix.split(".") if prefix else []:
        holder = holder[step]
    name = f"{prefix}.{parts[0]}" if prefix else parts[0]
    value = _fetch(work, owner, holder, parts[0], name, path, top, last=len(parts) == 1)
    if len(parts) == 1 or value is None:
        return
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                _walk(work, item, parts[1:], path, top)
    elif "object" in value:
        _walk(work, value, parts[1:], path, top)
    else:
        _walk(work, owner, parts[1:], path, top, name)


def _fetch(
    work: Work, owner: Obj, holder: Obj, part: str, name: str, path: str, top: Obj, *, last: bool
) -> Any:
    """The value at `part`, expanded if it can be; a hash or list on the way needs no expanding."""
    resource = work.resources.get(str(owner.get("object")))
    value = holder.get(part)
    if resource and name in resource.included:
        if part not in holder:
            stored = work.find(resource.kind, str(owner.get("id"))) or owner
            holder[part] = resource.included[name](work, stored)
        return holder[part]
    if resource and name in resource.expandable:
        kind = resource.expandable[name]
        holder[part] = value = _resolve(work, kind, value)
        return value
    embedded = isinstance(value, dict) and "object" in value
    if embedded or (not last and isinstance(value, dict | list)):
        return value
    raise _refuse(path, top)


def _resolve(work: Work, kind: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_resolve(work, kind, item) for item in value]
    found = work.find(kind, value) if isinstance(value, str) else None
    return work.present(found) if found else value

"""`expand[]`: ids replaced by the objects they name (https://docs.stripe.com/api/expanding_objects)."""

from dataclasses import dataclass
from typing import Any

from localcloud.stripe.errors import StripeError, invalid
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

DEEPEST = 4


def expand(work: Work, obj: Obj, paths: list[str]) -> Obj:
    """Expand every path in a presented object or list, in place.

    Raises 400 for a path that is too deep or leads to something that is no object.
    """
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEEPEST:
            message = f"You cannot expand more than {DEEPEST} levels of a property."
            raise invalid(f"{message} Property: {path}", "expand")
        _Path(work, obj, path).walk(obj, parts)
    return obj


@dataclass(frozen=True)
class _Path:
    """One path, and the answer `top` in which it is followed."""

    work: Work
    top: Obj
    path: str

    def walk(self, owner: Obj, parts: list[str], inside: str = "") -> None:
        """Follow `parts` from an object, or from the plain hash that lies at `inside` in it."""
        holder: Any = owner
        for step in inside.split(".") if inside else []:
            holder = holder[step]
        name = f"{inside}.{parts[0]}" if inside else parts[0]
        value = self._value(owner, holder, name, last=len(parts) == 1)
        if len(parts) == 1 or value is None:
            return
        if isinstance(value, list):
            for item in value:
                if isinstance(item, dict):
                    self.walk(item, parts[1:])
        elif "object" in value:
            self.walk(value, parts[1:])
        else:
            self.walk(owner, parts[1:], name)

    def _value(self, owner: Obj, holder: Obj, name: str, *, last: bool) -> Any:
        """The value there, expanded if it can be; a hash or list on the way needs no expanding."""
        part = name.rpartition(".")[2]
        resource = self.work.resources.get(str(owner.get("object")))
        if resource and name in resource.included:
            if part not in holder:
                stored = self.work.find(resource.kind, str(owner.get("id"))) or owner
                holder[part] = resource.included[name](self.work, stored)
            return holder[part]
        value = holder.get(part)
        if resource and name in resource.expandable:
            holder[part] = value = self._resolve(resource.expandable[name], value)
            return value
        embedded = isinstance(value, dict) and "object" in value
        if embedded or (not last and isinstance(value, dict | list)):
            return value
        raise self._refusal()

    def _resolve(self, kind: str, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolve(kind, item) for item in value]
        found = self.work.find(kind, value) if isinstance(value, str) else None
        return self.work.present(found) if found else value

    def _refusal(self) -> StripeError:
        hint = ""
        if self.top.get("object") == "list" and not self.path.startswith("data"):
            hint = f" You may want to try expanding 'data.{self.path}' instead."
        return invalid(f"This property cannot be expanded ({self.path}).{hint}", "expand")

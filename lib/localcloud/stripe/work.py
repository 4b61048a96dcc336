"""One unit of work: store, time and who asked, handed to everything that changes objects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from localcloud.config import StackConfig
from localcloud.stripe.errors import no_such
from localcloud.stripe.nouns import new_id
from localcloud.stripe.store import Obj, Store

if TYPE_CHECKING:
    from localcloud.stripe.registry import Resource


@dataclass
class Work:
    """A request, a page's post or a deadline, inside one transaction.

    `now` is the business time in epoch seconds, `version` the caller's API version, `base_url`
    where browsers reach our pages. `wall` is real time, for the transport of events. `config` is
    the stack's.
    """

    store: Store
    resources: "Mapping[str, Resource]"
    now: int
    wall: float
    version: str
    base_url: str
    config: StackConfig
    request_id: str | None = None
    idempotency_key: str | None = None
    announce: Callable[["Work", str, Obj, Obj | None], None] = field(
        repr=False, default=lambda *_: None
    )

    @property
    def base_path(self) -> str:
        """What stands before the path of our pages, for a browser that reaches them by a proxy."""
        return urlsplit(self.base_url).path

    def find(self, kind: str, identifier: str | None) -> Obj | None:
        """The stored object, deleted ones too, or None."""
        return self.store.get(kind, identifier) if identifier else None

    def need(self, kind: str, identifier: str, *, param: str | None = None) -> Obj:
        """The stored object, unless deleted; else 404, or 400 if a parameter (`param`) named it."""
        obj = self.store.get(kind, identifier)
        if obj is None or obj.get("_deleted"):
            raise no_such(kind, identifier, param=param or "id", status=400 if param else 404)
        return obj

    def new(self, kind: str, **fields: Any) -> Obj:
        """A new object of that kind, not stored yet, with id, creation time and test mode."""
        head = {"id": new_id(kind), "object": kind, "created": self.now, "livemode": False}
        return {**head, **fields}

    def present(self, obj: Obj) -> Obj:
        """The object as the API shows it, in the newest version's shape and unexpanded."""
        return self.resources[obj["object"]].present(self, obj)

    def create(self, obj: Obj, event: str | None = None) -> Obj:
        """Store a new object and announce it."""
        self.store.put(obj)
        if event:
            self.announce(self, event, self.present(obj), None)
        return obj

    def update(self, obj: Obj, event: str | None = None, **changes: Any) -> Obj:
        """Change an object, store it, and announce it if that changed anything that can be seen."""
        before = self.present(obj) if event else None
        obj.update(changes)
        self.store.put(obj)
        if event and before is not None:
            after = self.present(obj)
            previous = difference(before, after)
            if previous or not event.endswith(".updated"):
                shown = previous if event.endswith((".updated", ".detached")) else None
                self.announce(self, event, after, shown)
        return obj

    def announce_change(self, event: str, before: Obj, obj: Obj) -> None:
        """Announce what, if anything, differs from `before`, the object as presented earlier."""
        after = self.present(obj)
        if previous := difference(before, after):
            self.announce(self, event, after, previous)

    def emit(self, event: str, obj: Obj) -> None:
        """Announce an object as it is."""
        self.announce(self, event, self.present(obj), None)


def difference(before: Obj, after: Obj) -> Obj:
    """Stripe's `previous_attributes`: old values of what changed, hashes by key, lists whole."""
    changed: Obj = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict) and new:
            changed[name] = difference(old, new)
        else:
            changed[name] = old
    return changed


def plain(work: Work, obj: Obj) -> Obj:
    """All but the internal fields (`_…`); of a deleted object only that it is deleted."""
    if obj.get("_deleted"):
        return {"id": obj["id"], "object": obj["object"], "deleted": True}
    return {name: value for name, value in obj.items() if name[0] != "_"}


def given(obj: Obj, params: Obj, *names: str) -> Obj:
    """Changes of an object: those of the fields `names` that a request gives, and its metadata."""
    found: Obj = {name: params[name] for name in names if name in params}
    if "metadata" in params:
        found["metadata"] = merge_metadata(obj["metadata"], params["metadata"])
    return found


def merge_metadata(old: Mapping[str, str], new: Mapping[str, str | None] | None) -> dict[str, str]:
    """Stripe's rule: keys are merged, an emptied key goes, an emptied whole removes all."""
    if new is None:
        return {}
    merged = {**old, **new}
    return {key: value for key, value in merged.items() if value is not None}

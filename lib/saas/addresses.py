"""Which e-mail address a user has, when credentials say different things at the same time.

A person changes the address at the site, and for weeks an older session on another device, or a
token of the pool, still carries the one before. The newest change counts, and no two credentials
may rewrite the address in turns.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

MAX_TAKEN = 10
# Sites renew a session's `iat` without a new sign-in, so that an old address may look new. Somebody
# may really have gone back to it, so it is taken up again, but only so often in such a time: what
# two devices say in turns comes to rest, and a change that lasts counts in the end.
MAX_TIMES, WITHIN_SECONDS = 2, 30 * 24 * 3600


@dataclass(frozen=True)
class Sighting:
    """An address as a credential names it: its kind, and when it was issued (epoch seconds)."""

    address: str
    source: str
    issued_at: int


@dataclass(frozen=True)
class Addresses:
    """A user's address and where it came from.

    `seen` has the last address that each kind of credential brought, `taken` all addresses that
    were the user's in turn, with the time at which the credential that brought them was issued.
    `stored` is what both were read from.
    """

    current: str
    seen: Mapping[str, str]
    taken: tuple[tuple[str, int], ...]
    stored: Any = field(default=None, compare=False)

    @classmethod
    def from_item(cls, current: str, stored: object) -> "Addresses":
        """From `to_item`; what is absent or of another shape counts as unknown."""
        fields = stored if isinstance(stored, dict) else {}
        seen, taken = fields.get("seen"), fields.get("taken")
        return cls(
            current,
            {kind: str(last) for kind, last in (seen if isinstance(seen, dict) else {}).items()},
            tuple((pair[0], pair[1]) for pair in _list(taken) if _is_pair(pair)),
            stored,
        )

    def to_item(self) -> dict[str, Any]:
        """What is stored beside the address."""
        return {"seen": dict(self.seen), "taken": [list(pair) for pair in self.taken]}

    def after(self, sighting: Sighting) -> "Addresses | None":
        """What is to be stored once an address was sighted; None when nothing changes.

        Only a change counts: a credential that goes on saying what its kind said before was
        there when another kind brought the present address. A kind that brings the present
        address has caught up, so that what it goes on saying is no change later either.
        """
        address, source = sighting.address, sighting.source
        last = self.seen.get(source, self.current)
        if not address or address == last:
            return None
        if address == self.current:
            return replace(self, seen={**self.seen, source: address})
        issued_at = min(sighting.issued_at or int(time.time()), int(time.time()))
        taken = self.taken or (((self.current, 0),) if self.current else ())
        if not _is_newer(address, issued_at, taken):
            return None
        others = {kind: self.current for kind in ("cookie", "bearer") if self.current}
        return Addresses(
            address,
            {**others, **self.seen, source: address},
            (*taken, (address, issued_at))[-MAX_TAKEN:],
        )


def _is_newer(address: str, issued_at: int, taken: tuple[tuple[str, int], ...]) -> bool:
    newest = taken[-1][1] if taken else 0
    times = [at for each, at in taken if each == address]
    if not times:
        return issued_at >= newest
    lately = [at for at in times if at > issued_at - WITHIN_SECONDS]
    return issued_at > newest and len(lately) < MAX_TIMES


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_pair(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        return False
    return isinstance(value[0], str) and isinstance(value[1], int)

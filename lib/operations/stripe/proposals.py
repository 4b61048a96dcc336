"""The list of payers to adopt: proposed by the command, decided in a file by a person."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from operations import private_file
from operations.errors import OperationError

YES = frozenset({"yes", "y", "x", "1", "true"})
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Proposal:
    """A line: `approve` is for the person who reads it, `user` may be corrected by them."""

    approve: str
    customer: str
    user: str
    email: str
    subscriptions: str
    basis: str
    note: str

    @property
    def is_approved(self) -> bool:
        return self.approve.strip().lower() in YES

    def __str__(self) -> str:
        who = f"{self.user} ({self.basis})" if self.user else f"? {self.note}"
        return f"  {self.customer} {self.email or '-'}, {self.subscriptions} → {who}"


NAMES = tuple(each.name for each in fields(Proposal))


def without_doubles(proposals: Sequence[Proposal]) -> list[Proposal]:
    """A user has one customer: whoever is proposed for several is proposed for none."""
    counts = Counter(each.user for each in proposals if each.user)
    return [
        replace(
            each, user="", basis="", note=f"{each.user} fits several customers: decide which one"
        )
        if counts[each.user] > 1
        else each
        for each in proposals
    ]


def keep_decisions(proposals: Iterable[Proposal], before: Sequence[Proposal]) -> list[Proposal]:
    """What a person wrote into an earlier file stays when the list is made anew."""
    earlier = {each.customer: each for each in before}
    kept = []
    for each in proposals:
        old = earlier.get(each.customer)
        if old and (old.is_approved or not each.user):
            kept.append(replace(each, approve=old.approve, user=old.user))
        else:
            kept.append(each)
    return kept


def write(path: Path, proposals: Iterable[Proposal]) -> None:
    """Replace the file, which names people."""
    text = io.StringIO()
    writer = csv.DictWriter(text, NAMES)
    writer.writeheader()
    writer.writerows(
        {key: _harmless(value) for key, value in asdict(each).items()} for each in proposals
    )
    private_file.replace(path, text.getvalue())


def read(path: Path) -> list[Proposal]:
    """The lines of a file, however it was edited.

    Raises:
        OperationError: it is no such file, or a customer stands in it twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, restval=""))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OperationError(f"{path} cannot be read: {error}") from error
    if any(not _is_row(row) for row in rows):
        raise OperationError(f"{path} is not the list that this command wrote: make it anew.")
    found = [Proposal(**{name: _plain(row.get(name) or "") for name in NAMES}) for row in rows]
    twice = [name for name, count in Counter(each.customer for each in found).items() if count > 1]
    if twice:
        raise OperationError(f"{path} names {', '.join(twice)} more than once.")
    return found


def approved(path: Path, proposals: Sequence[Proposal]) -> list[Proposal]:
    """The lines that a person agreed to.

    Raises:
        OperationError: one of them names no user, or two name the same.
    """
    chosen = [each for each in proposals if each.is_approved]
    if missing := [each.customer for each in chosen if not each.user]:
        raise OperationError(f"{path} approves {', '.join(missing)} without naming a user.")
    counts = Counter(each.user for each in chosen)
    if twice := [user for user, count in counts.items() if count > 1]:
        raise OperationError(
            f"{path} gives {', '.join(twice)} several customers. A user has one: approve one line."
        )
    return chosen


def _is_row(row: Mapping[str | None, str | list[str]]) -> bool:
    return {"approve", "customer", "user"} <= row.keys() and bool(row["customer"])


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(text: str) -> str:
    quoted = text.startswith("'") and text[1:].startswith(_FORMULA)
    return (text[1:] if quoted else text).strip()

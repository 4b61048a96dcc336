"""What a check found, one line each."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One check: what is so (`text`), and what to do about it (`remedy`, if anything)."""

    check: str
    state: State
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        line = f"{self.state:<7}  {self.check:<26} {self.text}"
        return f"{line} → {self.remedy}" if self.remedy else line

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def ok(check: str, text: str) -> Finding:
    return Finding(check, "ok", text)


def warning(check: str, text: str, remedy: str = "") -> Finding:
    return Finding(check, "warning", text, remedy)


def problem(check: str, text: str, remedy: str = "") -> Finding:
    return Finding(check, "problem", text, remedy)


def problems(findings: Iterable[Finding]) -> list[Finding]:
    """Those that have to be dealt with."""
    return [finding for finding in findings if finding.state == "problem"]

"""Files of the repository that are made from its code, and checked against it."""

import sys
from pathlib import Path

from localcloud.config import ROOT


def keep(path: Path, text: str, source: str, *, check: bool) -> int:
    """Write a file, or with `check` only compare it; returns the process's exit code.

    `source` names what it is made from, in the sentence about a file that is out of date.
    """
    name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    if not check:
        path.write_text(text, encoding="utf-8")
        print(f"wrote {name}")
        return 0
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return 0
    print(f"{name} does not match {source}. Run `make fix` and commit it.", file=sys.stderr)
    return 1

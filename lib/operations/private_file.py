"""Files that only their owner may read: they hold secrets, or name people."""

import os
import tempfile
from pathlib import Path


def replace(path: Path, text: str) -> None:
    """Replace a file in one step; nobody else can read it at any moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    Path(name).replace(path)  # mkstemp made it 0600

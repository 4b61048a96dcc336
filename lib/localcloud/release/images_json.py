"""`images.json`: what was released, by digest. Deployment reads this file and nothing else."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from localcloud.config import ROOT


@dataclass(frozen=True)
class Released:
    """One image of a release. The repository belongs to the environment that deploys it."""

    platform: str
    digest: str
    revision: str
    inputs: str


def revision() -> str:
    """The commit of the sources; `-dirty` marks one with changes on top, `unknown` none."""
    arguments = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def write(path: Path, released: Mapping[str, Released]) -> None:
    """Replace the file in one step: a reader sees the old release or the new one, never a part."""
    text = json.dumps({image: asdict(entry) for image, entry in released.items()}, indent=2)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

"""The code that ran before the present one: what a rollback brings back."""

import io
import subprocess
import tarfile
from pathlib import Path

from localcloud.config import ROOT

_CODE = ("images", "lib/saas")


def unpack_previous(folder: Path) -> str:
    """Write the tree before the last change of `images/` or `lib/saas` into a folder.

    Returns its revision. A shallow clone has no such history: then it is the present tree, which
    only goes by another digest, and the revision is `present`.
    """
    last = _git("log", "-1", "--format=%H", "--", *_CODE).decode().strip()
    before = _git("rev-parse", "--verify", "--quiet", f"{last}~1").decode().strip() if last else ""
    # `images/functions.json` and the packages are read from the tree alone, so all of it is needed.
    archive = _git("archive", before or "HEAD", "lib", "images")
    if not archive:
        raise AssertionError("git archive wrote nothing: these tests run in a git checkout")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tree:
        tree.extractall(folder, filter="data")
    return before or "present"


def _git(*arguments: str) -> bytes:
    """What git prints; nothing when it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""

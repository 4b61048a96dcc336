"""What goes into an image, and one hash of all of it."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.config import ROOT

SHIPPED = "shipped"
LOCAL = "local"
_IGNORED = re.compile(r"/__pycache__/|\.pyc$|/\.env")
"""The same as in `.dockerignore`: what never reaches a build."""


@dataclass
class Stage:
    """One stage of a Dockerfile: the stages it takes from, the repository paths it copies."""

    parents: set[str] = field(default_factory=set)
    copied: list[str] = field(default_factory=list)


def parse(dockerfile: str) -> dict[str, Stage]:
    """The named stages of a Dockerfile's text."""
    stages: dict[str, Stage] = {}
    current = Stage()
    for line in dockerfile.replace("\\\n", " ").splitlines():
        words = line.split()
        if words[:1] == ["FROM"]:
            source = next(word for word in words[1:] if not word.startswith("--"))
            current = stages.setdefault(words[-1], Stage({source}))
        elif words[:1] == ["COPY"] and words[1].startswith("--from="):
            current.parents.add(words[1].removeprefix("--from="))
        elif words[:1] == ["COPY"]:
            current.copied += words[1:-1]
    return stages


def copied_paths(stages: dict[str, Stage], target: str) -> set[str]:
    """Repository paths that `target` and every stage below it copy."""
    stage = stages[target]
    found = set(stage.copied)
    for parent in stage.parents & stages.keys():
        found |= copied_paths(stages, parent)
    return found


def input_files(image: str, target: str, root: Path = ROOT) -> list[Path]:
    """All files that a build of `image` up to `target` reads, sorted by path."""
    dockerfile = root / "images" / image / "Dockerfile"
    files = {dockerfile, root / ".dockerignore"}
    for copied in copied_paths(parse(dockerfile.read_text(encoding="utf-8")), target):
        path = root / copied
        files |= {path} if path.is_file() else {file for file in path.rglob("*") if file.is_file()}
    return sorted(file for file in files if not _IGNORED.search(file.as_posix()))


def input_hash(image: str, target: str, *, base: str, platform: str, root: Path = ROOT) -> str:
    """SHA-256 (hex) of everything that decides what the image contains.

    Args:
        image: the domain.
        target: the Dockerfile's stage.
        base: what identifies the base's content: a digest or an image id.
        platform: such as `linux/amd64`.
        root: the repository.
    """
    total = hashlib.sha256(f"{image}\n{target}\n{base}\n{platform}\n".encode())
    for file in input_files(image, target, root):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{file.relative_to(root).as_posix()} {content}\n".encode())
    return total.hexdigest()

"""Plans of the application root without an account: Terraform's tests and a mock provider."""

import json
import shutil
from pathlib import Path
from typing import Any

from localcloud.config import ROOT
from operations.terraform import Terraform

APP = ROOT / "terraform" / "app"
RELEASE: dict[str, Any] = json.loads((APP / "tests" / "release.json").read_text())
PRETENDING = 'mock_provider "aws" {}\n'
RUN = 'run "plan" {\n  command = plan\n}\n'


def copied(place: Path) -> Path:
    """A copy of the root and of all that it reads, without its tests; initialised."""
    keep = shutil.ignore_patterns(".terraform", "*.tftest.hcl")
    shutil.copytree(ROOT / "terraform", place / "terraform", ignore=keep)
    for name in ("images/functions.json", "docs/openapi.json"):
        (place / name).parent.mkdir()
        shutil.copy(ROOT / name, place / name)
    root = place / "terraform" / "app"
    prepared = _terraform(root).run("init", "-backend=false", "-input=false")
    assert prepared.status == 0, prepared.output
    return root


def planned(
    root: Path, cases: dict[str, str], *options: str, pretending: str = PRETENDING
) -> dict[str, list[dict[str, Any]]]:
    """Terraform's messages ("Machine-Readable UI") on each case.

    Args:
        cases: assignments of variables, by name; each is planned by a test file of its own, since
            a failed run ends its file.
        options: of `terraform test`.
        pretending: the block of the provider.
    """
    tests = root / "tests"
    shutil.rmtree(tests, ignore_errors=True)
    tests.mkdir()
    files = {f"tests/case-{index}.tftest.hcl": name for index, name in enumerate(cases)}
    for path, name in files.items():
        (root / path).write_text(f"{pretending}variables {{\n{cases[name]}\n}}\n{RUN}")
    messages: dict[str, list[dict[str, Any]]] = {name: [] for name in cases}
    for line in _terraform(root).run("test", "-json", *options).output.splitlines():
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("@testfile") in files:
            messages[files[message["@testfile"]]].append(message)
    return messages


def errors(messages: list[dict[str, Any]]) -> str:
    """What Terraform refuses, in its own words."""
    found = [message["diagnostic"] for message in messages if message["type"] == "diagnostic"]
    return "\n".join(each["detail"] for each in found if each["severity"] == "error")


def _terraform(root: Path) -> Terraform:
    return Terraform(root, root / ".terraform", say=None)

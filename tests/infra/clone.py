"""A clone of this repository in which an operator works: its own `.local`, tfvars and images."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.config import ROOT, StackConfig
from operations.terraform import Terraform
from tests.infra.terraform import cli_config

_PARTS = ("lib", "images", "docs/openapi.json", "terraform")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", ".terraform", "*_override.tf", "terraform.tfvars")
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG")
SECONDS = 420


@dataclass(frozen=True)
class Outcome:
    """How a command ended; `output` is everything it printed."""

    status: int
    output: str

    def ok(self) -> "Outcome":
        """Itself, if the command succeeded."""
        assert self.status == 0, f"exit status {self.status}:\n{self.output[-6000:]}"
        return self


@dataclass(frozen=True)
class Clone:
    """Operators' commands run in `folder` against a local AWS, as `make` runs them."""

    folder: Path
    config: StackConfig

    @classmethod
    def made(cls, folder: Path, config: StackConfig) -> "Clone":
        """Copy what operators' commands read."""
        for part in _PARTS:
            source, target = ROOT / part, folder / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=_LEFT_OUT)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)
        return cls(folder, config)

    def configure(self, env: str, settings: Mapping[str, str]) -> None:
        """Set variables in an environment's tfvars file; values are HCL."""
        path = self.folder / "terraform" / "app" / "envs" / f"{env}.tfvars"
        lines = [
            line
            for line in path.read_text().splitlines()
            if line.partition("=")[0].strip() not in settings
        ]
        added = [f"{name} = {value}" for name, value in settings.items()]
        path.write_text("\n".join([*lines, *added, ""]))

    def run(self, command: str, *arguments: str, given: str = "") -> Outcome:
        """`python -m operations <command> …` to its end; `given` is its standard input."""
        with self.start(command, *arguments) as process:
            try:
                output, _ = process.communicate(given, timeout=SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Outcome(process.returncode, output)

    def start(self, command: str, *arguments: str) -> "subprocess.Popen[str]":
        """The same, while the caller goes on."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "operations", command, *arguments],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def planned(self, env: str) -> dict[str, Any]:
        """The plan that `plan` has saved, in Terraform's "JSON Output Format"."""
        data_dir = self.folder / ".local" / "terraform" / env
        root = self.folder / "terraform" / "app"
        terraform = Terraform(root, data_dir, self.environment(), say=None)
        return terraform.planned(data_dir / "plan.tfplan")

    def environment(self) -> dict[str, str]:
        """An operator's shell: nothing of the developer's own AWS, local AWS instead of it."""
        return {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            **self.config.aws_environment(),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "PYTHONPATH": str(self.folder / "lib"),
            "PYTHONUNBUFFERED": "1",
            "STRIPE_API_BASE": self.config.stripe_url,
            "TF_CLI_CONFIG_FILE": str(cli_config()),
        }

"""Runs the terraform binary: one root, one data folder per environment, output as it comes."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import current_thread, main_thread
from typing import IO, Any, cast

from operations import providers
from operations.errors import OperationError
from operations.place import LOCAL

MINIMUM = (1, 11)
NO_CHANGES, FAILED, CHANGES = 0, 1, 2
"""Exit statuses of `plan -detailed-exitcode`."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_INSTALL = "Install Terraform 1.11 or newer: https://developer.hashicorp.com/terraform/install"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """How a terraform command ended; `output` is all it printed, without colours."""

    status: int
    output: str


def show(line: str) -> None:
    """Print one line of progress at once."""
    print(line, flush=True)


@lru_cache(maxsize=1)
def binary() -> str:
    """The terraform to use.

    Raises:
        OperationError: there is none, or it is too old for write-only arguments and for state
            locking by S3 itself (Terraform's upgrade guide to 1.11).
    """
    path = shutil.which("terraform")
    if not path:
        raise OperationError(f"Terraform was not found on the PATH. {_INSTALL}")
    environment = {**os.environ, "CHECKPOINT_DISABLE": "1"}
    environment.pop(providers.VARIABLE, None)
    done = subprocess.run(
        [path, "version", "-json"], env=environment, capture_output=True, text=True, check=False
    )
    found = re.search(r'"terraform_version":\s*"([0-9]+)\.([0-9]+)([^"]*)"', done.stdout)
    if not found:
        raise OperationError(f"'{path} version' failed: {done.stderr.strip()[:200]}. {_INSTALL}")
    if (int(found[1]), int(found[2])) < MINIMUM:
        version = f"{found[1]}.{found[2]}{found[3]}"
        raise OperationError(f"{path} is version {version}. {_INSTALL}")
    return path


class Terraform:
    """A root module with its working data, for one environment.

    Args:
        root: folder of the root module.
        data_dir: Terraform's own folder (`TF_DATA_DIR`): backend, modules, providers.
        environment: the whole environment to run with (default: this process's).
        say: where lines of output go; None keeps quiet.
    """

    def __init__(
        self,
        root: Path,
        data_dir: Path,
        environment: Mapping[str, str] | None = None,
        say: Say | None = show,
    ) -> None:
        self.root = root.resolve()
        self.data_dir = data_dir.resolve()
        self._given = dict(os.environ if environment is None else environment)
        self._say = say

    def run(self, *arguments: str, quiet: bool = False) -> Outcome:
        """Run a command to its end, whatever its exit status.

        Ctrl-C reaches Terraform as well, which finishes the change in hand and saves the state;
        this waits for it. `quiet` keeps the output off the terminal.

        Raises:
            OperationError: Terraform is missing or too old.
            KeyboardInterrupt: somebody pressed Ctrl-C; Terraform has ended.
        """
        command = [binary(), f"-chdir={self.root}", *arguments]
        say = None if quiet else self._say
        lines: list[str] = []
        with (
            _interruptions() as interrupted,
            subprocess.Popen(
                command,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
            ) as process,
        ):
            _drain(cast(IO[str], process.stdout), lines, say)
        if interrupted:
            raise KeyboardInterrupt
        return Outcome(process.returncode, _COLOUR.sub("", "".join(lines)))

    def init(
        self,
        backend: Mapping[str, str] | None = None,
        *,
        migrate: bool = False,
        quiet: bool = False,
    ) -> Outcome:
        """Prepare the root.

        Args:
            backend: settings of its backend that the code leaves open.
            migrate: copy the state that lies at the previous backend into this one.
        """
        settings = [f"-backend-config={name}={value}" for name, value in (backend or {}).items()]
        change = ("-migrate-state", "-force-copy") if migrate else ("-reconfigure",)
        return self.run("init", "-input=false", *change, *settings, quiet=quiet)

    def plan(self, saved: Path, *arguments: str) -> Outcome:
        """Write a plan file. Status: NO_CHANGES, CHANGES or FAILED."""
        saved.parent.mkdir(parents=True, exist_ok=True)
        return self.run(
            "plan", "-input=false", "-detailed-exitcode", f"-out={saved.resolve()}", *arguments
        )

    def apply(self, saved: Path) -> Outcome:
        """Apply exactly the plan in the file."""
        return self.run("apply", "-input=false", str(saved.resolve()))

    def planned(self, saved: Path) -> dict[str, Any]:
        """The plan file as Terraform's "JSON Output Format" describes it."""
        return self._json("show", "-json", str(saved.resolve()))

    def outputs(self) -> dict[str, Any]:
        """Values of the root's outputs by name; empty when nothing was applied."""
        found = self._json("output", "-json")
        return {name: output["value"] for name, output in found.items()}

    def state(self) -> dict[str, Any]:
        """The state as Terraform's "JSON Output Format" describes it."""
        return self._json("show", "-json")

    def resources(self) -> list[str]:
        """Addresses in the state."""
        outcome = self.run("state", "list", quiet=True)
        if outcome.status and "No state file was found" not in outcome.output:
            raise OperationError(f"terraform state list failed: {outcome.output.strip()[-500:]}")
        return [] if outcome.status else outcome.output.split()

    def _json(self, *arguments: str) -> dict[str, Any]:
        outcome = self.run(*arguments, quiet=True)
        if outcome.status:
            text = outcome.output.strip()[-500:]
            raise OperationError(f"terraform {arguments[0]} failed: {text}")
        # Warnings may stand before the document, or after it.
        document = outcome.output[outcome.output.index("{") :]
        found: dict[str, Any] = json.JSONDecoder().raw_decode(document)[0]
        return found

    def _environment(self) -> dict[str, str]:
        """The given one, with this root's data folder and a CLI configuration that exists."""
        found = {**self._given, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
        found["TF_DATA_DIR"] = str(self.data_dir)
        config = providers.cli_config(self._given, LOCAL / "terraform")
        if config:
            found[providers.VARIABLE] = str(config)
        else:
            found.pop(providers.VARIABLE, None)
        return found


def _drain(output: IO[str], lines: list[str], say: Say | None) -> None:
    for line in output:
        lines.append(line)
        if say:
            say(line.rstrip("\n") if sys.stdout.isatty() else _COLOUR.sub("", line.rstrip("\n")))


@contextmanager
def _interruptions() -> Iterator[list[int]]:
    """Ctrl-C is noted instead of raised: raised, it would take a line away from who just reads."""
    noted: list[int] = []
    if current_thread() is not main_thread():
        yield noted
        return
    before = signal.signal(signal.SIGINT, lambda number, _frame: noted.append(number))
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, before)

"""Whether Terraform and its AWS provider are there, and where."""

import atexit
import os
import shutil
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

from operations import providers
from operations.errors import OperationError
from operations.place import APP
from operations.terraform import Terraform, binary


def missing() -> str:
    """Why nothing can be applied on this machine, in one line; empty when it can."""
    try:
        binary()
    except OperationError as error:
        return str(error)
    return ""


@lru_cache(maxsize=1)
def cli_config() -> Path:
    """A CLI configuration that names the provider mirror of this machine, if there is one.

    Found once for all commands, since it may take a search of the disk; without a mirror Terraform
    downloads the provider as usual.
    """
    folder = Path(tempfile.mkdtemp(prefix="groundwork-terraform-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    found = providers.cli_config({**os.environ, "CI": "true"}, folder)
    path = found or folder / "empty.tfrc"
    path.touch()
    return path


def trouble() -> str:
    """Why the tests cannot run, in one line, or nothing; also asks for the provider itself."""
    if reason := missing():
        return reason
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(APP / "versions.tf", folder)
        shutil.copy(APP / ".terraform.lock.hcl", folder)
        variables = {**os.environ, "TF_CLI_CONFIG_FILE": str(cli_config())}
        root = Path(folder)
        outcome = Terraform(root, root / "data", variables, say=None).run("init", "-backend=false")
    if outcome.status == 0:
        return ""
    reason = next((line for line in outcome.output.splitlines() if "Error:" in line), "")
    return (
        f"Terraform cannot get its AWS provider ({reason.strip('│ ')}). It downloads it, or takes "
        "it from a mirror on this machine."
    )


if __name__ == "__main__":
    if found := trouble():
        sys.exit(f"test-infra: {found}")

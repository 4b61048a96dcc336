"""Whether Terraform and its AWS provider are there, and where."""

import atexit
import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from operations import providers
from operations.errors import OperationError
from operations.terraform import binary


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

"""One whole stack for all end-to-end tests, on free ports, with a state directory of its own."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.stack import Stack

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(port=0, state_dir=tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def endpoints(stack: Stack) -> dict[str, Any]:
    return stack.endpoints()


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; without one the browser tests are skipped, which CI does not accept."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found:
        return found
    reason = "no Chromium found: install it, or set CHROMIUM to its path, to run the browser tests"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)

"""One whole stack for all end-to-end tests, on free ports, with a state directory of its own."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from localcloud.stack import Stack
from tests.e2e.browsing import NO_CHROMIUM, chromium_at, chromium_path


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(port=0, state_dir=tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="session")
def endpoints(stack: Stack) -> dict[str, Any]:
    return stack.endpoints()


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; without one the browser tests are skipped."""
    return chromium_path() or pytest.skip(NO_CHROMIUM)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with chromium_at(chromium) as launched:
        yield launched

"""An account with everything applied, shared by the tests that look at it.

Tests run side by side in processes (`make test-infra`): those of one `xdist_group` share a process,
and with it the fixtures of the session. Each group has an account of its own.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.history import unpack_previous
from tests.infra.stack import PRESENT, PREVIOUS, LocalAccount, local_account
from tests.infra.terraform import missing

SECONDS = 600
"""For a test with its fixtures: the first one of a group applies everything."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(SECONDS))
            if "applied" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.xdist_group("applied"))


@pytest.fixture(scope="session", autouse=True)
def _terraform() -> None:
    if reason := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAccount]:
    """An account after `make bootstrap`, and a clone that knows the previous code, too."""
    folder = tmp_path_factory.mktemp("account")
    with local_account(folder) as made:
        unpack_previous(folder / PREVIOUS)
        made.code[PREVIOUS] = folder / PREVIOUS
        made.clone.run("bootstrap", "--yes", "--repository=example/groundwork").ok()
        yield made


@pytest.fixture(scope="session")
def applied(account: LocalAccount) -> LocalAccount:
    """The previous images deployed, payments set up, then the present images deployed."""
    account.deploy(account.build(PREVIOUS)).ok()
    account.set_up_payments()
    account.deploy(account.build(PRESENT)).ok()
    return account

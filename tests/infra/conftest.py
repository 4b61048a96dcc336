"""An account with everything applied, shared by the tests that look at it.

`make test-infra` runs files side by side in processes, since waiting takes most of their time. The
files that share the account run in one process, one after the other in the order of their names.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.infra.history import unpack_previous
from tests.infra.stack import PRESENT, PREVIOUS, LocalAccount, local_account
from tests.infra.terraform import missing

SECONDS = 600
"""For a test with its fixtures: the first one of a group applies everything."""


SHARING = (
    "test_applied.py",
    "test_commands.py",
    "test_policies.py",
    "test_release.py",
    "test_tampered.py",
)
"""Files whose tests use the fixture `applied`."""


class ByAccount(LoadScopeScheduling):  # type: ignore[misc]  # xdist's types are not exported
    """Keeps files together, and those that share an account. (xdist's own `loadgroup` does not
    work with this pytest: it renames tests by a field that pytest no longer reads.)"""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return "applied" if Path(path).name in SHARING else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByAccount:
    return ByAccount(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(SECONDS))
            shares = "applied" in getattr(item, "fixturenames", ())
            assert not shares or item.path.name in SHARING, f"add {item.path.name} to SHARING"


@pytest.fixture(scope="session", autouse=True)
def _terraform() -> None:
    if reason := missing():
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

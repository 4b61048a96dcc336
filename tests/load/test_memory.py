"""What a stack takes of a laptop's memory: when it has started, and after many calls."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from localcloud.stack import Stack
from tests.conftest import NOT_HERE
from tests.load.crowd import FULL, MEASURABLE, USERS, calls, memory_of, user_id, users, write_items

pytestmark = pytest.mark.skipif(not MEASURABLE, reason=NOT_HERE + "Linux alone tells a share")
IDLE = 400
"""MB at the most."""
AFTER = 700
STORED = 9_000 if FULL else 900
ASKED = 1_000 if FULL else 100


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(port=0, state_dir=tmp_path_factory.mktemp("memory")) as running:
        yield running


def test_an_idle_stack_is_small(stack: Stack) -> None:
    for domain in ("users", "billing", "ai"):
        answer = requests.get(f"{stack.site_url}/backend/health/{domain}", timeout=30)
        assert answer.status_code == 200
    found = _settled(stack)
    assert len(found) >= 7
    assert sum(found.values()) <= IDLE, found


def test_a_stack_with_ten_thousand_calls_is_no_giant(stack: Stack) -> None:
    write_items(stack.config, [*users(USERS), *calls(STORED, USERS)])
    with ThreadPoolExecutor(2) as pool:
        answered = sum(pool.map(lambda number: _ask(stack, number % USERS), range(ASKED)))
    assert answered == ASKED
    for path in ("", "calls", "users", "logs"):
        assert requests.get(f"{stack.site_url}/_local/{path}", timeout=60).status_code == 200
    found = memory_of(stack)
    assert sum(found.values()) <= AFTER, found


def _settled(stack: Stack) -> dict[str, float]:
    """The memory of a stack once nothing more is starting: functions do so ahead of calls."""
    before: dict[str, float] = {}
    while True:
        found = memory_of(stack)
        if found.keys() == before.keys() and sum(found.values()) - sum(before.values()) < 1:
            return found
        before = found
        time.sleep(2)


def _ask(stack: Stack, number: int) -> bool:
    user = {"sub": user_id(number), "email": f"{user_id(number)}@example.com"}
    with requests.Session() as site:
        site.post(f"{stack.site_url}/_local/session", json=user, timeout=30).raise_for_status()
        answer = site.post(
            f"{stack.site_url}/backend/ai/generate",
            json={"prompt": f"What is {number}?"},
            headers={"Origin": stack.site_url},
            timeout=60,
        )
    return answer.status_code == 200 and bool(answer.json()["data"]["response"])

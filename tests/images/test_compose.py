"""`docker compose up`: the journey through the images that ship, and their failures."""

import json
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from localcloud.config import functions
from tests.e2e import journey
from tests.images.composed import FAULTY, Composed, composed, wait_until

SECONDS = 30
INTERNAL = {"message": "Internal Server Error"}
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def stack(base_name: str) -> Iterator[Composed]:
    with composed(base_name) as project:
        yield project


@pytest.fixture(scope="module")
def walked(stack: Composed) -> float:
    """Seconds from `docker compose up` to the end of the paid journey."""
    started = time.monotonic()
    stack.up()
    journey.run(stack.endpoints())
    return time.monotonic() - started


def test_up_and_the_whole_journey_are_quick(walked: float) -> None:
    assert walked <= SECONDS


def test_only_one_port_leaves_and_only_to_this_machine(stack: Composed, walked: float) -> None:
    published = {}
    for service in stack.run("config", "--services").split():
        for inside, outside in (stack.inspect(service)["NetworkSettings"]["Ports"] or {}).items():
            published[service, inside] = outside
    assert published == {
        ("loopback", f"{stack.port}/tcp"): [{"HostIp": "127.0.0.1", "HostPort": str(stack.port)}]
    }


def test_every_container_is_confined(stack: Composed, walked: float) -> None:
    for service in stack.run("config", "--services").split():
        host = stack.inspect(service)["HostConfig"]
        assert host["ReadonlyRootfs"], service
        assert not host["Privileged"], service
        assert host["CapDrop"] == ["ALL"], service
        assert host["SecurityOpt"] == ["no-new-privileges:true"], service


def test_handlers_run_as_a_user_of_their_own(stack: Composed, walked: float) -> None:
    for name in functions():
        users = _runtime_users(stack, name)
        assert len(users) == 3, f"{name}: a parent and two workers, not {len(users)}"
        assert "0" not in users, name


def test_local_aws_that_restarts_is_provisioned_again(stack: Composed, walked: float) -> None:
    before = stack.endpoints()
    stack.run("restart", "--timeout", "3", "localcloud")
    wait_until(
        lambda: _answer(stack, "GET", "/health/ai").status_code == 200, stack.log, seconds=20
    )
    assert stack.endpoints() == before
    journey.run(stack.endpoints())


def test_a_gateway_that_restarts_has_lost_nothing(stack: Composed, walked: float) -> None:
    mails = requests.get(f"{stack.site}/_local/mail", timeout=10).json()
    before = stack.endpoints()
    stack.run("restart", "--timeout", "3", "gateway")
    stack.up()
    assert stack.endpoints() == before
    assert requests.get(f"{stack.site}/_local/mail", timeout=10).json() == mails != []


@pytest.fixture(scope="module")
def faulty(stack: Composed, walked: float) -> Composed:
    """The same stack, with a function that fails on request behind `/ai/*`."""
    stack.up("ai-api", files=(FAULTY,))
    return stack


def _answer(stack: Composed, method: str, path: str, body: Any = None) -> requests.Response:
    return requests.request(method, f"{stack.site}/backend{path}", json=body, timeout=40)


def _ask(stack: Composed, **wanted: Any) -> requests.Response:
    return _answer(stack, "POST", "/ai/generate", wanted)


def _invoke(stack: Composed, **wanted: Any) -> tuple[str | None, dict[str, Any]]:
    """The same by the Invoke API: the kind of error, and the function's result."""
    answer = requests.post(
        f"{stack.endpoints()['lambda']}/2015-03-31/functions/ai-api/invocations",
        json={"body": json.dumps(wanted)},
        timeout=40,
    )
    return answer.headers.get("X-Amz-Function-Error"), answer.json()


@pytest.mark.parametrize(
    ("wanted", "error_type", "message"),
    [
        ({"do": "raise"}, "ValueError", "asked to fail"),
        ({"do": "exit"}, "Runtime.ExitError", "exit status 3"),
        ({"do": "sleep", "seconds": 60}, "Sandbox.Timedout", "timed out after 5.00 seconds"),
        ({"do": "exhaust the memory"}, "Runtime.ExitError", "signal: SIGKILL"),
    ],
    ids=lambda value: value.get("do") if isinstance(value, dict) else "",
)
def test_a_failure_is_seen_as_such_and_the_function_recovers(
    faulty: Composed, wanted: dict[str, Any], error_type: str, message: str
) -> None:
    error, result = _invoke(faulty, **wanted)
    assert (error, result["errorType"]) == ("Unhandled", error_type)
    assert message in result["errorMessage"]
    # Once for each worker: none may be lost.
    with ThreadPoolExecutor(2) as pool:
        refused = list(pool.map(lambda _: _ask(faulty, **wanted), range(2)))
    assert [(answer.status_code, answer.json()) for answer in refused] == [(500, INTERNAL)] * 2
    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        after = list(pool.map(lambda _: _ask(faulty, do="sleep", seconds=0.2), range(8)))
    assert [answer.status_code for answer in after] == [200] * 8
    assert len({answer.json()["pid"] for answer in after}) == 2
    assert time.monotonic() - started < 10
    # Out of memory, the kernel chooses whom to end: a worker, or now and then the whole container.
    assert faulty.inspect("ai-api")["RestartCount"] <= 1, "a worker's end is not the container's"


def test_a_container_that_is_killed_comes_back(faulty: Composed) -> None:
    kill = _killing(faulty)
    before = faulty.inspect("ai-api")["RestartCount"]
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(_ask, faulty, do="sleep", seconds=4.5)
        time.sleep(0.5)
        # The emulator, PID 1 of its container, ends with its runtime.
        subprocess.run(kill, check=False, capture_output=True)
        under_way = slow.result()
    assert (under_way.status_code, under_way.json()) == (500, INTERNAL)
    answer = _ask(faulty)
    assert answer.status_code == 200
    assert answer.json()["remaining"] <= 5000
    assert faulty.inspect("ai-api")["RestartCount"] == before + 1


def _runtime_users(stack: Composed, service: str) -> list[str]:
    """The user ids of a function's runtime, its parent and its workers."""
    command = ["docker", "top", stack.container(service), "-eo", "pid,uid,args"]
    rows = [line.split(None, 2) for line in subprocess.check_output(command, text=True).split("\n")]
    return [row[1] for row in rows if row and "workers.py" in row[-1]]


def _killing(stack: Composed) -> list[str]:
    """The command that ends a function's runtime: its own user may, the emulator's root may not."""
    script = "for p in /proc/[0-9]*; do grep -q workers.py $p/cmdline && kill -9 ${p#/proc/}; done"
    user = _runtime_users(stack, "ai-api")[0]
    return ["docker", "exec", "--user", user, stack.container("ai-api"), "sh", "-c", script]

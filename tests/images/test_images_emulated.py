"""The images answer under AWS's Runtime Interface Emulator, and recover from failures."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from docker.client import DockerClient

from localcloud.config import functions
from localcloud.release.build import Built
from tests.factories import http_event
from tests.images.emulated import CONCURRENCY, Emulated, emulated

FAULTY = Path(__file__).parent / "faulty"
APIS = {"ai-api": "ai", "billing-api": "billing", "users-api": "users"}


@pytest.fixture(scope="module", params=APIS)
def api(
    engine: DockerClient,
    local: Mapping[str, Built],
    environment_of: Callable[[str], dict[str, str]],
    request: pytest.FixtureRequest,
) -> Iterator[tuple[str, Emulated]]:
    """An API's domain, and its function."""
    name = request.param
    reference = local[APIS[name]].reference
    command = functions()[name]["command"]
    with emulated(engine, reference, command, environment=environment_of(name)) as function:
        yield APIS[name], function


def test_an_http_event_is_answered(api: tuple[str, Emulated]) -> None:
    domain, function = api

    answer = function.call_when_ready(http_event("GET", f"/health/{domain}"))

    assert answer["statusCode"] == 200, function.log()[-2000:]
    assert json.loads(answer["body"])["success"] is True


def test_a_route_without_identity_is_refused(api: tuple[str, Emulated]) -> None:
    """The whole way through the app: validation, identity and the envelope."""
    domain, function = api
    route = {
        "ai": http_event("GET", "/ai/history"),
        "billing": http_event("GET", "/subscription/status"),
        "users": http_event("GET", "/users/me"),
    }[domain]

    answer = function.call_when_ready(route)

    assert answer["statusCode"] == 401
    assert json.loads(answer["body"])["code"] == "authentication_required"


def test_eight_calls_at_a_time_are_all_answered(api: tuple[str, Emulated]) -> None:
    domain, function = api
    event = http_event("GET", f"/health/{domain}")
    function.wait_for_all_workers()
    together = threading.Barrier(CONCURRENCY)

    def call(_: int) -> Any:
        together.wait()
        return function.call(event)

    with ThreadPoolExecutor(CONCURRENCY) as threads:
        answers = list(threads.map(call, range(CONCURRENCY)))

    assert [answer.get("statusCode") for answer in answers] == [200] * CONCURRENCY, answers


def test_the_webhook_refuses_what_stripe_has_not_signed(
    engine: DockerClient,
    local: Mapping[str, Built],
    environment_of: Callable[[str], dict[str, str]],
) -> None:
    name = "billing-webhook"
    command = functions()[name]["command"]
    event = http_event("POST", "/stripe/webhook", body={"id": "evt_1"})
    reference = local["billing"].reference

    with emulated(engine, reference, command, environment=environment_of(name)) as function:
        answer = function.call_when_ready(event)

    assert answer["statusCode"] == 400


@pytest.mark.parametrize("image", sorted(APIS.values()))
def test_what_ships_speaks_the_runtime_api(
    engine: DockerClient, shipped: Mapping[str, Built], image: str
) -> None:
    """The shipped entry point reaches for the Runtime API, on a read-only root, as nobody."""
    container = engine.containers.run(
        shipped[image].reference,
        detach=True,
        read_only=True,
        user="65534:65534",
        cap_drop=["ALL"],
        network_mode="none",
        environment={"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9"},
    )
    try:
        assert container.wait(timeout=30)["StatusCode"] == 1
        said = container.logs().decode()
    finally:
        container.remove(force=True)

    # The handler was loaded; only then the client asks for the first invocation.
    assert "Failed to get next" in said or "Connection refused" in said, said
    assert "ImportModuleError" not in said


@pytest.fixture(scope="module")
def faulty(engine: DockerClient, local: Mapping[str, Built]) -> Iterator[Emulated]:
    """A function with little memory and time that fails as asked, in the users image."""
    environment = {
        "PYTHONPATH": "/faulty:/var/task:/opt/python",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "2",
        "AWS_LAMBDA_MAX_CONCURRENCY": "2",
    }
    with emulated(
        engine,
        local["users"].reference,
        "faulty.handler",
        environment=environment,
        volumes={str(FAULTY): {"bind": "/faulty", "mode": "ro"}},
        mem_limit="128m",
        memswap_limit="128m",
    ) as function:
        assert function.call_when_ready({"do": "nothing"})["answered"] == "nothing"
        yield function


def test_an_error_of_the_handler_is_visible(faulty: Emulated) -> None:
    answer = faulty.call({"do": "raise"})

    assert (answer["errorType"], answer["errorMessage"]) == ("ValueError", "asked to fail")
    assert faulty.call_when_ready({"do": "nothing"})["answered"] == "nothing"


def test_a_dead_worker_is_visible_and_replaced(faulty: Emulated) -> None:
    answer = faulty.call({"do": "exit"})

    assert answer["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in answer["errorMessage"]
    assert _all_workers_answer(faulty)


def test_a_timeout_is_visible_and_its_worker_replaced(faulty: Emulated) -> None:
    answer = faulty.call({"do": "sleep", "seconds": 60})

    assert "timed out" in json.dumps(answer).lower(), answer
    assert _all_workers_answer(faulty)


def test_running_out_of_memory_is_visible_and_gotten_over(faulty: Emulated) -> None:
    answer = faulty.call({"do": "allocate", "bytes": 512 * 1024 * 1024})

    assert answer["errorType"] == "Runtime.ExitError"
    assert "SIGKILL" in answer["errorMessage"]
    assert _all_workers_answer(faulty)


def _all_workers_answer(function: Emulated) -> bool:
    """Two calls that overlap are answered by two processes, as soon as both workers are there."""
    event = {"do": "sleep", "seconds": 0.3}
    deadline = time.monotonic() + 10
    processes: set[int] = set()
    while len(processes) < 2 and time.monotonic() < deadline:
        with ThreadPoolExecutor(2) as threads:
            answers = threads.map(function.call_when_ready, [event, event])
            processes = {answer["process"] for answer in answers}
    return len(processes) == 2

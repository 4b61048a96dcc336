"""Functions behind emulators: the same outcomes as with processes, over real sockets."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.functions import emulator
from localcloud.process import free_ports
from tests.integration.fake_emulator import FakeEmulator, Listener, listening
from tests.integration.local_gateway import RunningGateway, make_config, running_gateway

NAME = "demo-patient"


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def local(tmp_path: Path, port: int) -> Iterator[RunningGateway]:
    """A gateway whose functions have emulators; nothing listens on their port yet."""
    names = ("demo-echo", "demo-behave", "demo-shape", NAME)
    addresses = dict.fromkeys(names, f"127.0.0.1:{port}")
    config = make_config(tmp_path, emulators=addresses, emulator_concurrency=2)
    with running_gateway(tmp_path, config=config) as running:
        yield running


@pytest.fixture
def fake(local: RunningGateway, port: int) -> Iterator[FakeEmulator]:
    with listening(local, FakeEmulator(), port) as emulated:
        yield emulated


def test_a_result_comes_back_as_it_is(local: RunningGateway, fake: FakeEmulator) -> None:
    assert local.invoke(NAME, {"do": "echo", "word": "ä"}) == (
        {"took": {"do": "echo", "word": "ä"}},
        None,
    )
    # Otherwise the emulator hands the event to the handler as bytes.
    assert fake.headers[0]["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("do", "error_type", "message"),
    [
        ("raise", "ValueError", "boom"),
        ("raise in one-call mode", "ValueError", "boom"),
        ("time out", "Sandbox.Timedout", "Task timed out after 3.00 seconds"),
        ("exit", "Runtime.ExitError", "Error: Runtime.ExitError"),
        ("fail to start", "Runtime.InitError", "Error: Runtime.InitError"),
        ("vanish", "Runtime.ExitError", "the container ended during the call"),
    ],
)
def test_every_failure_is_a_function_error(
    local: RunningGateway, fake: FakeEmulator, do: str, error_type: str, message: str
) -> None:
    payload, error = local.invoke(NAME, {"do": do})
    assert error == "Unhandled"
    assert payload["errorType"] == error_type
    assert message in payload["errorMessage"]
    assert len(fake.events) == 1, "a call that has begun must not be made twice"
    assert local.invoke(NAME, {"do": "echo"})[1] is None


def test_a_result_that_speaks_of_errors_is_still_a_result(
    local: RunningGateway, fake: FakeEmulator
) -> None:
    value = {"statusCode": 200, "errorType": "x", "errorMessage": "y"}
    assert local.invoke(NAME, {"do": "return", "value": value}) == (value, None)


def test_the_gateway_answers_a_function_error_as_api_gateway_does(
    local: RunningGateway, fake: FakeEmulator
) -> None:
    answer = local.request(
        "POST",
        "/backend/shape",
        headers=[("content-type", "application/json")],
        body=b'{"do": "raise"}',
    )
    assert (answer.status, answer.json()) == (500, {"message": "Internal Server Error"})


def test_no_emulator_gets_more_calls_than_it_has_workers(
    local: RunningGateway, fake: FakeEmulator
) -> None:
    async def many() -> list[Any]:
        event = json.dumps({"do": "sleep", "seconds": 0.05}).encode()
        return await asyncio.gather(
            *(local.gateway.functions.invoke(NAME, event) for _ in range(20))
        )

    results = local.run(many())
    assert [result.error for result in results] == [None] * 20
    assert fake.most_at_once == 2
    assert len({result.request_id for result in results}) == 20


def test_a_busy_emulator_is_asked_again(local: RunningGateway, fake: FakeEmulator) -> None:
    fake.refusals = 3
    assert local.invoke(NAME, {"do": "echo"})[1] is None
    assert (fake.refused, len(fake.events)) == (3, 1)


def test_a_call_waits_for_a_container_that_is_still_starting(
    local: RunningGateway, port: int
) -> None:
    fake, answers = FakeEmulator(), []
    caller = threading.Thread(target=lambda: answers.append(local.invoke(NAME, {"do": "echo"})))
    caller.start()
    time.sleep(0.3)
    listener = Listener(fake, port)
    local.run(listener.open())
    caller.join(10)
    local.run(listener.close())
    assert answers == [({"took": {"do": "echo"}}, None)]


@pytest.mark.parametrize("do", ["exit", "vanish"])
def test_an_emulator_that_is_ending_gets_no_calls(
    local: RunningGateway, fake: FakeEmulator, do: str
) -> None:
    assert local.invoke(NAME, {"do": do})[1] == "Unhandled"
    started = time.monotonic()
    assert local.invoke(NAME, {"do": "echo"})[1] is None
    assert time.monotonic() - started > 0.9


def test_a_container_that_never_comes_is_an_error(
    local: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator, "INIT_SECONDS", 0.2)
    payload, error = local.invoke(NAME)
    assert (error, payload["errorType"]) == ("Unhandled", "Sandbox.Unavailable")


def test_the_gateway_keeps_the_functions_timeout_by_itself(
    local: RunningGateway, fake: FakeEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator, "_GRACE_SECONDS", 0.0)
    payload, error = local.invoke("demo-behave", {"do": "hang"})
    assert (error, payload["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert "Task timed out after 1.00 seconds" in payload["errorMessage"]


def test_a_call_that_nobody_waits_for_and_has_not_begun_is_dropped(
    local: RunningGateway, fake: FakeEmulator
) -> None:
    async def give_up() -> None:
        slow = json.dumps({"do": "sleep", "seconds": 0.4}).encode()
        invoke = local.gateway.functions.invoke
        under_way = [asyncio.create_task(invoke(NAME, slow)) for _ in range(2)]
        await asyncio.sleep(0.1)
        waiting = asyncio.create_task(invoke(NAME, b'{"do": "echo"}'))
        await asyncio.sleep(0.1)
        for task in (waiting, under_way[0]):
            task.cancel()
        assert (await under_way[1]).error is None

    local.run(give_up())
    time.sleep(0.1)
    assert [event["do"] for event in fake.events] == ["sleep", "sleep"]


def test_calls_wait_while_the_stack_is_being_provisioned(
    local: RunningGateway, fake: FakeEmulator
) -> None:
    async def paused() -> tuple[bool, Any]:
        functions = local.gateway.functions
        functions.pause()
        call = asyncio.create_task(functions.invoke(NAME, b'{"do": "echo"}'))
        await asyncio.sleep(0.1)
        begun = bool(fake.events)
        functions.resume()
        return begun, await call

    begun, result = local.run(paused())
    assert not begun
    assert result.error is None


def test_too_many_waiting_calls_are_throttled(
    local: RunningGateway, fake: FakeEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator, "MAX_QUEUED", 3)

    async def many() -> list[Any]:
        event = json.dumps({"do": "sleep", "seconds": 0.1}).encode()
        calls = (local.gateway.functions.invoke(NAME, event) for _ in range(5))
        return await asyncio.gather(*calls, return_exceptions=True)

    names = sorted(type(outcome).__name__ for outcome in local.run(many()))
    assert names == ["Result", "Result", "Result", "ThrottledError", "ThrottledError"]


def test_the_invoke_api_serves_emulated_functions(
    local: RunningGateway, fake: FakeEmulator
) -> None:
    import http.client

    def post(name: str, event: dict[str, Any], kind: str) -> tuple[int, str | None, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", local.config.control_port, timeout=10)
        connection.request(
            "POST",
            f"/2015-03-31/functions/{name}/invocations",
            json.dumps(event),
            {"X-Amz-Invocation-Type": kind},
        )
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, answer.getheader("X-Amz-Function-Error"), body

    status, error, body = post(NAME, {"do": "raise"}, "RequestResponse")
    assert (status, error, json.loads(body)["errorType"]) == (200, "Unhandled", "ValueError")
    assert post(NAME, {}, "DryRun")[0] == 204
    assert post("demo-pid", {}, "RequestResponse")[0] == 404
    assert post(NAME, {"do": "later"}, "Event")[0] == 202
    deadline = time.monotonic() + 5
    while {"do": "later"} not in fake.events:
        assert time.monotonic() < deadline
        time.sleep(0.02)

"""The launcher: real processes behind the Lambda Runtime API."""

import asyncio
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.local_gateway import RunningGateway, running_gateway, wait_until


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    os.environ["DEVELOPERS_OWN_SECRET"] = "do-not-leak"
    os.environ["AWS_PROFILE"] = "developers-own"
    try:
        with running_gateway(tmp_path_factory.mktemp("functions")) as gateway:
            yield gateway
    finally:
        del os.environ["DEVELOPERS_OWN_SECRET"], os.environ["AWS_PROFILE"]


def test_context_is_what_lambda_documents(local: RunningGateway) -> None:
    context, error = local.invoke("demo-describe")
    assert error is None
    assert 9000 < context["remaining"] <= 10_000
    assert context["function_name"] == "demo-describe"
    assert context["memory"] == "256"
    assert len(context["request_id"]) == 36
    assert context["arn"] == "arn:aws:lambda:us-east-1:123456789012:function:demo-describe"
    assert context["log_group"] == "/aws/lambda/demo-describe"
    assert "[$LATEST]" in context["log_stream"]
    assert context["trace"].startswith("Root=1-")


def test_environment_is_the_functions_own(local: RunningGateway) -> None:
    environment, _ = local.invoke("demo-environment")
    lambdas_own = {
        "_HANDLER", "_X_AMZN_TRACE_ID", "LAMBDA_TASK_ROOT", "LANG", "PATH", "PYTHONPATH",
        "PYTHONUNBUFFERED", "POWERTOOLS_TRACE_DISABLED", "TZ", "LC_CTYPE",
    }  # fmt: skip
    names = {name for name in environment if not name.startswith("AWS_")}
    assert names - lambdas_own == {"APP_ENV", "TABLE_NAME", "COGNITO_CLIENT_ID"}
    assert environment["APP_ENV"] == "local"
    assert environment["AWS_ENDPOINT_URL"] == local.config.aws_url
    assert environment["_HANDLER"] == "demo.handler.environment"
    assert "AWS_PROFILE" not in environment
    assert "do-not-leak" not in str(environment)


def test_a_worker_is_kept_warm(local: RunningGateway) -> None:
    first, _ = local.invoke("demo-pid")
    second, _ = local.invoke("demo-pid")
    assert first == second != os.getpid()


def test_concurrent_calls_run_in_several_processes(local: RunningGateway, tmp_path: Path) -> None:
    event = {"meet": str(tmp_path), "count": 3}
    with ThreadPoolExecutor(3) as threads:
        calls = [threads.submit(local.invoke, "demo-pid", event) for _ in range(3)]
        results = [call.result() for call in calls]
    assert [error for _, error in results] == [None, None, None]
    assert len({pid for pid, _ in results}) == 3


def test_more_calls_than_processes_all_get_their_own_answer(local: RunningGateway) -> None:
    with ThreadPoolExecutor(40) as threads:
        calls = [
            threads.submit(local.invoke, "demo-behave", {"do": "return", "value": number})
            for number in range(40)
        ]
        assert [call.result() for call in calls] == [(number, None) for number in range(40)]
    assert len(local.gateway.functions.pool("demo-behave").workers) <= 8


def test_an_exception_becomes_lambdas_error_object(local: RunningGateway) -> None:
    body, error = local.invoke("demo-behave", {"do": "raise", "message": "no such thing"})
    assert error == "Unhandled"
    assert (body["errorType"], body["errorMessage"]) == ("ValueError", "no such thing")
    assert "demo/handler.py" in body["stackTrace"][0]
    assert all("runtime.py" not in frame for frame in body["stackTrace"])


def test_an_unserialisable_result_is_a_marshal_error(local: RunningGateway) -> None:
    body, error = local.invoke("demo-behave", {"do": "unserialisable"})
    assert (error, body["errorType"]) == ("Unhandled", "Runtime.MarshalError")


def test_a_call_past_its_timeout_is_killed_and_replaced(local: RunningGateway) -> None:
    before, _ = local.invoke("demo-behave", {"do": "print", "line": "about to hang"})
    for worker in local.gateway.functions.pool("demo-behave").workers:
        if worker.pid != before:
            worker.kill()
    wait_until(lambda: len(local.gateway.functions.pool("demo-behave").workers) == 1)
    started = time.monotonic()
    body, error = local.invoke("demo-behave", {"do": "hang"})
    assert 0.9 < time.monotonic() - started < 6
    assert error == "Unhandled"
    assert body["errorMessage"].endswith("Task timed out after 1.00 seconds")
    wait_until(lambda: not alive(before))
    after, error = local.invoke("demo-behave", {"do": "print", "line": "back"})
    assert error is None
    assert after != before


def test_a_crash_is_an_error_and_the_next_call_gets_a_new_process(local: RunningGateway) -> None:
    body, error = local.invoke("demo-behave", {"do": "exit", "code": 7})
    assert (error, body["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert body["errorMessage"].endswith("Runtime exited with error: exit status 7")
    assert local.invoke("demo-behave", {"do": "return", "value": "fine"}) == ("fine", None)


def test_a_crash_is_noticed_though_a_child_of_the_process_lives_on(local: RunningGateway) -> None:
    started = time.monotonic()
    body, _ = local.invoke("demo-patient", {"do": "leave a child"})
    assert body["errorMessage"].endswith("exit status 4")
    assert time.monotonic() - started < 6  # the child lives for 8 s, the function may for 10


def test_a_response_over_6_mb_is_refused(local: RunningGateway) -> None:
    body, error = local.invoke("demo-behave", {"do": "large", "bytes": 6_291_557})
    assert (error, body["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")
    body, error = local.invoke("demo-behave", {"do": "large", "bytes": 6_291_000})
    assert (error, len(body)) == (None, 6_291_000)


def test_a_failed_import_is_reported_and_logged_once(local: RunningGateway) -> None:
    for _ in range(2):
        body, error = local.invoke("demo-broken")
        assert error == "Unhandled"
        assert body["errorType"] == "Runtime.RuntimeError"
        assert body["errorMessage"] == "broken at import"
    logged = [
        line for line in local.lines if line == "demo-broken | RuntimeError: broken at import"
    ]
    assert len(logged) == 1
    assert "demo-broken | Traceback (most recent call last):" in local.lines
    body, _ = local.invoke("demo-missing")
    assert body["errorType"] == "Runtime.ImportModuleError"
    assert body["errorMessage"].startswith("Unable to import module 'demo.nowhere'")


def test_log_lines_carry_the_functions_name_and_json_stays_json(local: RunningGateway) -> None:
    local.invoke("demo-behave", {"do": "print", "line": '{"level":"INFO","message":"ä"}'})
    wait_until(lambda: 'demo-behave | {"level":"INFO","message":"ä"}' in local.lines)


def test_a_call_given_up_in_the_queue_is_never_run(tmp_path: Path) -> None:
    with running_gateway(tmp_path, max_workers=1) as local:
        invoke = local.gateway.functions.invoke

        async def give_up() -> None:
            busy = asyncio.create_task(invoke("demo-pid", b'{"sleep": 0.3}'))
            await asyncio.sleep(0)
            waiting = asyncio.create_task(invoke("demo-pid", b'{"line": "given up"}'))
            kept = asyncio.create_task(invoke("demo-pid", b'{"line": "kept"}'))
            await asyncio.sleep(0.1)
            waiting.cancel()
            await asyncio.gather(busy, kept)

        local.run(give_up())
        wait_until(lambda: "demo-pid | kept" in local.lines)
        assert "demo-pid | given up" not in local.lines


def test_code_changes_are_picked_up_and_calls_under_way_finish(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as local:
        handler = local.code / "demo" / "handler.py"
        old = local.invoke("demo-pid")[0]
        with ThreadPoolExecutor(1) as threads:
            under_way = threads.submit(local.invoke, "demo-pid", {"sleep": 1.5})
            time.sleep(0.2)
            code = handler.read_text().replace("return os.getpid()", "return [os.getpid()]", 1)
            handler.write_text(code)
            wait_until(lambda: any("code changed" in line for line in local.lines))
            answer, error = local.invoke("demo-pid")
            assert error is None
            assert isinstance(answer, list)
            assert not under_way.done()
            assert under_way.result() == (old, None)
        wait_until(lambda: not alive(old))


def test_stopping_leaves_no_process(tmp_path: Path) -> None:
    with running_gateway(tmp_path) as local:
        pids = [local.invoke("demo-pid")[0], local.invoke("demo-describe") and 0]
        with ThreadPoolExecutor(1) as threads:
            hanging = threads.submit(local.invoke, "demo-pid", {"sleep": 9})
            time.sleep(0.1)
            pids += [
                worker.pid or 0
                for name in local.gateway.functions.specs
                for worker in local.gateway.functions.pool(name).workers
            ]
            local.run(local.gateway.functions.stop())
            assert hanging.result()[1] == "Unhandled"
        assert len([pid for pid in pids if pid]) >= 3
        assert not any(alive(pid) for pid in pids if pid)

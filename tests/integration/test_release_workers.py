"""The workers of an emulated function, against a Runtime API that plays the emulator."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from localcloud.release import workers

pytest.importorskip("awslambdaric", reason="awslambdaric has wheels for Linux only")

HANDLER = """
import os, signal, time

def api(event, context):
    match event["do"]:
        case "exit": os._exit(3)
        case "kill": os.kill(os.getpid(), signal.SIGKILL)
        case "raise": raise ValueError("boom")
        case "hang":
            while True: pass
    left = context.get_remaining_time_in_millis()
    return {"pid": os.getpid(), "left": left, "variables": list(os.environ)}
"""
TIMEOUT = 1


@dataclass
class RuntimeApi:
    """Hands out calls and collects what is said of them: `(path, error type or None, body)`."""

    calls: "queue.Queue[tuple[str, bytes]]" = field(default_factory=queue.Queue)
    said: "queue.Queue[tuple[str, str | None, Any]]" = field(default_factory=queue.Queue)

    def call(self, identifier: str, do: str) -> tuple[str, str | None, Any]:
        """Give one call to whichever worker is free, and wait for its outcome."""
        self.calls.put((identifier, json.dumps({"do": do}).encode()))
        return self.said.get(timeout=10)


def _server(api: RuntimeApi) -> ThreadingHTTPServer:
    class Connection(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            identifier, event = api.calls.get()
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", identifier)
            # As the emulator does: far in the future.
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 3 * 10**9))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(event)))
            self.end_headers()
            self.wfile.write(event)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kind = self.headers.get("Lambda-Runtime-Function-Error-Type")
            api.said.put((self.path.rpartition("/runtime/")[2], kind, json.loads(body)))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Connection)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


@dataclass
class Running:
    api: RuntimeApi
    process: "subprocess.Popen[bytes]"
    ready: Path

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 10
        while not self.ready.exists():
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)


def _start(folder: Path, address: str) -> "subprocess.Popen[bytes]":
    (folder / "demo.py").write_text(HANDLER)
    (folder / "broken.py").write_text("raise RuntimeError('broken at import')\n")
    return subprocess.Popen(
        [sys.executable, "-P", workers.__file__, os.environ.get("DEMO", "demo.api")],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(folder),
            "TMPDIR": str(folder),
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_LAMBDA_MAX_CONCURRENCY": "2",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
            "WORKER_TIMEOUT": str(TIMEOUT),
            "AWS_LAMBDA_LOG_FORMAT": "Text",
        },
        process_group=0,
    )


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    api = RuntimeApi()
    server = _server(api)
    process = _start(tmp_path, f"127.0.0.1:{server.server_port}")
    try:
        yield Running(api, process, tmp_path / "ready")
    finally:
        os.killpg(process.pid, 9)
        process.wait(5)
        server.shutdown()
        server.server_close()


def test_a_call_is_answered_with_the_time_that_is_really_left(running: Running) -> None:
    path, error, answer = running.api.call("one", "answer")
    assert (path, error) == ("invocation/one/response", None)
    assert 0 < answer["left"] <= TIMEOUT * 1000
    running.wait_until_ready()


def test_an_exception_leaves_its_worker_alive(running: Running) -> None:
    path, _, answer = running.api.call("one", "raise")
    assert (path, answer["errorType"]) == ("invocation/one/error", "ValueError")
    pids = {running.api.call(f"call-{n}", "answer")[2]["pid"] for n in range(8)}
    assert len(pids) <= 2


@pytest.mark.parametrize(
    ("do", "how"), [("exit", "exit status 3"), ("kill", "signal: SIGKILL")], ids=["exit", "kill"]
)
def test_a_worker_that_dies_is_reported_and_replaced(running: Running, do: str, how: str) -> None:
    # More often than there are workers: each time another one has to come.
    for number in range(3):
        path, error, answer = running.api.call(f"dead-{number}", do)
        assert (path, error) == (f"invocation/dead-{number}/error", "Runtime.ExitError")
        assert answer["errorMessage"].endswith(f"Runtime exited with error: {how}")
    assert running.api.call("after", "answer")[0] == "invocation/after/response"


def test_a_worker_that_overruns_the_timeout_is_reported_and_replaced(running: Running) -> None:
    running.wait_until_ready()
    for number in range(3):
        path, error, answer = running.api.call(f"hang-{number}", "hang")
        assert (path, error) == (f"invocation/hang-{number}/error", "Sandbox.Timedout")
        assert answer["errorMessage"].endswith(f"hang-{number} Task timed out after 1.00 seconds")
    assert running.api.call("after", "answer")[0] == "invocation/after/response"


def test_a_handler_does_not_see_the_variable_of_its_parent(running: Running) -> None:
    _, _, answer = running.api.call("one", "answer")
    assert "WORKER_TIMEOUT" not in answer["variables"]
    assert "AWS_LAMBDA_MAX_CONCURRENCY" in answer["variables"]


def test_a_handler_that_cannot_be_imported_ends_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEMO", "broken.api")
    api = RuntimeApi()
    server = _server(api)
    process = _start(tmp_path, f"127.0.0.1:{server.server_port}")
    assert process.wait(10) == 1
    path, _, answer = api.said.get(timeout=5)
    server.shutdown()
    server.server_close()
    assert path == "init/error"
    assert "broken at import" in answer["errorMessage"]
    assert not (tmp_path / "ready").exists()

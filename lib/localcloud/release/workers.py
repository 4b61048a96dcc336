"""Keeps the workers of one function alive under the emulator: `python3 -P workers.py <handler>`.

With `AWS_LAMBDA_MAX_CONCURRENCY` the emulator starts one runtime and calls it that often at once.
awslambdaric's own answer to that forks its workers once: a worker that dies is neither reported nor
replaced, and one that never returns is lost, while Lambda ends its sandbox and makes a new one.
Here each worker is awslambdaric's loop as it is; this parent tells the emulator how a call ended
when its worker died, ends workers that overrun the function's timeout, and replaces both.

Lies beside the emulator in local images only, and imports nothing but the standard library and,
in the workers, awslambdaric.
"""

import http.client
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

READY = Path(os.environ.get("TMPDIR", "/tmp")) / "ready"  # noqa: S108 - a tmpfs of the container
"""Written once every worker has imported the handler; the container's health check looks for it."""
IDLE = "-"
TIMEOUT_VARIABLE = "WORKER_TIMEOUT"
"""Seconds of a call. The emulator's own `AWS_LAMBDA_FUNCTION_TIMEOUT` is its limit for an import,
too, and a container that has to import while others do needs longer than a short function may take.
"""


class Worker:
    """One process of awslambdaric, as its parent sees it."""

    def __init__(self, pid: int, reports: int) -> None:
        self.pid = pid
        self.reports = reports
        self.call: str | None = None
        self.overdue_at: float | None = None
        self.imported = False
        self.timed_out = False

    def hear(self, timeout: float) -> bool:
        """Take what the worker reports; False once it has ended."""
        if not (text := os.read(self.reports, 4096).decode()):
            return False
        self.imported = True
        latest = text.split()[-1]
        self.call = None if latest == IDLE else latest
        self.overdue_at = time.monotonic() + timeout if self.call else None
        return True

    def end_if_overdue(self) -> None:
        if self.overdue_at and time.monotonic() >= self.overdue_at:
            self.timed_out, self.overdue_at = True, None
            os.kill(self.pid, signal.SIGKILL)


def work(handler: str, api: str, timeout: float, reports: int) -> NoReturn:
    """awslambdaric's loop, which reports the call it is about to make and when it waits."""
    from awslambdaric import bootstrap
    from awslambdaric.lambda_runtime_client import (
        LambdaMultiConcurrentRuntimeClient,
    )

    class Client(LambdaMultiConcurrentRuntimeClient):  # type: ignore[misc]
        def wait_next_invocation(self) -> Any:
            os.write(reports, f"{IDLE} ".encode())
            request = super().wait_next_invocation()
            os.write(reports, f"{request.invoke_id} ".encode())
            # The emulator counts nanoseconds here where Lambda counts milliseconds.
            request.deadline_time_in_ms = int((time.time() + timeout) * 1000)
            return request

    bootstrap.run(handler, Client(api))
    raise SystemExit(0)


class Workers:
    """As many workers as the emulator may have calls."""

    def __init__(self, handler: str, count: int, timeout: float) -> None:
        self._handler = handler
        self._api = os.environ["AWS_LAMBDA_RUNTIME_API"]
        self._timeout = timeout
        self._workers = [self._start() for _ in range(count)]

    def keep(self) -> NoReturn:
        """Watch for ever; ends the process when a worker cannot even import its handler."""
        while True:
            by_reports = {worker.reports: worker for worker in self._workers}
            heard, _, _ = select.select(list(by_reports), [], [], self._patience())
            for reports in heard:
                if not by_reports[reports].hear(self._timeout):
                    self._replace(by_reports[reports])
            for worker in self._workers:
                worker.end_if_overdue()
            if not READY.exists() and all(worker.imported for worker in self._workers):
                READY.touch()

    def _patience(self) -> float | None:
        due = [worker.overdue_at for worker in self._workers if worker.overdue_at]
        return max(min(due) - time.monotonic(), 0) if due else None

    def _start(self) -> Worker:
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                os.close(reading)
                work(self._handler, self._api, self._timeout, writing)
            except SystemExit as ending:
                os._exit(ending.code if isinstance(ending.code, int) else 1)
            except BaseException as error:
                print(f"the worker failed: {error!r}", file=sys.stderr, flush=True)
                os._exit(1)
        os.close(writing)
        return Worker(pid, reading)

    def _replace(self, worker: Worker) -> None:
        os.close(worker.reports)
        _, status = os.waitpid(worker.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if not worker.imported:
            # It has told the emulator why; the container ends, and its restart policy tries anew.
            sys.exit(1)
        how = f"signal: {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        print(f"a worker ended ({how}) and is replaced", file=sys.stderr, flush=True)
        self._workers[self._workers.index(worker)] = self._start()
        if worker.call and worker.timed_out:
            overdue = f"{_now()} {worker.call} Task timed out after {self._timeout:.2f} seconds"
            self._report(worker.call, "Sandbox.Timedout", overdue)
        elif worker.call:
            exited = f"RequestId: {worker.call} Error: Runtime exited with error: {how}"
            self._report(worker.call, "Runtime.ExitError", exited)

    def _report(self, call: str, error_type: str, message: str) -> None:
        """End a call in the name of the worker that died with it."""
        error = {"errorType": error_type, "errorMessage": message}
        connection = http.client.HTTPConnection(self._api, timeout=5)
        try:
            connection.request(
                "POST",
                f"/2018-06-01/runtime/invocation/{call}/error",
                json.dumps(error),
                {"Lambda-Runtime-Function-Error-Type": error_type},
            )
            connection.getresponse().read()
        except OSError as failure:
            print(f"the emulator could not be told: {failure}", file=sys.stderr, flush=True)
        finally:
            connection.close()


def main(handler: str) -> NoReturn:
    count = int(os.environ["AWS_LAMBDA_MAX_CONCURRENCY"])
    emulators = os.environ.get("AWS_LAMBDA_FUNCTION_TIMEOUT", "300")
    # Handlers see Lambda's variables and their own, not ours.
    Workers(handler, count, float(os.environ.pop(TIMEOUT_VARIABLE, emulators))).keep()


def _now() -> str:
    now = time.time()
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now))}.{int(now * 1000) % 1000:03d}Z"


if __name__ == "__main__":
    main(sys.argv[1])

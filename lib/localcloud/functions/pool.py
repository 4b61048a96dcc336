"""The workers of one function: started on demand, kept warm, replaced when code changes."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable

from .invocation import Invocation, ThrottledError
from .launch import Launch
from .worker import Worker

MAX_WORKERS = 8
MAX_QUEUED = 1000
_PATIENCE = 0.15
"""Seconds a call waits for a busy worker before another process is started for it. A start costs
about a second of a core, most calls a few hundredths."""


class Pool:
    """Assigns queued invocations to idle workers and decides when to start another one."""

    def __init__(
        self,
        launch: Callable[[], Launch],
        max_workers: int = MAX_WORKERS,
        crowded: Callable[[], bool] = lambda: False,
    ) -> None:
        self._launch = launch
        self._max_workers = max_workers
        self._crowded = crowded
        self._queue: deque[Invocation] = deque()
        self._workers: list[Worker] = []
        self._retired: list[Worker] = []
        self._check: asyncio.TimerHandle | None = None
        self._last_init_error = ""
        self._stopped = False
        self._paused = False

    @property
    def workers(self) -> list[Worker]:
        return list(self._workers)

    @property
    def starting(self) -> int:
        """How many workers are still importing their code."""
        return sum(not worker.ready for worker in self._workers)

    def submit(self, invocation: Invocation) -> None:
        """Queue an invocation. Raises ThrottledError when too many wait already."""
        if self._stopped or len(self._queue) >= MAX_QUEUED:
            raise ThrottledError
        self._queue.append(invocation)
        self._dispatch()

    def withdraw(self, invocation: Invocation) -> None:
        """Forget an invocation that nobody waits for and no worker has taken."""
        if invocation in self._queue:
            self._queue.remove(invocation)

    def warm(self) -> None:
        """Have at least one worker."""
        if not self._workers and not self._stopped:
            self._start()

    def pause(self) -> None:
        """Let calls wait in the queue until `resume`; those under way go on."""
        self._paused = True

    def resume(self) -> None:
        self._paused = False
        self._dispatch()

    def renew(self) -> None:
        """Replace all workers, since code or environment changed; calls under way finish first."""
        had_any = bool(self._workers)
        self._last_init_error = ""
        for worker in self._workers:
            self._retired.append(worker)
            worker.retire()
        self._workers = []
        if had_any:
            self.warm()
        self._dispatch()

    async def stop(self) -> None:
        self._stopped = True
        if self._check:
            self._check.cancel()
        for invocation in self._queue:
            invocation.fail_with("Sandbox.Stopped", "The local stack is stopping")
        self._queue.clear()
        await asyncio.gather(*(worker.stop() for worker in [*self._workers, *self._retired]))

    def _start(self) -> None:
        self._workers.append(Worker(self._launch(), self._changed))

    def _changed(self, worker: Worker) -> None:
        if worker.ended:
            if worker in self._retired:
                self._retired.remove(worker)
            if worker in self._workers:
                self._workers.remove(worker)
                if not worker.ready:
                    self._init_failed(worker)
        self._dispatch()

    def _init_failed(self, worker: Worker) -> None:
        """A process that never became ready: tell the waiting callers, log the reason once."""
        if self._stopped:
            return
        error = dict(worker.init_error or {"errorType": "Runtime.ExitError"})
        error.setdefault("errorMessage", "Error: Runtime exited without providing a reason")
        trace = str(error.pop("trace", error["errorMessage"]))
        if trace != self._last_init_error:
            self._last_init_error = trace
            for line in trace.rstrip().splitlines():
                worker.launch.say(line)
        if any(other.ready for other in self._workers):
            return
        while self._queue:
            invocation = self._queue.popleft()
            worker.launch.journal.follow(worker.launch.spec.name, invocation)
            invocation.fail(json.dumps(error).encode())

    def _dispatch(self) -> None:
        if self._stopped or self._paused:
            return
        # The last one used first: the others grow cold together, as in Lambda.
        idle = [worker for worker in self._workers if worker.idle]
        while self._queue and idle:
            idle.pop().assign(self._queue.popleft())
        if self._queue:
            self._grow()

    def _grow(self) -> None:
        if len(self._workers) >= self._max_workers or self.starting:
            return
        waited = time.monotonic() - self._queue[0].queued_at
        # The first worker starts at once; another only when that does not hold up everybody else.
        if not self._workers or (waited >= _PATIENCE and not self._crowded()):
            self._start()
        if self._check:
            self._check.cancel()
        self._check = asyncio.get_running_loop().call_later(_PATIENCE, self._dispatch)

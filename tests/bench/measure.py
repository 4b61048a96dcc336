"""The measurements: cold starts in rounds over all cases, warm calls in turns.

So whatever else the machine does hits every case alike.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from localcloud.config import functions
from tests.bench import imports, world
from tests.bench.cases import FLOOR, Case
from tests.bench.containers import IMPORT_TIMES, BenchError, Fleet, Function
from tests.bench.stub import Stub

_INIT = re.compile(r"INIT REPORT\(durationMs: ([\d.]+)\)")
_INVOKE = re.compile(r"INVOKE RTDONE\(.*duration: ([\d.]+)ms\)")
FLOOR_IMAGE = "users"
# Long enough for a function to be alone with the processor's caches, as it would be in AWS.
TURN = 20
Say = Callable[[str], None]


@dataclass(frozen=True)
class ColdStart:
    """One first call: milliseconds of CPU and wall time, of which the emulator reports two parts.

    `init_ms` is importing the handler, `invoke_ms` the call itself; `peak_mb` is resident memory.
    """

    cpu_ms: float
    wall_ms: float
    init_ms: float
    invoke_ms: float
    peak_mb: float


@dataclass
class Measured:
    """All that was measured of one case, which runs in the image of domain `image`.

    `warm_ms` are wall times; `warm_cpu_ms` and `requests` (to the stub) are means of warm calls.
    """

    case: Case
    image: str
    cold: list[ColdStart] = field(default_factory=list)
    warm_ms: list[float] = field(default_factory=list)
    warm_cpu_ms: float = 0.0
    requests: float = 0.0

    @classmethod
    def of(cls, case: Case) -> "Measured":
        """Nothing yet."""
        image = FLOOR_IMAGE if case is FLOOR else functions()[case.function]["image"]
        return cls(case, str(image))


class Bench:
    """Runs cases against the images, `image` domain → its reference."""

    def __init__(self, fleet: Fleet, stub: Stub, images: Mapping[str, str]) -> None:
        self._fleet, self._stub, self._images = fleet, stub, images

    def start(self, case: Case, entrypoint: Sequence[str] | None = None) -> Any:
        """A fresh container for a case (a context), with the variables that it has in AWS."""
        url = self._stub.url
        command, variables = "floor.handler", {}
        if case is not FLOOR:
            entry = functions()[case.function]
            known = world.environment(url)
            command = entry["command"]
            variables = {name: known[name] for name in entry["environment"]}
            variables["AWS_LAMBDA_FUNCTION_TIMEOUT"] = str(entry["timeout"])
            variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = str(entry["memory"])
        return self._fleet.started(
            self._images[Measured.of(case).image],
            command,
            {**world.aws_environment(url), **variables},
            entrypoint,
        )

    def cold_start(self, case: Case) -> ColdStart:
        """The first call to a fresh container."""
        with self.start(case) as function:
            wall = self.call(case, function)
            usage = function.usage()
            log = function.log()
        init, invoke = _INIT.search(log), _INVOKE.search(log)
        if not init or not invoke:
            raise BenchError(f"the emulator reported no durations: {log[-600:]}")
        return ColdStart(
            usage.cpu_ms, wall, float(init.group(1)), float(invoke.group(1)), usage.peak_mb
        )

    def call(self, case: Case, function: Function) -> float:
        """One call, which must do what the case is about; wall milliseconds.

        Raises:
            BenchError: the function failed, or answered something else.
        """
        answer, wall = function.invoke(case.event())
        try:
            worked = answer["statusCode"] == 200 and case.worked(json.loads(answer["body"]))
        except (KeyError, TypeError, ValueError):
            worked = False
        if not worked or self._stub.refused:
            raise BenchError(
                f"{case.name} did not work: {answer}\nrefused by the stub: {self._stub.refused}\n"
                + function.log()[-2000:]
            )
        return wall

    def cold(self, found: Sequence[Measured], rounds: int, say: Say) -> None:
        """`rounds` cold starts of every case after one that fills the machine's file cache."""
        for number in range(rounds + 1):
            say(f"cold start {number} of {rounds}" if number else "cold start, not counted")
            for measured in found:
                start = self.cold_start(measured.case)
                if number:
                    measured.cold.append(start)

    def warm(self, found: Sequence[Measured], calls: int, say: Say) -> None:
        """`calls` calls of every case, one at a time, in turns of `TURN` after one not counted."""
        with ExitStack() as stack:
            running = [(each, stack.enter_context(self.start(each.case))) for each in found]
            for measured, function in running:
                self._turn(measured.case, function, TURN)
            for done in range(0, calls, TURN):
                if done % 100 == 0:
                    say(f"warm call {done} of {calls}")
                turn = min(TURN, calls - done)
                for measured, function in running:
                    asked, cpu_ms = self._stub.requests, function.usage().cpu_ms
                    measured.warm_ms += self._turn(measured.case, function, turn)
                    measured.requests += (self._stub.requests - asked) / calls
                    measured.warm_cpu_ms += (function.usage().cpu_ms - cpu_ms) / calls

    def _turn(self, case: Case, function: Function, calls: int) -> list[float]:
        return [self.call(case, function) for _ in range(calls)]

    def imports(self, case: Case, runs: int) -> dict[str, float]:
        """Milliseconds of a first call by group of imports (`imports.NAMES`), and `everything`.

        `everything` is the first call's wall time, measured while imports are timed: a little more
        than without.
        """
        found = []
        for _ in range(runs):
            with self.start(case, IMPORT_TIMES) as function:
                wall = self.call(case, function)
                times = imports.by_group(function.import_times())
            found.append({**times, imports.EVERYTHING: wall})
        return imports.quickest(found)

    def tls_ms(self) -> float:
        """CPU milliseconds that preparing TLS takes a function, median of five."""
        code = (
            "import ssl, time; from saas import tls; started = time.process_time();"
            "tls.context(); print(time.process_time() - started)"
        )
        reference = self._images[FLOOR_IMAGE]
        return median(self._fleet.run(reference, code) * 1000 for _ in range(5))

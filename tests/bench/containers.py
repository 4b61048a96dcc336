"""Function containers under Lambda's emulator, on a network that leads nowhere but to this machine.

What a container used is read from the Python process in it, not from the container: the emulator,
which Lambda has no part in, takes CPU and memory of its own. That needs the engine's processes to
be visible here, so the engine must run on this machine, and the machine must run Linux.
"""

import contextlib
import http.client
import json
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.models.containers import Container

from localcloud.release.engine import connect

PORT = 8080
PATH = "/2015-03-31/functions/function/invocations"
PREFIX = "groundwork-bench-"
START_SECONDS = 30
MOUNTED = Path(__file__).parent / "mounted"
IMPORT_TIMES = ("/usr/local/bin/aws-lambda-rie", "/bench/importtime")
IMAGES_PYTHONPATH = "/var/task:/opt/python"


class BenchError(Exception):
    """The bench cannot go on; the text says why."""


@dataclass(frozen=True)
class Usage:
    """What the function's process took up to now: CPU in milliseconds, peak memory in MB."""

    cpu_ms: float
    peak_mb: float


class Function:
    """One started container."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._connection: http.client.HTTPConnection | None = None

    def wait(self) -> None:
        """Until the emulator listens; it starts the function only at the first call."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self._container.reload()
            networks = self._container.attrs["NetworkSettings"]["Networks"].values()
            address = next(iter(networks))["IPAddress"]
            if self._container.status == "exited":
                break
            with contextlib.suppress(OSError):
                self._connection = http.client.HTTPConnection(address, PORT, timeout=30)
                self._connection.connect()
                return
            time.sleep(0.02)
        raise BenchError(f"the emulator does not listen: {self.log()[-600:]}")

    def invoke(self, event: Mapping[str, Any]) -> tuple[Any, float]:
        """One call; its answer and the wall time in milliseconds."""
        assert self._connection is not None
        payload = json.dumps(event).encode()
        started = time.perf_counter()
        self._connection.request("POST", PATH, payload, {"content-type": "application/json"})
        content = self._connection.getresponse().read()
        milliseconds = (time.perf_counter() - started) * 1000
        try:
            return json.loads(content), milliseconds
        except ValueError:
            raise BenchError(f"no JSON answer: {content[:200]!r}\n{self.log()[-2000:]}") from None

    def usage(self) -> Usage:
        """Of the Python process with all its threads, ended ones included."""
        pid = self._process()
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            # The CPU clock of another process; the encoding is `MAKE_PROCESS_CPUCLOCK` of Linux.
            cpu = time.clock_gettime(((~pid) << 3) | 2)
        except OSError as error:
            raise BenchError("the engine's processes are not visible on this machine") from error
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return Usage(cpu_ms=cpu * 1000, peak_mb=int(peak.split()[1]) * 1024 / 1e6)

    def log(self) -> str:
        """All that emulator and function have printed."""
        return self._container.logs().decode(errors="replace")

    def import_times(self) -> str:
        """What `-X importtime` wrote, of a function started by `IMPORT_TIMES`."""
        return str(self._container.exec_run(["cat", "/tmp/importtime"]).output.decode())

    def remove(self) -> None:
        if self._connection:
            self._connection.close()
        self._container.remove(force=True)

    def _process(self) -> int:
        self._container.reload()
        emulator = str(self._container.attrs["State"]["Pid"])
        for pid, parent in self._container.top(ps_args="-o pid,ppid")["Processes"]:
            if parent == emulator:
                return int(pid)
        raise BenchError(f"the function's process is gone: {self.log()[-2000:]}")


class Fleet:
    """Starts containers and removes all of them at the end, with their network."""

    def __init__(self) -> None:
        self.engine = connect()
        self._name = PREFIX + secrets.token_hex(4)
        self._count = 0

    def __enter__(self) -> "Fleet":
        self._network = self.engine.networks.create(self._name, internal=True)
        self._network.reload()
        self.address: str = self._network.attrs["IPAM"]["Config"][0]["Gateway"].split("/")[0]
        return self

    def __exit__(self, *_: object) -> None:
        # By name, so that one is found, too, whose start was interrupted.
        for container in self.engine.containers.list(all=True, filters={"name": self._name}):
            container.remove(force=True)
        self._network.remove()

    @contextlib.contextmanager
    def started(
        self,
        image: str,
        command: str,
        environment: Mapping[str, str],
        entrypoint: Sequence[str] | None = None,
    ) -> Iterator[Function]:
        """A fresh container of an image's `local` target, listening, while the context lasts."""
        self._count += 1
        container = self.engine.containers.create(
            image,
            [command],
            entrypoint=list(entrypoint) if entrypoint else None,
            name=f"{self._name}-{self._count}",
            environment={**environment, "PYTHONPATH": f"{IMAGES_PYTHONPATH}:/bench"},
            network=self._name,
            volumes={str(MOUNTED): {"bind": "/bench", "mode": "ro"}},
        )
        function = Function(container)
        try:
            container.start()
            function.wait()
            yield function
        finally:
            function.remove()

    def run(self, image: str, code: str) -> float:
        """The number that a line of Python prints in an image."""
        printed = self.engine.containers.run(
            image, ["-c", code], entrypoint="python3", network_mode="none", remove=True
        )
        return float(printed)

"""One part of a stack: a child process whose output is read line by line."""

import contextlib
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence

from .config import ROOT, StackConfig
from .process import child_environment

CONFIG_VARIABLE = "GROUNDWORK_STACK"
"""Environment variable that hands a part its StackConfig as JSON."""

_LINES_KEPT = 200


class Part:
    """One child process, its output read by a thread."""

    def __init__(
        self, name: str, command: Sequence[str], config: StackConfig, log: Callable[[str], None]
    ) -> None:
        self.name = name
        self.ready = False
        self.lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._log = log
        self._process = subprocess.Popen(
            command,
            env=child_environment({CONFIG_VARIABLE: config.to_json()}),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # A group of its own: Ctrl-C reaches the supervisor alone, which then stops the parts.
            process_group=0,
        )
        self._reader = threading.Thread(target=self._read, name=f"{name}-output", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    def ask_to_stop(self) -> None:
        """SIGTERM to the part alone: it stops what it started itself."""
        self._process.terminate()

    def kill(self) -> None:
        """SIGKILL to the part and whatever is left in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self, seconds: float) -> bool:
        """Whether the process has ended within `seconds`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(seconds, 0.01))
        return self._process.returncode is not None

    def close(self) -> None:
        self._reader.join(1)
        if self._process.stdout and not self._reader.is_alive():
            self._process.stdout.close()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            text = line.rstrip("\n")
            self.lines.append(text)
            # The gateway's lines already name the function they come from.
            self._log(text if self.name == "gateway" else f"{self.name} | {text}")

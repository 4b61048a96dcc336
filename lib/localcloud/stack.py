"""Starts the parts of a local stack as child processes, watches them, and stops them."""

import fcntl
import json
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from urllib.error import HTTPError

from .config import STARTING, StackConfig, origin_of
from .part import Part
from .process import REFUSED, free_ports, port_is_free

START_SECONDS = 60.0
_STOP_SECONDS = 2.5

PARTS: Mapping[str, Sequence[str]] = {
    name: (sys.executable, "-P", "-m", "localcloud", name)
    for name in ("aws", "stripe", "bedrock", "gateway")
}
"""The command of each part. All start at once; the gateway waits for local AWS by itself."""

Log = Callable[[str], None]


class StackError(Exception):
    """Why the stack cannot start or go on, in words for the person who typed the command."""


class PortTakenError(StackError):
    """Another program serves the wanted port."""


class Stack:
    """A whole local cloud; `with Stack(port=0, state_dir=tmp) as stack:` runs one for the block.

    `port` 0 takes any free port; a state folder serves one stack at a time. `log` gets every line
    the parts print, `progress` one line for each part that becomes ready; `settings` are further
    fields of StackConfig. `config` is a whole one, with its state folder, of which perhaps only
    some `parts` run here. Raises StackError (PortTakenError) from `start`.
    """

    def __init__(
        self,
        *,
        port: int = 8000,
        state_dir: Path | None = None,
        allow_user_header: bool = False,
        config: StackConfig | None = None,
        parts: Mapping[str, Sequence[str]] | None = None,
        log: Log = lambda _line: None,
        progress: Log = lambda _line: None,
        **settings: Any,
    ) -> None:
        self._port = port
        folder = config.state_dir if config else state_dir
        if folder is None:
            raise ValueError("a stack needs a folder for its state")
        self._state_dir = folder
        self._commands = parts or PARTS
        self._settings = {**settings, "allow_user_header": allow_user_header}
        self._log = log
        self._progress = progress
        self._parts: list[Part] = []
        self._lock: IO[str] | None = None
        self._given = config
        self._config: StackConfig | None = None

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def config(self) -> StackConfig:
        if self._config is None:
            raise StackError("The stack has not been started.")
        return self._config

    @property
    def site_url(self) -> str:
        return self.config.site_url

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the running parts by name."""
        return {part.name: part.pid for part in self._parts}

    def output(self, part: str) -> list[str]:
        """The last lines that a part (`gateway` includes the functions) has printed."""
        return [line for found in self._parts if found.name == part for line in found.lines]

    def endpoints(self) -> dict[str, Any]:
        """What `GET /_local/endpoints` answers."""
        found: dict[str, Any] = json.loads(_get(f"{self._local_url}/_local/endpoints"))
        return found

    def start(self) -> None:
        """Start all parts and return when a request to the site will be answered."""
        if self._given is None:
            check_port(self._port)
        self._lock = _locked(self._state_dir)
        started = time.monotonic()
        try:
            self._config = self._given or self._make_config()
            check_frontend(self._config.frontend_url)
            for name, command in self._commands.items():
                self._parts.append(Part(name, command, self._config, self._log))
            self._wait_until_ready(started)
        except BaseException:
            self.stop()
            raise

    def check(self) -> None:
        """Raises StackError if a part has ended."""
        for part in self._parts:
            if part.returncode is not None:
                part.close()
                if part.returncode == REFUSED and part.lines:
                    raise StackError(part.lines[-1])
                tail = "\n".join(f"  {line}" for line in list(part.lines)[-30:])
                raise StackError(
                    f"The part '{part.name}' ended with exit status {part.returncode}. "
                    f"Its last output:\n{tail or '  (none)'}"
                )

    def stop(self) -> None:
        """Stop all parts; every process is gone when this returns."""
        for part in self._parts:
            part.ask_to_stop()
        deadline = time.monotonic() + _STOP_SECONDS
        for part in self._parts:
            part.wait(deadline - time.monotonic())
            # The whole group, whether or not its leader left in time.
            part.kill()
            part.wait(1)
            part.close()
        self._parts = []
        if self._lock:
            self._lock.close()
            self._lock = None

    @property
    def _local_url(self) -> str:
        return f"http://127.0.0.1:{self.config.gateway_port}"

    def _make_config(self) -> StackConfig:
        port = self._port or free_ports(1)[0]
        near = [port + offset for offset in range(1, 5)] if self._port else None
        aws, stripe, bedrock, control = free_ports(4, near)
        return StackConfig(
            gateway_port=port,
            aws_port=aws,
            stripe_port=stripe,
            bedrock_port=bedrock,
            control_port=control,
            state_dir=self._state_dir.resolve(),
            **self._settings,
        )

    def _wait_until_ready(self, started: float) -> None:
        config = self.config
        ports = {
            "aws": config.aws_port,
            "stripe": config.stripe_port,
            "bedrock": config.bedrock_port,
            "gateway": config.gateway_port,
        }
        while waiting := [part for part in self._parts if not part.ready]:
            self.check()
            for part in waiting:
                part.ready = _healthy(ports[part.name])
                if part.ready:
                    self._progress(f"{part.name:<8} ready after {time.monotonic() - started:.1f} s")
            if time.monotonic() - started > START_SECONDS:
                names = ", ".join(part.name for part in waiting)
                raise StackError(f"Not ready within {START_SECONDS:.0f} s: {names}.")
            time.sleep(0.03)


def check_port(port: int) -> None:
    """Raises PortTakenError when a wanted port (not 0) is in use."""
    if port and not port_is_free(port):
        other = next(
            (port + step for step in range(10, 200, 10) if port_is_free(port + step)), port + 10
        )
        if _groundwork_serves(port):
            raise PortTakenError(
                f"Groundwork already runs on http://localhost:{port}. Use it, or stop it first, or "
                f"start another beside it: make dev PORT={other}"
            )
        raise PortTakenError(
            f"Port {port} is taken by another program. Choose another: make dev PORT={other}"
        )


def check_frontend(address: str | None) -> None:
    """Raises StackError for a FRONTEND_URL that is no address of a site."""
    try:
        if address:
            origin_of(address)
    except ValueError:
        # What it says is not repeated: it may hold a password.
        raise StackError(
            "FRONTEND_URL is no address of a site: write http:// or https://, a host and a port, "
            "such as FRONTEND_URL=http://localhost:3000, without user and password."
        ) from None


def _groundwork_serves(port: int) -> bool:
    """Whether what serves a port is a stack of ours, started or still starting."""
    try:
        found = _get(f"http://127.0.0.1:{port}/_local/endpoints", seconds=1)
    except HTTPError as error:
        return STARTING.encode() in error.read()
    except (OSError, HTTPException):
        return False
    return b"userPoolId" in found


def _locked(state_dir: Path) -> IO[str]:
    """Keep a second stack from sharing one state directory. Raises StackError when one does."""
    state_dir.mkdir(parents=True, exist_ok=True)
    lock = (state_dir / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StackError(
            f"Another stack is using the state in {state_dir}. Stop it, or give this one its own: "
            "python -m localcloud dev --state-dir <folder>"
        ) from None
    return lock


def _healthy(port: int) -> bool:
    try:
        _get(f"http://127.0.0.1:{port}/_health")
    except (OSError, HTTPException):
        return False
    return True


def _get(url: str, seconds: float = 2) -> bytes:
    # No proxy of the developer's shell may stand between the parts.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=seconds) as response:
        body: bytes = response.read()
        return body

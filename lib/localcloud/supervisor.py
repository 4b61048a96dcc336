"""`python -m localcloud dev`: runs a stack in the foreground until Ctrl-C."""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from .clock import Clock
from .config import ROOT
from .console.wording import ahead
from .stack import PARTS, PortTakenError, Stack, StackError, check_port

__all__ = ["PortTakenError", "Stack", "StackError", "dev"]


class _StopRequestedError(BaseException):
    """Raised by SIGINT, SIGTERM and SIGHUP, wherever the supervisor happens to be."""


def dev(
    port: int,
    state_dir: Path | None,
    *,
    allow_user_header: bool = False,
    webhooks_anywhere: bool = False,
    parts: Mapping[str, Sequence[str]] = PARTS,
) -> int:
    """Run until a signal or the end of a part. Returns the exit code of the command."""
    started = time.monotonic()
    stack: Stack | None = None
    try:
        _catch_signals(_request_stop)
        load_env_file(ROOT / ".env")
        check_port(port)
        print(f"Groundwork starts on http://localhost:{port}", flush=True)
        stack = Stack(
            port=port,
            state_dir=state_dir or default_state_dir(port),
            allow_user_header=allow_user_header
            or os.environ.get("GROUNDWORK_ALLOW_USER_HEADER") == "1",
            webhooks_anywhere=webhooks_anywhere
            or os.environ.get("GROUNDWORK_WEBHOOKS_ANYWHERE") == "1",
            parts=parts,
            log=_print,
            progress=lambda line: _print(f"  {line}"),
        )
        stack.start()
        _print_addresses(stack, time.monotonic() - started)
        while True:
            stack.check()
            time.sleep(0.2)
    except StackError as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    except _StopRequestedError:
        return 0
    finally:
        # A second Ctrl-C must not interrupt the clearing up.
        _catch_signals(signal.SIG_IGN)
        if stack is not None:
            stack.stop()
            _print("Groundwork has stopped.")


def default_state_dir(port: int) -> Path:
    """`.local` for the usual port; another port is another stack with a state of its own."""
    return ROOT / ".local" if port == 8000 else ROOT / ".local" / str(port)


def load_env_file(path: Path) -> None:
    """Take `NAME=value` lines of a file into the environment, unless the shell has set them."""
    if not path.is_file():
        return
    for line in path.read_text().splitlines():
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value.strip().strip("\"'"))


def _request_stop(_signal: int, _frame: FrameType | None) -> None:
    raise _StopRequestedError


def _catch_signals(handler: signal.Handlers | object) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, handler)  # type: ignore[arg-type]


def _print(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError:
        # The reader of our output has gone (a closed terminal, `| head`): go on in silence.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123


def _print_addresses(stack: Stack, seconds: float) -> None:
    config = stack.config
    site = config.site_url
    addresses = {
        "Site": f"{site}" + (f"  (from {config.frontend_url})" if config.frontend_url else ""),
        "API": f"{site}/backend",
        "Console": f"{site}/_local/",
        "Mail": f"{site}/_local/mailbox",
        "Sign-in": f"{site}/_local/signin",
        "Endpoints": f"{site}/_local/endpoints",
        "Stripe": config.stripe_public_url,
        "AWS": config.aws_public_url,
    }
    for name, address in addresses.items():
        _print(f"  {name:<10} {address}")
    if offset := Clock(config.clock_file).offset:
        # It was moved before this start, and sessions, periods and dates go by it.
        _print(f"  Clock      {ahead(offset)} ahead of real time: {site}/_local/switches")
    _print(f"Groundwork is ready after {seconds:.1f} s. Ctrl-C stops it.")

"""How the processes of a local stack live and die: none outlives the one that started it."""

import contextlib
import ctypes
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping
from types import FrameType

from .config import HOST, ROOT

PARENT_VARIABLE = "GROUNDWORK_PARENT"
"""`<pid>` of the starter, followed by `,thread` when it was not started from a main thread."""

REFUSED = 78
"""Exit status of a part that says in one sentence why it cannot start (`EX_CONFIG`)."""

_PR_SET_PDEATHSIG = 1
_KEPT = ("PATH", "HOME", "TMPDIR", "TERM", "LANG", "LC_ALL", "SYSTEMROOT")


class CannotStartError(RuntimeError):
    """Why a part cannot start, in words for the person who typed the command."""


def die_with_parent() -> None:
    """End this process as soon as the one that started it is gone, however it went (kill -9 too).

    Linux delivers SIGKILL by `prctl(PR_SET_PDEATHSIG)`; elsewhere, and as a second line, a thread
    watches the parent's id. Does nothing in a process that nobody of ours started.
    """
    parent, _, thread = os.environ.get(PARENT_VARIABLE, "").partition(",")
    if not parent:
        return
    # The signal follows the *thread* that forked, so it is only right for a starter's main thread.
    if sys.platform == "linux" and not thread:
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        os._exit(1)
    threading.Thread(target=_watch, args=(int(parent),), name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def end_quietly_on_signals() -> None:
    """Make SIGTERM and SIGINT end this process at once, without a traceback."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a part: what a process needs, nothing of the developer's AWS, Stripe or
    proxy settings, plus `extra`."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    kept |= {name: value for name, value in os.environ.items() if name.startswith("GROUNDWORK_")}
    main = threading.current_thread() is threading.main_thread()
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "lib"), str(ROOT / "images")]),
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",
        # A profile or endpoint in the developer's own AWS files must not leak in either.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        PARENT_VARIABLE: f"{os.getpid()}" + ("" if main else ",thread"),
        **extra,
    }


def port_is_free(port: int) -> bool:
    """Whether a loopback TCP port can be served: nobody listens there, on IPv6 neither.

    A browser asks `localhost` on ::1 first, so a program listening there would answer instead.
    """
    with contextlib.suppress(OSError), socket.create_connection(("::1", port), timeout=0.2):
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_ports(count: int, preferred: list[int] | None = None) -> list[int]:
    """`count` distinct free loopback ports: each of `preferred` that is free, else any."""
    chosen: list[int] = []
    held: list[socket.socket] = []
    try:
        for index in range(count):
            wanted = preferred[index] if preferred and index < len(preferred) else 0
            if wanted and 0 < wanted < 65536 and wanted not in chosen and port_is_free(wanted):
                chosen.append(wanted)
                continue
            # Held until all are chosen, so that the system does not hand out one of them twice.
            held.append(socket.socket())
            held[-1].bind((HOST, 0))
            chosen.append(held[-1].getsockname()[1])
    finally:
        for holder in held:
            holder.close()
    return chosen

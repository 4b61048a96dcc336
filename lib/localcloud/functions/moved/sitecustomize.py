"""Gives a function's process the stack's time in place of real time.

Python imports a module of this name before anything else; the launcher puts its folder on the path
of functions once the clock has been moved. The code in the images stays as it is and has no switch
that moves time. Standard library only: function processes carry nothing of the local stack.

What asks Python for the present is answered with the moved time; monotonic clocks, sleeping and
time-outs are left alone, and so is what the kernel dates (files).
"""

import ctypes
import datetime
import functools
import gc
import mmap
import os
import time
from collections.abc import Callable
from typing import Any

VARIABLE = "GROUNDWORK_CLOCK"
SECOND = 1_000_000_000


def follow(path: str) -> None:
    """Move this process to the time in that file (`localcloud.clock`), whatever it becomes."""
    with open(path, "rb") as file:  # noqa: PTH123 - pathlib would be imported for this alone
        words = memoryview(mmap.mmap(file.fileno(), 16, access=mmap.ACCESS_READ)).cast("q")
    _move_time(lambda: words[0])
    _move_datetime()


def _move_time(offset: Callable[[], int]) -> None:
    real_time, real_time_ns = time.time, time.time_ns
    real_gettime, real_gettime_ns = time.clock_gettime, time.clock_gettime_ns

    def moved(clock: int) -> int:
        return offset() if clock == time.CLOCK_REALTIME else 0

    replaced: dict[str, Callable[..., Any]] = {
        "time": lambda: real_time() + offset(),
        "time_ns": lambda: real_time_ns() + offset() * SECOND,
        "clock_gettime": lambda clock: real_gettime(clock) + moved(clock),
        "clock_gettime_ns": lambda clock: real_gettime_ns(clock) + moved(clock) * SECOND,
    }
    vars(time).update(replaced)
    for name in ("gmtime", "localtime", "ctime"):
        vars(time)[name] = _from_now(getattr(time, name), 0, time.time)
    for name, place in (("asctime", 0), ("strftime", 1)):
        vars(time)[name] = _from_now(getattr(time, name), place, time.localtime)


def _from_now(real: Callable[..., Any], place: int, now: Callable[[], Any]) -> Callable[..., Any]:
    """`real` with the present in its argument at `place`, where it is left out or None."""

    @functools.wraps(real)
    def function(*given: Any) -> Any:
        if len(given) > place and given[place] is not None:
            return real(*given)
        return real(*given[:place], now())

    return function


def _move_datetime() -> None:
    """Change the type itself: a subclass would be another type to `isinstance`, pickle, pydantic.

    `today`, of dates too, asks `time.time` already.
    """

    def now(cls: type[datetime.datetime], tz: datetime.tzinfo | None = None) -> Any:
        return cls.fromtimestamp(time.time(), tz)

    def utcnow(cls: type[datetime.datetime]) -> Any:
        return cls.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)

    # The namespace behind the read-only view that `__dict__` is.
    namespace = gc.get_referents(datetime.datetime.__dict__)[0]
    namespace.update(now=classmethod(now), utcnow=classmethod(utcnow))
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime.datetime))


if path := os.environ.pop(VARIABLE, ""):
    follow(path)

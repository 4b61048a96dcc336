"""The clock of a stack: real time, and how far `POST /_local/clock` has moved it forward.

Sixteen bytes in the state folder, mapped into the memory of every process that goes by it, so that
all see a move at once: the offset in seconds, and whether functions follow it. Each is one aligned
machine word, never seen half written. Local Stripe moves it; the gateway has functions follow.
"""

import mmap
import os
import time
from pathlib import Path

WORDS = 2
SIZE = 8 * WORDS


class Clock:
    """`now` is the time at which things happen to objects; `wall` is real time.

    Everything that Stripe dates goes by `now`. The transport of webhooks (retries, the age of an
    idempotency key) goes by `wall`: nobody wants to wait a moved month for an answer.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # Whoever comes first makes it; making it longer never changes what is there.
            if os.fstat(descriptor).st_size < SIZE:
                os.truncate(descriptor, SIZE)
            self._words = memoryview(mmap.mmap(descriptor, SIZE)).cast("q")
        finally:
            os.close(descriptor)

    @property
    def offset(self) -> int:
        """Seconds by which this clock is ahead of real time."""
        return self._words[0]

    @offset.setter
    def offset(self, seconds: int) -> None:
        self._words[0] = seconds

    @property
    def followed(self) -> bool:
        """Functions that start now get this time; until somebody moves it they get real time."""
        return bool(self._words[1])

    @followed.setter
    def followed(self, wanted: bool) -> None:
        self._words[1] = int(wanted)

    def now(self) -> int:
        """Whole seconds since the Unix epoch, moved."""
        return int(time.time()) + self.offset

    def wall(self) -> float:
        """Real seconds since the Unix epoch."""
        return time.time()

    def reset(self) -> None:
        """Back to real time."""
        self.offset = 0
        self.followed = False

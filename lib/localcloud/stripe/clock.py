"""The one clock of the local Stripe."""

import time


class Clock:
    """`now` is the time at which things happen to objects; `wall` is real time.

    Everything that Stripe dates goes by `now`, which may be moved. The transport of webhooks goes
    by `wall`: receivers compare a signature's time with their own clock.
    """

    def __init__(self) -> None:
        self.offset = 0

    def now(self) -> int:
        """Whole seconds since the Unix epoch, moved by `offset` seconds."""
        return int(time.time()) + self.offset

    def wall(self) -> float:
        """Real seconds since the Unix epoch."""
        return time.time()

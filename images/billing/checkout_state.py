"""The item `CHECKOUT#<user>`: which attempt runs or is open, and who holds the lease.

Pure rules, no requests. Every write replaces the whole item on condition that its `version` is the
one that was read, so that of any number of callers exactly one goes on.
"""

from dataclasses import dataclass, replace
from typing import Literal

from billing import store
from billing.stripe_objects import CheckoutSession
from saas.errors import LimitExceeded, Unavailable
from saas.rows import Row
from saas.table import ABSENT, Item, Put, When

# Longer than the function may run (29 s): whoever finds a lease expired knows its holder is dead.
LEASE_SECONDS = 30
CREATIONS = 10
WINDOW_SECONDS = 3600
ATTEMPTS_PER_MINUTE = 30
# A session that ends this soon is not handed out any more.
MARGIN_SECONDS = 120


@dataclass(frozen=True)
class CheckoutState:
    """One user's checkout. Times are epoch seconds; `generation` numbers the idempotency keys.

    `creating`: an attempt with `fingerprint` runs, or ended without our knowing how; the next one
    with the same fingerprint repeats its key. `open`: `session_id` was handed out. `idle`: neither.
    """

    user_id: str
    version: int = 0
    phase: Literal["idle", "creating", "open"] = "idle"
    generation: int = 0
    fingerprint: str = ""
    session_id: str = ""
    client_secret: str = ""
    expires_at: int = 0
    lease_until: int = 0
    window_start: int = 0
    window_count: int = 0
    minute: int = 0
    attempts: int = 0

    @classmethod
    def from_item(cls, user_id: str, item: Item | None) -> "CheckoutState":
        row = Row(item)
        phase = row.text("phase")
        return cls(
            user_id=user_id,
            version=row.integer("version"),
            phase="open" if phase == "open" else "creating" if phase == "creating" else "idle",
            generation=row.integer("generation"),
            fingerprint=row.text("fingerprint"),
            session_id=row.text("sessionId"),
            client_secret=row.text("clientSecret"),
            expires_at=row.integer("expiresAt"),
            lease_until=row.integer("leaseUntil"),
            window_start=row.integer("windowStart"),
            window_count=row.integer("windowCount"),
            minute=row.integer("minute"),
            attempts=row.integer("attempts"),
        )

    @property
    def session(self) -> CheckoutSession:
        """The session as it was stored."""
        return CheckoutSession(self.session_id, "open", self.client_secret, self.expires_at)

    def is_reusable(self, fingerprint: str, now: int) -> bool:
        """Whether the stored session is for the same purchase and may still be open."""
        alive = self.expires_at > now + MARGIN_SECONDS
        return self.phase == "open" and self.fingerprint == fingerprint and alive

    def is_leased(self, now: int) -> bool:
        return self.phase == "creating" and self.lease_until > now

    def claimed(self, fingerprint: str, now: int) -> "CheckoutState":
        """The state in which the caller may create; only a new attempt counts for the limit.

        What Stripe refuses counts for no limit of sessions, so attempts have one of their own.

        Raises:
            LimitExceeded: too many sessions were made lately (`checkout_rate_limited`).
            Unavailable: too many attempts failed within this minute (`checkout_busy`).
        """
        minute = now // 60
        attempts = self.attempts if minute == self.minute else 0
        if attempts >= ATTEMPTS_PER_MINUTE:
            raise busy()
        lease = replace(
            self,
            phase="creating",
            fingerprint=fingerprint,
            lease_until=now + LEASE_SECONDS,
            minute=minute,
            attempts=attempts + 1,
        )
        if self.phase == "creating" and self.fingerprint == fingerprint:
            return lease
        return lease.next_attempt(now)

    def next_attempt(self, now: int, *, skip: int = 0) -> "CheckoutState":
        """The same lease with a new idempotency key; `skip` leaves out that many more.

        Raises:
            LimitExceeded: too many sessions were made lately (`checkout_rate_limited`).
        """
        elapsed = now >= self.window_start + WINDOW_SECONDS
        start, count = (now, 0) if elapsed else (self.window_start, self.window_count)
        if count >= CREATIONS:
            wait = max(1, start + WINDOW_SECONDS - now)
            raise LimitExceeded(
                "Too many checkouts were started, please try again later",
                code="checkout_rate_limited",
                details={"retryAfter": wait},
                headers={"Retry-After": str(wait)},
            )
        return replace(
            self,
            generation=self.generation + 1 + skip,
            window_start=start,
            window_count=count + 1,
        )

    def opened(self, session: CheckoutSession) -> "CheckoutState":
        """The attempt succeeded."""
        return replace(
            self,
            phase="open",
            session_id=session.id,
            client_secret=session.client_secret,
            expires_at=session.expires_at,
            lease_until=0,
        )

    def released(self, *, settled: bool, counts: bool) -> "CheckoutState":
        """The attempt failed.

        Args:
            settled: its key is used up, so the next attempt takes another one.
            counts: it counts for the limit although nothing was made.
        """
        count = self.window_count if counts else max(0, self.window_count - 1)
        return replace(
            self, phase="idle" if settled else "creating", lease_until=0, window_count=count
        )

    def write(self, before: "CheckoutState") -> Put:
        """The write that turns the state that was read into this one."""
        where = store.checkout_key(self.user_id)
        item = {
            "pk": where.pk,
            "sk": where.sk,
            "version": before.version + 1,
            "phase": self.phase,
            "generation": self.generation,
            "fingerprint": self.fingerprint,
            "sessionId": self.session_id,
            "clientSecret": self.client_secret,
            "expiresAt": self.expires_at,
            "leaseUntil": self.lease_until,
            "windowStart": self.window_start,
            "windowCount": self.window_count,
            "minute": self.minute,
            "attempts": self.attempts,
        }
        unread = When("#version = :read", read=before.version)
        return Put(item, when=ABSENT if before.version == 0 else unread)


def busy() -> Unavailable:
    """The 503 for a session that another call is making, or that cannot be made just now."""
    return Unavailable(
        "The checkout is being prepared, please try again",
        code="checkout_busy",
        headers={"Retry-After": "5"},
    )

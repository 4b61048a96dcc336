"""What the console looks at: the stack's configuration and the gateway's own memory."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from localcloud.clock import Clock
from localcloud.config import StackConfig
from localcloud.functions.journal import Journal
from localcloud.functions.manifest import FunctionSpec

from .redaction import Redaction
from .sources import Sources, Unanswered


@dataclass(frozen=True)
class Stage:
    """Handed over by the gateway.

    `endpoints` is what `GET /_local/endpoints` answers, `functions` lists those that run,
    `mails(limit, before)` are the newest, or those before one; `signed_in` reads the session of a
    request.
    """

    config: StackConfig
    endpoints: Callable[[], dict[str, Any]]
    functions: Callable[[], Sequence[FunctionSpec]]
    openapi: Path
    journal: Journal
    clock: Clock
    mails: Callable[..., Awaitable[list[dict[str, Any]]]]
    signed_in: Callable[[web.Request], dict[str, Any] | None]
    sources: Sources

    @property
    def table(self) -> str:
        """Name of the table. Raises Unanswered while nothing is served."""
        try:
            return str(self.endpoints()["tableName"])
        except web.HTTPException as refused:
            raise Unanswered(refused.text or "Nothing is served yet.") from None

    @property
    def redaction(self) -> Redaction:
        """Masks the secrets that this stack uses."""
        config = self.config
        return Redaction(
            (
                config.secret_access_key,
                config.nextauth_secret,
                config.stripe_secret_key,
                config.webhook_secret,
            )
        )

    def now(self) -> datetime:
        """The time that functions go by."""
        moment = self.clock.now() if self.clock.followed else int(self.clock.wall())
        return datetime.fromtimestamp(moment, UTC)

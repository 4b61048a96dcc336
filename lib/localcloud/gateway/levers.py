"""Levers that reach more than one part: the clock, and the faults of all of them."""

from collections.abc import Callable
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web

from localcloud import moments
from localcloud.clock import Clock
from localcloud.config import StackConfig
from saas import json_text

from .control_messages import refused, small_body
from .faults import FaultSwitch

_MOVE_SECONDS = 600.0


class Levers:
    """Handlers of `/_local/clock`, and those of faults.

    `renew` replaces the processes of all functions.
    """

    def __init__(self, config: StackConfig, clock: Clock, renew: Callable[[], None]) -> None:
        self._config = config
        self._renew = renew
        self._clock = clock

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/_local/clock", self.clock),
            web.post("/_local/clock", self.move_clock),
            *FaultSwitch(self._config).routes(),
        ]

    async def clock(self, _request: web.Request) -> web.StreamResponse:
        return await self._stripe("GET", "/_local/clock")

    async def move_clock(self, request: web.Request) -> web.StreamResponse:
        """Move local Stripe's time, and have functions go by it from now on.

        A container cannot be given another time without changing what is in it, so that a stack
        whose functions run in containers stays at real time.
        """
        if self._config.emulators:
            return refused(
                409,
                "The functions run in containers, which keep real time. Move the clock of a stack "
                "that runs them as processes (make dev).",
            )
        body = await small_body(request)
        try:
            wanted = json_text.read(body or b"{}")
        except ValueError:
            return refused(400, "The body is not valid JSON.")
        try:
            moments.target(wanted, self._clock.now())
        except ValueError as error:
            return refused(400, str(error))
        if not self._clock.followed:
            self._clock.followed = True
            self._renew()
        return await self._stripe("POST", "/_local/clock", body)

    async def _stripe(self, method: str, path: str, body: bytes | None = None) -> web.Response:
        """Local Stripe's answer; its errors in the gateway's shape."""
        url = f"{self._config.stripe_url}{path}"
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=_MOVE_SECONDS)) as session,
                session.request(method, url, data=body) as upstream,
            ):
                answer: dict[str, Any] = await upstream.json()
                if "error" in answer:
                    answer = {"message": answer["error"]["message"]}
                return web.json_response(answer, status=upstream.status)
        except (ClientError, OSError, TimeoutError, ValueError):
            return refused(502, f"local Stripe does not answer at {url}")

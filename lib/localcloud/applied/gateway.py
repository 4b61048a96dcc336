"""The gateway of an applied stack: API Gateway, Cognito's triggers and schedules call what
Terraform made, if its permissions let them."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from localcloud.config import StackConfig
from localcloud.functions.invocation import Result
from localcloud.functions.manifest import FunctionSpec
from localcloud.functions.transport import Functions, RefusedError, UnknownFunctionError
from localcloud.gateway.event import ApiIdentity
from localcloud.gateway.http_api import Served
from localcloud.gateway.provisioning import state_of, wait_until_healthy
from localcloud.gateway.routing import Match, RouteTable
from localcloud.gateway.server import Gateway, Parts
from localcloud.gateway.sessions import SessionCookie

from . import permissions
from .api import PRINCIPAL, NotAppliedError
from .control_plane import ControlPlane, service_of
from .functions import AppliedFunctions
from .schedules import Schedules
from .snapshot import Snapshot, read

_POLL_SECONDS = 1.0
_LONGEST_SECONDS = 10.0
"""While local AWS keeps changing, as during an apply, it is read again this rarely."""


class AppliedGateway(Gateway):
    """Follows local AWS: a new deployment is served within about two seconds."""

    def __init__(self, config: StackConfig, parts: Parts | None = None) -> None:
        self._plane = ControlPlane(config)
        self._snapshot: Snapshot | None = None
        self._problem = f"{config.applied} has not been looked for yet."
        self._seen: tuple[str, str] | None = None
        self._reading = asyncio.Lock()
        super().__init__(config, parts or Parts(specs={}, warm=False))
        self._schedules = Schedules(self.applied, self._plane, self.parts.log)

    def make_functions(self) -> Functions:
        self.applied = AppliedFunctions(
            self._plane, self.parts.log, self.parts.max_workers, self.journal
        )
        return self.applied

    def served(self) -> Served:
        if self._snapshot:
            return self._snapshot.api.served
        return Served(ApiIdentity(self.config.account_id), RouteTable())

    async def integrate(self, match: Match, payload: bytes) -> Result:
        """Call a route's function if its policy lets this API do so."""
        if self._snapshot is None:
            raise UnknownFunctionError(match.route_key)
        api = self._snapshot.api
        integration = api.integrations[match.route_key]
        integration.check()
        self._admit(PRINCIPAL, integration.function_arn, api.source_arn(match))
        async with asyncio.timeout(integration.seconds):
            return await self.applied.invoke(integration.function_arn, payload)

    def resolve(self, request: web.Request) -> str:
        """The function by ARN; a service that calls names in a header the resource it acts for."""
        name, qualifier = request.match_info["name"], request.query.get("Qualifier", "")
        arn = name if name.startswith("arn:") else self.config.function_arn(name)
        arn = f"{arn}:{qualifier}" if qualifier and qualifier != "$LATEST" else arn
        if source := request.headers.get("X-Amz-Source-Arn"):
            self._admit(service_of(source), arn, source)
        return arn

    def session_cookie(self) -> SessionCookie:
        found = self._snapshot.session_cookie if self._snapshot else None
        return replace(found, now=self.clock.now) if found else super().session_cookie()

    def endpoints(self) -> dict[str, Any]:
        if self._snapshot is None:
            raise web.HTTPServiceUnavailable(text=self._problem)
        cookie = self.session_cookie()
        own = {"nextauthSecret": cookie.secret, "applied": self.config.applied}
        return {**super().endpoints(), **self._snapshot.endpoints(), **own}

    async def reset(self) -> None:
        """Refused: an emptied local AWS would contradict Terraform's state."""
        raise web.HTTPConflict(
            text=f"{self.config.applied} belongs to Terraform: destroy it there, or restart."
        )

    def running(self) -> Sequence[FunctionSpec]:
        return [deployed.spec for deployed in self.applied.deployed.values()]

    def control_routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.post("/_local/applied/refresh", self._handle_refresh),
            web.post("/_local/applied/schedules/{name}", self._handle_schedule),
        ]

    async def provision(self) -> None:
        """Read what is there; nothing is not an error, since Terraform may run later."""
        await wait_until_healthy(self.config.aws_url)
        await self._refresh_quietly()

    async def refresh(self) -> None:
        """Serve what local AWS holds now."""
        async with self._reading:
            self._seen = await state_of(self.config.aws_url)
            try:
                found = await asyncio.to_thread(read, self._plane, self.config.applied)
            except NotAppliedError as error:
                found, problem = None, str(error)
            else:
                problem = ""
            if problem != self._problem:
                self.parts.log(f"gateway | {problem or f'serving {self.config.applied}'}")
            self._snapshot, self._problem = found, problem
            await self.applied.deploy(found.functions if found else {})
            self._schedules.set(found.schedules if found else {})

    async def follow_aws(self) -> None:
        """Read local AWS again once it has changed and come to rest."""
        latest, since = self._seen, time.monotonic()
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            await self._schedules.fire_due()
            found = await state_of(self.config.aws_url)
            if found is None:
                continue
            if self._seen and found[0] != self._seen[0]:
                self._plane.forget_credentials()
            if found == self._seen and self._plane.has_fresh_credentials:
                since = time.monotonic()
            elif found == latest or time.monotonic() - since > _LONGEST_SECONDS:
                await self._refresh_quietly()
                since = time.monotonic()
            latest = found

    async def _refresh_quietly(self) -> None:
        try:
            await self.refresh()
        except Exception as error:
            # Something was deleted while it was being read: the next change reads again.
            self.parts.log(f"gateway | reading local AWS failed, and is repeated: {error}")
            self._seen = None

    def _admit(self, service: str, function_arn: str, source_arn: str) -> None:
        """Raises UnknownFunctionError, or RefusedError when the function's policy lacks it."""
        self.applied.require(function_arn)
        access = permissions.invocation(function_arn, source_arn)
        if not permissions.admits(self.applied.deployed[function_arn].policy, service, access):
            raise RefusedError(permissions.refusal(service, access), "AccessDeniedException", 403)

    async def _handle_refresh(self, _request: web.Request) -> web.StreamResponse:
        await self.refresh()
        return web.json_response({"status": self._problem or "ok"})

    async def _handle_schedule(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        try:
            return web.json_response({"requestId": await self._schedules.fire(name)}, status=202)
        except UnknownFunctionError as error:
            return web.json_response({"message": f"There is no function {error}"}, status=404)
        except KeyError:
            known = ", ".join(self._schedules.names) or "none"
            message = f"There is no schedule {name}; there are: {known}."
            return web.json_response({"message": message}, status=404)
        except RefusedError as error:
            return web.json_response({"message": str(error)}, status=error.status)

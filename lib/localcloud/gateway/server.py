"""Runs the gateway: the site's port, the Lambda Invoke port, and the functions behind both."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from localcloud.clock import Clock
from localcloud.config import HOST, ROOT, StackConfig, functions
from localcloud.console.app import Console
from localcloud.functions.emulators import Emulators
from localcloud.functions.invocation import Result
from localcloud.functions.invoke_api import bare_name
from localcloud.functions.journal import Journal
from localcloud.functions.launch import Log
from localcloud.functions.launcher import Launcher
from localcloud.functions.manifest import (
    CodePaths,
    FunctionSpec,
    environment_table,
    parse_manifest,
)
from localcloud.functions.pool import MAX_WORKERS
from localcloud.functions.transport import Functions
from localcloud.guard_aiohttp import HEADER_ROOM
from localcloud.ports import programs_guard

from .app import Site
from .console_stage import stage_of
from .control import Control
from .endpoints import endpoints_of
from .event import ApiIdentity
from .http_api import Cors, HttpApi, Served
from .invoke_app import invoke_application
from .levers import Levers
from .provisioning import (
    Provision,
    instance_of,
    provision_local_aws,
    reset_part,
    wait_until_healthy,
)
from .routing import Match, OpenApiFile
from .sessions import SessionCookie

_FOLLOW_SECONDS = 1.0


@dataclass
class Parts:
    """What a gateway serves; tests put small functions and a fake provisioning here."""

    specs: Mapping[str, FunctionSpec] = field(default_factory=lambda: parse_manifest(functions()))
    openapi: Path = ROOT / "docs" / "openapi.json"
    code: CodePaths = field(default_factory=CodePaths)
    provision: Provision | None = None
    log: Log = print
    integration_seconds: float = 30.0
    warm: bool = True
    max_workers: int = MAX_WORKERS


class Gateway:
    """Owns the listeners and the functions of one stack.

    Here it serves this repository; `localcloud.applied` overrides what is read from Terraform's
    work instead.
    """

    def __init__(self, config: StackConfig, parts: Parts | None = None) -> None:
        self.config = config
        self.parts = parts or Parts(provision=provision_local_aws)
        self.provisioned: dict[str, str] = {}
        self.journal = Journal()
        self.functions = self.make_functions()
        self.clock = Clock(config.clock_file)
        self.levers = Levers(config, self.clock, self.functions.renew)
        default = next((name for name, spec in self.parts.specs.items() if spec.default), None)
        self._routes = OpenApiFile(self.parts.openapi, default)
        self._ready = False
        self._resetting = asyncio.Lock()
        self._runners: list[web.AppRunner] = []
        self._aws_instance: str | None = None
        self._aws_watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen, provision, start the functions. Raises what provisioning raises."""
        self.functions.pause()
        await self._listen(self._site(), self.config.gateway_host, self.config.gateway_port)
        guard = programs_guard(self.config)
        ready = invoke_application(self.functions, lambda: self._ready, self.resolve, guard)
        await self._listen(ready, HOST, self.config.control_port)
        await self.provision()
        self.functions.resume()
        if self.parts.warm:
            self.functions.warm()
        self.functions.watch()
        self._aws_watch = asyncio.create_task(self.follow_aws())
        self._ready = True

    async def stop(self) -> None:
        self._ready = False
        if self._aws_watch:
            self._aws_watch.cancel()
            await asyncio.gather(self._aws_watch, return_exceptions=True)
        for runner in self._runners:
            await runner.cleanup()
        await self.functions.stop()

    async def reset(self) -> None:
        """Forget all state of all parts, provision again, restart the functions."""
        async with self._resetting:
            self.functions.pause()
            try:
                for url in (self.config.aws_url, self.config.stripe_url, self.config.bedrock_url):
                    await reset_part(url)
                await self.provision()
                self.functions.renew()
            finally:
                self.functions.resume()

    def endpoints(self) -> dict[str, Any]:
        """What a client of this stack needs to know; answered by `GET /_local/endpoints`."""
        return endpoints_of(self.config, self.provisioned)

    # What a gateway for something else than this repository does in another way.

    def make_functions(self) -> Functions:
        if self.config.emulators:
            return Emulators(
                self.config, self.parts.specs, log=self.parts.log, journal=self.journal
            )
        return Launcher(
            self.config,
            self.parts.specs,
            code=self.parts.code,
            log=self.parts.log,
            max_workers=self.parts.max_workers,
            journal=self.journal,
        )

    def served(self) -> Served:
        """The API as it is now."""
        identity = ApiIdentity(self.config.account_id)
        return Served(identity, self._routes.routes(), Cors(self.config.site_origins))

    async def integrate(self, match: Match, payload: bytes) -> Result:
        """Have the function of a route answer. Raises as `Functions.invoke`."""
        return await self.functions.invoke(match.function, payload)

    def resolve(self, request: web.Request) -> str:
        """The function that a request of the Invoke API is for."""
        return bare_name(request)

    def session_cookie(self) -> SessionCookie:
        """The cookie that local sign-in sets."""
        return SessionCookie(self.config.nextauth_secret, now=self.clock.now)

    def running(self) -> Sequence[FunctionSpec]:
        """The functions that run."""
        return list(self.parts.specs.values())

    def control_routes(self) -> list[web.AbstractRouteDef]:
        """Routes below `/_local` besides those of every gateway."""
        return []

    async def provision(self) -> None:
        """Make what functions need in local AWS, and their variables."""
        if self.parts.provision:
            await wait_until_healthy(self.config.aws_url)
            instance = await instance_of(self.config.aws_url)
            self.provisioned = dict(await asyncio.to_thread(self.parts.provision, self.config))
            self._aws_instance = instance
        table = environment_table(
            self.config,
            issuer=self.provisioned.get("issuer", ""),
            client_id=self.provisioned.get("user_pool_client_id", ""),
        )
        self.functions.configure(table)

    async def follow_aws(self) -> None:
        """Provision again when local AWS, whose state is in memory, has been replaced."""
        while self.parts.provision:
            await asyncio.sleep(_FOLLOW_SECONDS)
            async with self._resetting:
                found = await instance_of(self.config.aws_url)
                if found in (None, self._aws_instance):
                    continue
                self.parts.log("gateway | local AWS has begun anew: provisioning it")
                self.functions.pause()
                try:
                    await self.provision()
                except Exception as error:
                    self.parts.log(f"gateway | provisioning failed, and is repeated: {error}")
                finally:
                    self.functions.resume()

    def _site(self) -> web.Application:
        api = HttpApi(
            self.integrate,
            self.served,
            integration_seconds=self.parts.integration_seconds,
            log=self.parts.log,
        )
        control = Control(
            self.config,
            self.endpoints,
            self.reset,
            ready=lambda: self._ready,
            session_cookie=self.session_cookie,
            further=[*self.levers.routes(), *self.control_routes()],
        )
        console = Console(stage_of(self, control))
        return Site(self.config, api, control, console, ready=lambda: self._ready).application()

    async def _listen(self, app: web.Application, host: str, port: int) -> None:
        runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=0.5,
            **HEADER_ROOM,
        )
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, host, port, reuse_address=True).start()

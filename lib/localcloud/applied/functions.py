"""Runs deployed functions: each with the environment, the role and the code of its deployment."""

import asyncio
import os
from collections.abc import Mapping

from localcloud.config import StackConfig
from localcloud.functions.invocation import Invocation, Result
from localcloud.functions.journal import Journal
from localcloud.functions.launch import Launch, Log
from localcloud.functions.pool import MAX_WORKERS, Pool
from localcloud.functions.transport import RefusedError, UnknownFunctionError

from .asynchronous import Asynchronous
from .code import code_of
from .control_plane import ControlPlane, NotTrustedError
from .deployed import LAMBDA, Deployed


class AppliedFunctions:
    """Functions by the ARN they are called by; `deploy` tells which there are."""

    def __init__(
        self,
        plane: ControlPlane,
        log: Log,
        max_workers: int = MAX_WORKERS,
        journal: Journal | None = None,
    ) -> None:
        self._journal = journal or Journal()
        self.config: StackConfig = plane.config
        self._plane = plane
        self._log = log
        self._max_workers = max_workers
        self._deployed: Mapping[str, Deployed] = {}
        self._launches: dict[str, Launch] = {}
        self._refused: dict[str, RefusedError] = {}
        self._pools: dict[str, Pool] = {}
        self._logs: dict[str, Log] = {}
        self._paused = False
        self._asynchronous = Asynchronous(self, plane, log)

    @property
    def deployed(self) -> Mapping[str, Deployed]:
        return self._deployed

    async def deploy(self, functions: Mapping[str, Deployed]) -> None:
        """Run these functions from now on; where something changed, calls under way finish first.

        Also replaces credentials that run out.
        """
        launches, refused = await asyncio.to_thread(self._prepare, functions)
        for arn in self._pools.keys() - launches.keys():
            await self._pools.pop(arn).stop()
        for arn, error in refused.items():
            if str(error) != str(self._refused.get(arn)):
                self._log(f"{functions[arn].spec.name} | {error}")
        before, self._launches = self._launches, launches
        self._deployed, self._refused = functions, refused
        for arn, launch in launches.items():
            if arn not in self._pools:
                self._pools[arn] = self._pool(arn)
            elif before[arn] != launch:
                self._pools[arn].renew()

    async def invoke(
        self, name: str, payload: bytes, *, client_context: str | None = None
    ) -> Result:
        return await self.run(name, Invocation(payload, client_context))

    async def run(self, name: str, invocation: Invocation) -> Result:
        """Call a function and wait; raises as `invoke`."""
        self.require(name)
        pool = self._pools[name]
        pool.submit(invocation)
        try:
            return await asyncio.shield(invocation.result)
        except asyncio.CancelledError:
            pool.withdraw(invocation)
            raise

    def invoke_event(self, name: str, payload: bytes) -> str:
        self.require(name)
        return self._asynchronous.submit(self._deployed[name], payload)

    def require(self, name: str) -> None:
        """Raises UnknownFunctionError, or RefusedError for one that cannot run."""
        if name in self._refused:
            raise self._refused[name]
        if name not in self._launches:
            raise UnknownFunctionError(name)

    def pause(self) -> None:
        self._paused = True
        for pool in self._pools.values():
            pool.pause()

    def resume(self) -> None:
        self._paused = False
        for pool in self._pools.values():
            pool.resume()

    def configure(self, variables: Mapping[str, str]) -> None:
        """A deployment has its own variables."""

    def renew(self) -> None:
        for pool in self._pools.values():
            pool.renew()

    def warm(self) -> None:
        """The first call of a function starts it, as in Lambda."""

    def watch(self) -> None:
        """What is in an image does not change."""

    async def stop(self) -> None:
        await self._asynchronous.stop()
        await asyncio.gather(*(pool.stop() for pool in self._pools.values()))

    def _prepare(
        self, functions: Mapping[str, Deployed]
    ) -> tuple[dict[str, Launch], dict[str, RefusedError]]:
        launches, refused = {}, {}
        for arn, deployed in functions.items():
            try:
                launches[arn] = self._launch(deployed)
            except RefusedError as error:
                refused[arn] = error
        return launches, refused

    def _launch(self, deployed: Deployed) -> Launch:
        """Raises RefusedError when Lambda could not run it, or there is no code for it here."""
        name = deployed.spec.name
        if not deployed.spec.command:
            raise RefusedError(f"{name} names no command of its image.", "InvalidEntrypoint", 502)
        code = code_of(deployed.image_uri, self.config.state_dir)
        try:
            credentials = self._plane.assume(deployed.role_arn, LAMBDA, deployed.function_arn)
        except NotTrustedError as error:
            sentence = "The role defined for the function cannot be assumed by Lambda"
            raise RefusedError(f"{sentence}: {error}", "AccessDeniedException", 403) from error
        return Launch(
            self.config,
            deployed.spec,
            code,
            deployed.environment,
            self._log_of(name),
            deployed.arn,
            version=deployed.version,
            log_group=deployed.log_group,
            credentials=credentials.variables,
            journal=self._journal,
        )

    def _log_of(self, name: str) -> Log:
        # Launches are compared, so the same function always gets the same object.
        return self._logs.setdefault(name, lambda line: self._log(f"{name} | {line}"))

    def _pool(self, arn: str) -> Pool:
        pool = Pool(lambda: self._launches[arn], self._max_workers, self._crowded)
        if self._paused:
            pool.pause()
        return pool

    def _crowded(self) -> bool:
        starting = sum(pool.starting for pool in self._pools.values())
        return starting >= max(2, os.cpu_count() or 2)

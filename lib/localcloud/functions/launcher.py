"""All functions of a stack: invoke by name, renew on change, stop together."""

import asyncio
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from watchfiles import awatch

from localcloud.config import StackConfig

from .invocation import Invocation, Result
from .journal import Journal
from .launch import Launch, Log
from .manifest import CodePaths, FunctionSpec
from .pool import MAX_WORKERS, Pool
from .transport import UnknownFunctionError

__all__ = ["Launcher", "UnknownFunctionError"]


class Launcher:
    """Runs every function of a manifest in processes of its own.

    `variables` is the table from which a manifest entry's `environment` names pick their values.
    """

    def __init__(
        self,
        config: StackConfig,
        specs: Mapping[str, FunctionSpec],
        *,
        code: CodePaths | None = None,
        variables: Mapping[str, str] | None = None,
        log: Log = print,
        max_workers: int = MAX_WORKERS,
        journal: Journal | None = None,
    ) -> None:
        self.config = config
        self._journal = journal or Journal()
        self.specs = specs
        self.code = code or CodePaths()
        self._variables = dict(variables or {})
        self._log = log
        self._pools = {
            name: Pool(
                lambda spec=spec: self._launch(spec),  # type: ignore[misc]
                max_workers,
                self._crowded,
            )
            for name, spec in specs.items()
        }
        self._watcher: asyncio.Task[None] | None = None
        self._warming: asyncio.Task[None] | None = None
        self._stop_watching = asyncio.Event()

    def pool(self, name: str) -> Pool:
        """Raises UnknownFunctionError."""
        try:
            return self._pools[name]
        except KeyError:
            raise UnknownFunctionError(name) from None

    def require(self, name: str) -> None:
        self.pool(name)

    def pause(self) -> None:
        """Let calls wait until `resume`, because what they need is not there yet."""
        for pool in self._pools.values():
            pool.pause()

    def resume(self) -> None:
        for pool in self._pools.values():
            pool.resume()

    def configure(self, variables: Mapping[str, str]) -> None:
        """Set the table of variables; functions for which something changed are renewed."""
        before = {name: self._chosen(spec) for name, spec in self.specs.items()}
        self._variables = dict(variables)
        for name, spec in self.specs.items():
            if self._chosen(spec) != before[name]:
                self._pools[name].renew()

    def warm(self, names: Iterable[str] | None = None) -> None:
        """Start one worker for each of `names` (all functions without a schedule by default).

        As many at a time as there are cores; a call that comes first starts its own at once.
        """
        chosen = list(names or [name for name, spec in self.specs.items() if not spec.schedule])
        if self._warming:
            self._warming.cancel()
        self._warming = asyncio.create_task(self._warm(chosen))

    async def invoke(
        self, name: str, payload: bytes, *, client_context: str | None = None
    ) -> Result:
        """Call a function and wait for its result.

        Raises UnknownFunctionError, ThrottledError. When the caller stops waiting, a call that has
        begun goes on, as in Lambda; one that has not is dropped.
        """
        invocation = Invocation(payload, client_context)
        pool = self.pool(name)
        pool.submit(invocation)
        try:
            return await asyncio.shield(invocation.result)
        except asyncio.CancelledError:
            pool.withdraw(invocation)
            raise

    def invoke_event(self, name: str, payload: bytes) -> str:
        """Queue an asynchronous call and return its request id. Raises as `invoke` does."""
        invocation = Invocation(payload)
        self.pool(name).submit(invocation)
        return invocation.request_id

    def renew(self, images: set[str] | None = None) -> None:
        """Replace the workers of the given images, or of all."""
        for name, spec in self.specs.items():
            if images is None or spec.image in images:
                self._pools[name].renew()

    def watch(self) -> None:
        """Renew functions whenever their code changes on disk."""
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        self._stop_watching.set()
        if self._warming:
            self._warming.cancel()
        if self._watcher:
            await self._watcher
        await asyncio.gather(*(pool.stop() for pool in self._pools.values()))

    async def _warm(self, names: list[str]) -> None:
        for name in names:
            while self._crowded():
                await asyncio.sleep(0.02)
            self.pool(name).warm()

    def _crowded(self) -> bool:
        starting = sum(pool.starting for pool in self._pools.values())
        return starting >= max(2, os.cpu_count() or 2)

    async def _watch(self) -> None:
        roots = [path for path in self.code.watched if path.exists()]
        async for changes in awatch(
            *roots, stop_event=self._stop_watching, debounce=400, step=100, rust_timeout=500
        ):
            paths = [Path(path) for _, path in changes]
            if any(path.name == "functions.json" for path in paths):
                self._log_for("gateway", "functions.json changed: restart to apply it")
            images = self._images_of(paths)
            self._log_for("gateway", f"code changed, renewing {', '.join(sorted(images)) or 'all'}")
            self.renew(images or None)

    def _images_of(self, changed: list[Path]) -> set[str]:
        """The images whose folder contains the changed files; empty when shared code changed."""
        folders = {
            folder / spec.image: spec.image
            for spec in self.specs.values()
            for folder in self.code.watched
        }
        touched: set[str] = set()
        for path in changed:
            owners = {image for folder, image in folders.items() if path.is_relative_to(folder)}
            if not owners:
                return set()
            touched |= owners
        return touched

    def _launch(self, spec: FunctionSpec) -> Launch:
        return Launch(
            self.config,
            spec,
            self.code,
            self._chosen(spec),
            lambda line: self._log_for(spec.name, line),
            self.config.function_arn(spec.name),
            journal=self._journal,
        )

    def _chosen(self, spec: FunctionSpec) -> dict[str, str]:
        """The variables that a manifest entry names."""
        return {name: self._variables.get(name, "") for name in spec.environment}

    def _log_for(self, name: str, line: str) -> None:
        self._log(f"{name} | {line}")

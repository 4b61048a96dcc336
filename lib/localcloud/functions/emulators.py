"""The functions of a manifest in containers: what a launcher does for processes."""

import asyncio
from collections.abc import Mapping

from aiohttp import ClientSession, TCPConnector

from localcloud.config import StackConfig

from .emulator import Emulator
from .invocation import Invocation, Result
from .journal import Journal
from .launch import Log
from .manifest import FunctionSpec
from .transport import UnknownFunctionError


class Emulators:
    """The functions of a manifest at the addresses of `config.emulators`.

    No emulator gets more calls at once than it has workers (`config.emulator_concurrency`); the
    others wait here, in order.
    """

    def __init__(
        self,
        config: StackConfig,
        specs: Mapping[str, FunctionSpec],
        *,
        log: Log = print,
        journal: Journal | None = None,
    ) -> None:
        self.config = config
        self._journal = journal or Journal()
        self._log = log
        self._emulators = {
            name: Emulator(spec, config.emulators[name], config.emulator_concurrency, log)
            for name, spec in specs.items()
            if name in config.emulators
        }
        self._open = asyncio.Event()
        self._open.set()
        self._session: ClientSession | None = None
        self._calls: set[asyncio.Task[None]] = set()

    async def invoke(
        self, name: str, payload: bytes, *, client_context: str | None = None
    ) -> Result:
        invocation = Invocation(payload, client_context)
        call = self._begin(name, invocation)
        try:
            return await asyncio.shield(invocation.result)
        except asyncio.CancelledError:
            if not self._emulators[name].has_begun(invocation):
                call.cancel()
            raise

    def invoke_event(self, name: str, payload: bytes) -> str:
        invocation = Invocation(payload)
        self._begin(name, invocation)
        return invocation.request_id

    def require(self, name: str) -> None:
        if name not in self._emulators:
            raise UnknownFunctionError(name)

    def pause(self) -> None:
        self._open.clear()

    def resume(self) -> None:
        self._open.set()

    def configure(self, variables: Mapping[str, str]) -> None:
        """A container has had its variables since it was made."""

    def renew(self) -> None:
        """A container's memory outlives a reset; it holds nothing of the state that is lost."""

    def warm(self) -> None:
        """Emulators start their workers by themselves."""

    def watch(self) -> None:
        """Compose watches the code (`develop.watch`)."""

    async def stop(self) -> None:
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        if self._session:
            await self._session.close()

    def _begin(self, name: str, invocation: Invocation) -> asyncio.Task[None]:
        self.require(name)
        self._emulators[name].admit()
        self._journal.follow(name, invocation)
        call = asyncio.create_task(self._call(self._emulators[name], invocation))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return call

    async def _call(self, emulator: Emulator, invocation: Invocation) -> None:
        try:
            await self._open.wait()
            await emulator.call(self._client(), invocation)
        except Exception as error:
            self._log(f"gateway | {emulator.spec.name}: {type(error).__name__}: {error}")
            invocation.fail_with("Sandbox.Failure", "The call could not be made")
        finally:
            emulator.leave()
            if not invocation.result.done():
                invocation.fail_with("Sandbox.Stopped", "The call was given up")

    def _client(self) -> ClientSession:
        if self._session is None:
            # A connection kept over a container's restart would look like a call that died.
            connector = TCPConnector(limit=0, force_close=True)
            self._session = ClientSession(connector=connector, auto_decompress=False)
        return self._session

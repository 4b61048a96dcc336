"""What the gateway needs of functions, however they run."""

from collections.abc import Mapping
from typing import Protocol

from localcloud.config import StackConfig

from .invocation import Result


class UnknownFunctionError(KeyError):
    """No function has this name."""


class RefusedError(Exception):
    """Lambda does not run a function, or not for this caller; the text says why.

    `error_type` and `status` are those of Lambda's Invoke API.
    """

    def __init__(self, message: str, error_type: str, status: int) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.status = status


class Functions(Protocol):
    """Functions by name: processes of a `Launcher`, or containers behind `Emulators`."""

    config: StackConfig

    async def invoke(
        self, name: str, payload: bytes, *, client_context: str | None = None
    ) -> Result:
        """Call a function and wait for its result.

        Raises UnknownFunctionError, ThrottledError. When the caller stops waiting, a call that has
        begun goes on, as in Lambda; one that has not is dropped.
        """

    def invoke_event(self, name: str, payload: bytes) -> str:
        """Queue an asynchronous call and return its request id. Raises as `invoke` does."""

    def require(self, name: str) -> None:
        """Raises UnknownFunctionError."""

    def pause(self) -> None:
        """Let calls wait until `resume`, because what they need is not there yet."""

    def resume(self) -> None:
        """Let calls go on."""

    def configure(self, variables: Mapping[str, str]) -> None:
        """Set the table from which a manifest entry's `environment` picks its values."""

    def renew(self) -> None:
        """Have every function begin anew, with nothing in memory."""

    def warm(self) -> None:
        """Prepare for the first calls."""

    def watch(self) -> None:
        """Renew functions whenever their code changes on disk."""

    async def stop(self) -> None:
        """End what runs on behalf of the functions."""

"""The request under way, and what a route may ask of it by annotating its parameters."""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Depends

from saas import bodies, caller
from saas.caller import Caller
from saas.routing import METHODS_WITH_BODY

Event = dict[str, Any]


@dataclass
class Invocation:
    """One request. `body` is its JSON object, `deadline` as `time.monotonic()` counts."""

    event: Event
    id: str
    deadline: float
    body: dict[str, Any] | None = None
    caller: Caller | None = None

    def admitted(self) -> Caller:
        """The caller, whom the first question admits.

        Raises:
            AppError: see `caller.admit`.
        """
        if self.caller is None:
            self.caller = caller.admit(self.event, self.read)
        return self.caller

    def read(self) -> dict[str, Any] | None:
        """The body, parsed once.

        Raises:
            BadRequest: it is not JSON, or no object.
        """
        has_body = self.event["requestContext"]["http"]["method"].upper() in METHODS_WITH_BODY
        if self.body is None and has_body:
            self.body = bodies.read(self.event["body"])
        return self.body


current: ContextVar[Invocation] = ContextVar("invocation")


def _caller() -> Caller:
    return current.get().admitted()


def _deadline() -> float:
    return current.get().deadline


def _request_id() -> str:
    return current.get().id


def _event() -> Event:
    return current.get().event


SignedIn = Annotated[Caller, Depends(_caller)]
"""Who is calling; every route takes it unless it is declared public."""
Deadline = Annotated[float, Depends(_deadline)]
"""`time.monotonic()` at which Lambda ends the function."""
RequestId = Annotated[str, Depends(_request_id)]
"""The id of this invocation, which errors carry as `requestId`."""
RawEvent = Annotated[Event, Depends(_event)]
"""The HTTP API event, for what is signed byte by byte."""

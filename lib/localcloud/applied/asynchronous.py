"""Asynchronous calls: repeated when they fail, and handed to a queue when they keep failing.

As "Error handling for asynchronous invocations" and "Capturing records of Lambda asynchronous
invocations" of the Lambda developer guide have it. Lambda waits one minute before the first and two
before the second repetition; here it is one and two seconds.
"""

import asyncio
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localcloud.functions.invocation import Invocation, Result, ThrottledError
from localcloud.functions.launch import Log
from localcloud.functions.transport import RefusedError, UnknownFunctionError

from .control_plane import ControlPlane
from .deployed import LAMBDA, Deployed

if TYPE_CHECKING:
    from .functions import AppliedFunctions

FIRST_PAUSE = 1.0


class Asynchronous:
    """Runs queued calls to their end."""

    def __init__(self, functions: "AppliedFunctions", plane: ControlPlane, log: Log) -> None:
        self._functions = functions
        self._plane = plane
        self._log = log
        self._calls: set[asyncio.Task[None]] = set()

    def submit(self, deployed: Deployed, payload: bytes) -> str:
        """Queue a call and return its request id."""
        invocation = Invocation(payload)
        call = asyncio.create_task(self._run(deployed, invocation))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        return invocation.request_id

    async def stop(self) -> None:
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _run(self, deployed: Deployed, first: Invocation) -> None:
        for attempt in range(deployed.retries + 1):
            if attempt:
                await asyncio.sleep(FIRST_PAUSE * attempt)
            again = Invocation(first.payload, request_id=first.request_id)
            try:
                result = await self._functions.run(deployed.arn, again)
            except (ThrottledError, RefusedError, UnknownFunctionError) as error:
                result = _unstarted(error, first)
            if result.error is None:
                return
        self._log(
            f"{deployed.spec.name} | an asynchronous call failed for good: {first.request_id}"
        )
        if deployed.on_failure:
            record = _record(deployed, first, result)
            await asyncio.to_thread(self._deliver, deployed, record)

    def _deliver(self, deployed: Deployed, record: dict[str, Any]) -> None:
        """Send the record as Lambda does, with the permissions of the function's role."""
        kind, name = deployed.on_failure.split(":")[2], deployed.on_failure.rpartition(":")[2]
        try:
            if kind != "sqs":
                raise ValueError(f"this gateway delivers to SQS queues only, not to {kind}")
            url = self._plane.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
            role = self._plane.assume(deployed.role_arn, LAMBDA, deployed.function_arn)
            queue = self._plane.client_of(role, "sqs")
            queue.send_message(QueueUrl=url, MessageBody=json.dumps(record))
        except Exception as error:
            self._log(
                f"{deployed.spec.name} | the failed call could not be kept in "
                f"{deployed.on_failure}: {error}"
            )


def _unstarted(error: Exception, invocation: Invocation) -> Result:
    body = {"errorType": type(error).__name__, "errorMessage": str(error)}
    return Result(json.dumps(body).encode(), invocation.request_id, "Unhandled")


def _record(deployed: Deployed, invocation: Invocation, result: Result) -> dict[str, Any]:
    """The document that a failure destination gets."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "version": "1.0",
        "timestamp": now,
        "requestContext": {
            "requestId": invocation.request_id,
            "functionArn": deployed.arn,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": deployed.retries + 1,
        },
        "requestPayload": json.loads(invocation.payload),
        "responseContext": {
            "statusCode": 200,
            "executedVersion": deployed.version,
            "functionError": result.error,
        },
        "responsePayload": json.loads(result.payload),
    }

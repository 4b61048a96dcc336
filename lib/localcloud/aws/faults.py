"""How local AWS fails on purpose; `localcloud.faults` says whom a fault strikes.

A call's name is its service and operation, such as `dynamodb:TransactWriteItems`.
"""

import json
import re
import time
from collections.abc import Callable, Collection
from typing import Any

from localcloud.aws import fault_answers, s3
from localcloud.aws.connections import Answer
from localcloud.aws.fault_answers import Failure
from localcloud.aws.operations import name_of
from localcloud.aws.routing import LocalRequest
from localcloud.aws.transactions import is_written
from localcloud.config import OWN_AGENT
from localcloud.faults import Fault, Faults, Kind, Setting, seconds, whole

PART = "aws"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,99}")
_CODE = Setting(
    None,
    lambda value: value is None or (isinstance(value, str) and _NAME.fullmatch(value) is not None),
    "the code of an error, or null for the service's own",
)
_STATUS = whole(500, 400, 599)
KINDS = {
    "throttle": Kind(
        "The service's own error for too many requests. Nothing is done.", {"code": _CODE}
    ),
    "error_before": Kind(
        "The service's own internal error, or `code` with `status`. Nothing is done.",
        {"code": _CODE, "status": _STATUS},
    ),
    "error_after": Kind(
        "The call is done, and answered with that error.", {"code": _CODE, "status": _STATUS}
    ),
    "latency": Kind("The call is done `seconds` later.", {"seconds": seconds(5)}),
    "disconnect_before": Kind("Nothing is done, and the connection ends without an answer."),
    "disconnect_after": Kind("The call is done, and the connection ends without an answer."),
    "conflict": Kind("DynamoDB: another transaction is at work on the item. Nothing is done."),
}
Run = Callable[[dict[str, Any]], Answer]


class Disconnect(ConnectionError):
    """The connection shall end without an answer; the server says nothing about these."""


class Breakable:
    """Local AWS's faults, and the calls that suffer them."""

    def __init__(self) -> None:
        self._faults = Faults({PART: KINDS})

    def control(self, environ: dict[str, Any]) -> Answer:
        """Serves `/_local/faults`."""
        status, shown = self._faults.answer(
            environ["REQUEST_METHOD"], environ["QUERY_STRING"], environ["groundwork.body"]
        )
        headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        return Answer(status, headers, json.dumps(shown).encode())

    def forget(self) -> None:
        self._faults.forget()

    def answer(self, environ: dict[str, Any], run: Run) -> Answer:
        """What `run` answers, unless a fault strikes the call.

        What the local cloud itself asks (provisioning, the console) is no call of the application's
        and is left alone; so is a browser's question whether it may call.

        Raises:
            Disconnect: the caller shall get no answer.
        """
        if not self._faults.are_armed:
            return run(environ)
        if (
            OWN_AGENT in environ.get("HTTP_USER_AGENT", "")
            or environ["REQUEST_METHOD"] == "OPTIONS"
        ):
            return run(environ)
        call = name_of(environ)
        fault = self._faults.strike(PART, call, _possible(call, environ))
        return _suffered(fault, call, environ, run) if fault else run(environ)


def _possible(call: str, environ: dict[str, Any]) -> Collection[str]:
    """The kinds of fault that a call can suffer."""
    return KINDS if _may_conflict(call, environ["groundwork.body"]) else KINDS.keys() - {"conflict"}


def _may_conflict(call: str, body: bytes) -> bool:
    """Whether a call can meet a transaction at work on its items.

    One that was written conflicts with nothing any more: its repetition succeeds. What is no
    request is refused before it meets an item.
    """
    if call not in fault_answers.CONFLICTING:
        return False
    try:
        asked = json.loads(body)
    except ValueError:
        return False
    if not isinstance(asked, dict):
        return False
    if call in fault_answers.TRANSACTIONS and not isinstance(asked.get("TransactItems"), list):
        return False
    token = asked.get("ClientRequestToken")
    return not (isinstance(token, str) and is_written(token))


def _suffered(fault: Fault, call: str, environ: dict[str, Any], run: Run) -> Answer:
    if fault.kind == "latency":
        time.sleep(fault.settings["seconds"])
        return run(environ)
    if fault.kind.endswith("_after"):
        run(environ)
    if fault.kind.startswith("disconnect"):
        raise Disconnect
    if fault.kind == "conflict":
        return fault_answers.conflict(call, environ)
    answer = fault_answers.answer(call, environ, _failure(fault, call))
    if call.startswith("s3:"):
        return s3.with_cors(answer, LocalRequest(environ))
    return answer


def _failure(fault: Fault, call: str) -> Failure:
    throttled = fault.kind == "throttle"
    own = fault_answers.throttled(call) if throttled else fault_answers.failed(call)
    status = own.status if throttled else fault.settings["status"]
    code = fault.settings["code"] or own.code
    return Failure(status, code, own.message)

"""Control paths of the authoriser, for the other parts of the stack and for tests.

`POST /_local/assume` gives a service the credentials of a role, as Lambda takes those of a
function's role. `POST /_local/authorise` judges what another part was asked to do, such as local
Bedrock. `GET /_local/iam/calls` lists all decisions, `DELETE` forgets them.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.aws.connections import Answer
from localcloud.aws.iam import recorder
from localcloud.aws.iam.conditions import Context
from localcloud.aws.iam.gate import BadKey, Gate, first_refusal
from localcloud.aws.iam.policy import Access
from localcloud.aws.iam.refusals import Kind
from localcloud.aws.iam.trust import Untrusted, assume_for_service
from localcloud.aws.routing import LOCKS


class Malformed(Exception):
    """A control request that cannot be understood; the message says what is missing."""


class Control:
    """Answers the paths below `/_local/`; refuses whatever comes from a web page."""

    def __init__(self, gate: Gate, region: str) -> None:
        self._gate = gate
        self._region = region
        self._paths: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("POST", "/_local/assume"): self._assume,
            ("POST", "/_local/authorise"): self._authorise,
            ("GET", "/_local/iam/calls"): lambda _body: recorder.recorded(),
            ("DELETE", "/_local/iam/calls"): self._forget,
        }

    def answer(self, environ: Mapping[str, Any]) -> Answer | None:
        """The answer, or None when the path is none of these."""
        run = self._paths.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if run is None:
            return None
        try:
            return _json(200, run(_body(environ)))
        except Malformed as error:
            return _json(400, {"message": str(error)})
        except Untrusted as error:
            return _json(error.status, {"message": str(error)})

    def _assume(self, body: dict[str, Any]) -> dict[str, str]:
        """`{"role_arn", "service", "session_name"}` and, if a resource asks, `"source_arn"`."""
        role_arn, service, name = (_text(body, k) for k in ("role_arn", "service", "session_name"))
        source_arn = _text(body, "source_arn") if "source_arn" in body else None
        with LOCKS.of("iam"), LOCKS.of("sts"):
            return assume_for_service(role_arn, service, name, self._region, source_arn)

    def _authorise(self, body: dict[str, Any]) -> dict[str, Any]:
        """`{"access_key_id", "session_token", "needed": [{"action", "resource", "context"}]}`.

        The token may be missing, and so may a context: condition keys, each with a list of values.
        The answer is `{"allowed"}` and, when that is false, `"code"` and `"message"`.
        """
        try:
            caller = self._gate.identified(_text(body, "access_key_id"), body.get("session_token"))
        except BadKey as error:
            code, _, _, why = error.kind.value
            return {"allowed": False, "code": code, "message": why}
        if caller is None:
            return {"allowed": True}
        needed = [_access(each, caller.context) for each in _list(body, "needed")]
        message = first_refusal(caller, needed)
        if message is None:
            return {"allowed": True}
        return {"allowed": False, "code": Kind.DENIED.value[0], "message": message}

    def _forget(self, _body: dict[str, Any]) -> dict[str, str]:
        recorder.forget()
        # Policies are parsed anew, so that their gaps are reported anew.
        self._gate.callers.forget()
        return {"status": "ok"}


def _body(environ: Mapping[str, Any]) -> dict[str, Any]:
    try:
        body = json.loads(environ["groundwork.body"] or b"{}")
    except ValueError as error:
        raise Malformed("The body is not JSON.") from error
    if not isinstance(body, dict):
        raise Malformed("The body is not a JSON object.")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(f"The body lacks a text '{name}'.")
    return value


def _list(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = body.get(name)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise Malformed(f"The body lacks a list '{name}' of objects.")
    return value


def _access(wanted: dict[str, Any], given: Context) -> Access:
    context = {
        key.lower(): tuple(str(value) for value in values)
        for key, values in (wanted.get("context") or {}).items()
    }
    return Access(_text(wanted, "action"), _text(wanted, "resource"), {**given, **context})


def _json(status: int, value: Any) -> Answer:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Answer(status, headers, json.dumps(value).encode())

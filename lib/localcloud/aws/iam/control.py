"""Control paths of the authoriser, for the launcher and tests.

`POST /_local/assume` gives a service the credentials of a role, as Lambda takes those of a
function's role.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.aws.connections import Answer
from localcloud.aws.iam.trust import Untrusted, assume_for_service
from localcloud.aws.routing import LOCKS


class Malformed(Exception):
    """A control request that cannot be understood; the message says what is missing."""


class Control:
    """Answers the paths below `/_local/`; refuses whatever comes from a web page."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._paths: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("POST", "/_local/assume"): self._assume,
        }

    def answer(self, environ: Mapping[str, Any]) -> Answer | None:
        """The answer, or None when the path is none of these."""
        run = self._paths.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if run is None:
            return None
        if "HTTP_ORIGIN" in environ:
            return _json(403, {"message": "Forbidden"})
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


def _json(status: int, value: Any) -> Answer:
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Answer(status, headers, json.dumps(value).encode())

"""Counts changes of the control plane, so that a follower need not read all of it to see one."""

import itertools
import re
from typing import Any

from localcloud.aws.routing import service_of

FOLLOWED = frozenset(
    {"apigateway", "events", "iam", "lambda", "scheduler", "secretsmanager", "ssm"}
)
"""Signing names of the services that make up what a gateway serves."""

_READING = re.compile(r"(BatchGet|Describe|Get|List|Simulate)")
_ACTION = re.compile(rb"(?:^|&)Action=(\w+)")
_count = itertools.count(1)
_latest = 0


def note(environ: dict[str, Any]) -> None:
    """Count a request that may have changed a followed service."""
    if service_of(environ) in FOLLOWED and not _reads(environ):
        count()


def count() -> None:
    """Count a change of another kind, such as a reset."""
    global _latest  # noqa: PLW0603 - one process serves one stack
    _latest = next(_count)


def latest() -> int:
    """How many there have been."""
    return _latest


def _reads(environ: dict[str, Any]) -> bool:
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return _READING.match(target.rpartition(".")[2]) is not None
    if action := _ACTION.search(environ["groundwork.body"] or b""):
        return _READING.match(action[1].decode()) is not None
    calls = environ["PATH_INFO"].endswith("/invocations")
    return calls or environ["REQUEST_METHOD"] in ("GET", "HEAD")

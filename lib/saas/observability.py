"""Structured logs and metrics: ids, counts and durations, never bodies, prompts or secrets."""

import json
import re
import sys
import time
import traceback
import uuid
from contextvars import ContextVar
from typing import Any, Literal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from saas.settings import settings

# Alarms and dashboard in terraform/modules/observability look for exactly these.
NAMESPACE = "Groundwork"
DIMENSION = "environment"
_KEYS = ("correlation_id", "function_request_id", "request_id", "user_id", "call_id")
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")


class _Formatter(LambdaPowertoolsFormatter):
    """Errors by their type and where they happened; what they say may quote stored values.

    Only errors that say so (`text_is_ours`) are written out: their sentences hold no values.
    """

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's own name
        told, error = [], ei[1]
        while error is not None:
            text = f": {error}" if getattr(error, "text_is_ours", False) else ""
            frames = [
                f"  {frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(error.__traceback__)
            ]
            told.append("\n".join([f"{type(error).__name__}{text}", *frames]))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\ncaused by ".join(told)


logger = Logger(
    service="groundwork",
    log_uncaught_exceptions=False,
    logger_formatter=_Formatter(serialize_stacktrace=False),
)


def begin(proposed: str | None, **keys: Any) -> str:
    """Start the logs of one invocation; returns its correlation id.

    Args:
        proposed: the caller's `x-correlation-id`, used when it matches `[A-Za-z0-9._-]{1,64}`.
        keys: ids that every log line of this invocation shall carry.
    """
    accepted = proposed if proposed and _ACCEPTED.fullmatch(proposed) else str(uuid.uuid4())
    _correlation_id.set(accepted)
    logger.clear_state()
    logger.append_keys(correlation_id=accepted, **keys)
    return accepted


def keys() -> dict[str, Any]:
    """What every line of this invocation carries, for a thread that may outlive it."""
    known = logger.get_current_keys()
    return {name: known[name] for name in _KEYS if known.get(name) is not None}


def correlation_id() -> str:
    """The correlation id of the running invocation; empty outside one."""
    return _correlation_id.get()


def count(name: str, value: int = 1) -> None:
    """Add to a CloudWatch metric that counts things."""
    measure(name, value, "Count")


def measure(name: str, value: float, unit: Literal["Count", "Seconds"]) -> None:
    """Add a value to a CloudWatch metric: a line of the log that CloudWatch reads.

    The line is written by hand ("Specification: Embedded metric format"), because importing
    Powertools' metrics takes longer than the rest of a cold start.
    """
    declared = {
        "Namespace": NAMESPACE,
        "Dimensions": [[DIMENSION]],
        "Metrics": [{"Name": name, "Unit": unit}],
    }
    line = {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [declared]},
        DIMENSION: settings().app_env,
        name: value,
    }
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
    sys.stdout.flush()

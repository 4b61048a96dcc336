"""Structured logs and metrics: ids, counts and durations, never bodies, prompts or secrets."""

import re
import uuid
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from aws_lambda_powertools import Logger

NAMESPACE = "Groundwork"
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")

logger = Logger(service="groundwork", log_uncaught_exceptions=False)


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


def correlation_id() -> str:
    """The correlation id of the running invocation; empty outside one."""
    return _correlation_id.get()


def count(name: str, value: float = 1, **dimensions: str) -> None:
    """Add to a CloudWatch metric (embedded metric format, one line on standard output)."""
    from aws_lambda_powertools import single_metric
    from aws_lambda_powertools.metrics import MetricUnit

    with single_metric(
        name=name,
        unit=MetricUnit.Count,
        value=value,
        namespace=NAMESPACE,
        default_dimensions=_service(),
    ) as metric:
        for key, dimension in dimensions.items():
            metric.add_dimension(name=key, value=dimension)


@lru_cache(maxsize=1)
def _service() -> dict[str, str]:
    from saas.settings import settings

    return {"environment": settings().app_env}

"""SQS repairs: policies about dead-letter queues are kept, and answered as they were set."""

import json
from typing import Any

from moto.sqs.models import Queue

from localcloud.aws.repair import MotoChangedError, repair

NAME = "RedriveAllowPolicy"

if NAME in Queue.BASE_ATTRIBUTES:
    raise MotoChangedError(f"moto's queues know {NAME} now")
Queue.BASE_ATTRIBUTES.append(NAME)
Queue.redrive_allow_policy = None  # until SetQueueAttributes sets it


@repair(Queue, "attributes")
def attributes(self: Queue) -> dict[str, Any]:
    """Without spaces in RedrivePolicy, which a client that compares texts takes for a change."""
    found: dict[str, Any] = attributes.stock(self)  # type: ignore[attr-defined]
    if self.redrive_policy:
        found["RedrivePolicy"] = json.dumps(self.redrive_policy, separators=(",", ":"))
    if not self.redrive_allow_policy:
        found.pop(NAME, None)
    return found

"""Schedules of EventBridge Scheduler and scheduled rules of EventBridge that call functions."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localcloud.functions.launch import Log
from localcloud.functions.transport import RefusedError

from . import permissions
from .control_plane import ControlPlane, NotTrustedError
from .functions import AppliedFunctions

SCHEDULER, EVENTS = "scheduler.amazonaws.com", "events.amazonaws.com"
_RATE = re.compile(r"rate\(([0-9]+) (minute|hour|day)s?\)")
_UNIT_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


@dataclass(frozen=True)
class Schedule:
    """A schedule, or with no `role_arn` a rule.

    `seconds` between two calls; None: `expression` is no rate, and it is called on request only.
    """

    name: str
    arn: str
    expression: str
    enabled: bool
    function_arn: str
    payload: str
    role_arn: str = ""

    @property
    def seconds(self) -> float | None:
        match = _RATE.fullmatch(self.expression)
        return int(match[1]) * _UNIT_SECONDS[match[2]] if match else None

    def event(self) -> bytes:
        """What the function gets: the configured input, or the service's own event."""
        if self.payload:
            return self.payload.encode()
        source, detail = ("aws.scheduler", "{}") if self.role_arn else ("aws.events", {})
        _, _, _, region, account, _ = self.arn.split(":", 5)
        event: dict[str, Any] = {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": source,
            "account": account,
            "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [self.arn],
            "detail": detail,
        }
        return json.dumps(event).encode()


def read_schedules(plane: ControlPlane, prefix: str) -> dict[str, Schedule]:
    """By name: whatever calls a function whose name begins with `prefix` at fixed times."""
    found = [*_schedules(plane), *_rules(plane)]
    return {
        schedule.name: schedule
        for schedule in found
        if schedule.function_arn.rpartition(":function:")[2].startswith(prefix)
    }


def _schedules(plane: ControlPlane) -> Iterable[Schedule]:
    for listed in plane.pages("scheduler", "list_schedules", "Schedules"):
        found = plane.client("scheduler").get_schedule(
            Name=listed["Name"], GroupName=listed["GroupName"]
        )
        yield Schedule(
            name=found["Name"],
            arn=found["Arn"],
            expression=found["ScheduleExpression"],
            enabled=found["State"] == "ENABLED",
            function_arn=found["Target"]["Arn"],
            payload=found["Target"].get("Input", ""),
            role_arn=found["Target"]["RoleArn"],
        )


def _rules(plane: ControlPlane) -> Iterable[Schedule]:
    for rule in plane.pages("events", "list_rules", "Rules"):
        if not rule.get("ScheduleExpression"):
            continue
        for target in plane.pages("events", "list_targets_by_rule", "Targets", Rule=rule["Name"]):
            yield Schedule(
                name=rule["Name"],
                arn=rule["Arn"],
                expression=rule["ScheduleExpression"],
                enabled=rule["State"] == "ENABLED",
                function_arn=target["Arn"],
                payload=target.get("Input", ""),
            )


class Schedules:
    """Calls functions at their times, with the permissions that AWS would ask for."""

    def __init__(
        self,
        functions: AppliedFunctions,
        plane: ControlPlane,
        log: Log,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._functions = functions
        self._plane = plane
        self._log = log
        self._clock = clock
        self._known: Mapping[str, Schedule] = {}
        self._due: dict[str, float] = {}

    def set(self, schedules: Mapping[str, Schedule]) -> None:
        """Follow these from now on; one that did not change keeps its time."""
        now = self._clock()
        for name, schedule in schedules.items():
            before = self._known.get(name)
            if before is None or before.expression != schedule.expression:
                self._due[name] = now + (schedule.seconds or 0)
                if schedule.seconds is None:
                    self._log(f"gateway | {name}: {schedule.expression} is called on request only")
        self._known = schedules

    @property
    def names(self) -> list[str]:
        return sorted(self._known)

    async def fire_due(self) -> None:
        """Call whatever is due; what is refused is logged and not repeated."""
        now = self._clock()
        for name, schedule in self._known.items():
            if schedule.seconds and schedule.enabled and self._due[name] <= now:
                self._due[name] = now + schedule.seconds
                try:
                    await self.fire(name)
                except Exception as error:
                    # Whatever it is, the other schedules go on.
                    self._log(f"gateway | the schedule {name} called nothing: {error}")

    async def fire(self, name: str) -> str:
        """Call a schedule's function now, as the service would; returns the request id.

        Raises:
            KeyError: there is no such schedule.
            RefusedError: AWS would not let it call the function.
            UnknownFunctionError: the function does not exist.
        """
        schedule = self._known[name]
        if schedule.role_arn:
            await asyncio.to_thread(self._check_role, schedule)
        else:
            self._check_policy(schedule)
        return self._functions.invoke_event(schedule.function_arn, schedule.event())

    def _check_policy(self, schedule: Schedule) -> None:
        self._functions.require(schedule.function_arn)
        policy = self._functions.deployed[schedule.function_arn].policy
        access = permissions.invocation(schedule.function_arn, schedule.arn)
        if not permissions.admits(policy, EVENTS, access):
            raise _refused(permissions.refusal(EVENTS, access))

    def _check_role(self, schedule: Schedule) -> None:
        try:
            role = self._plane.assume(schedule.role_arn, SCHEDULER, schedule.arn)
        except NotTrustedError as error:
            raise _refused(str(error)) from error
        access = permissions.invocation(schedule.function_arn, schedule.arn)
        if not self._plane.may(role, access):
            raise _refused(permissions.refusal(schedule.role_arn, access, "identity-based"))


def _refused(message: str) -> RefusedError:
    return RefusedError(message, "AccessDeniedException", 403)

"""When a schedule's function is called."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from localcloud.applied.schedules import Schedule, Schedules

ARN = "arn:aws:scheduler:us-east-1:123456789012:schedule/default/tick"
TICK = Schedule("tick", ARN, "rate(15 minutes)", True, "arn:of:the:function", "{}", "arn:role")


class World:
    """Counts calls at a time that the test sets; every role is trusted and allowed."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.called: list[tuple[float, str]] = []
        self.lines: list[str] = []
        self.schedules = Schedules(self, self, self.lines.append, lambda: self.now)  # type: ignore[arg-type]

    def invoke_event(self, name: str, _payload: bytes) -> str:
        self.called.append((self.now, name))
        return "id"

    def assume(self, *_: Any) -> None: ...

    def may(self, *_: Any) -> bool:
        return True

    def at(self, second: float) -> None:
        self.now = second
        asyncio.run(self.schedules.fire_due())


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("rate(1 minute)", 60),
        ("rate(15 minutes)", 900),
        ("rate(2 hours)", 7200),
        ("rate(1 day)", 86400),
        ("cron(0 3 * * ? *)", None),
    ],
)
def test_how_often(expression: str, seconds: float | None) -> None:
    assert replace(TICK, expression=expression).seconds == seconds


def test_a_rate_counts_from_when_it_was_first_seen() -> None:
    world = World()
    world.schedules.set({"tick": TICK})
    for second in (1000, 1899, 1900, 1901, 2799, 2800):
        world.at(second)
    assert [when for when, _ in world.called] == [1900, 2800]


def test_reading_it_again_does_not_put_it_off_but_another_rate_does() -> None:
    world = World()
    world.schedules.set({"tick": TICK})
    world.at(1800)
    world.schedules.set({"tick": replace(TICK, payload="[]")})
    world.at(1900)
    world.schedules.set({"tick": replace(TICK, expression="rate(1 hour)")})
    world.at(2800)
    world.at(5500)
    assert [when for when, _ in world.called] == [1900, 5500]


def test_a_disabled_schedule_is_not_called_and_one_that_is_no_rate_is_named() -> None:
    world = World()
    cron = replace(TICK, name="nightly", expression="cron(0 3 * * ? *)")
    world.schedules.set({"tick": replace(TICK, enabled=False), "nightly": cron})
    world.at(1e6)
    assert world.called == []
    assert len(world.lines) == 1
    assert "nightly" in world.lines[0]


@pytest.mark.parametrize(("role", "source"), [("arn:role", "aws.scheduler"), ("", "aws.events")])
def test_without_an_input_the_service_describes_itself(role: str, source: str) -> None:
    event = json.loads(replace(TICK, payload="", role_arn=role).event())
    assert (event["source"], event["account"], event["region"]) == (
        source,
        "123456789012",
        "us-east-1",
    )
    assert event["resources"] == [ARN]

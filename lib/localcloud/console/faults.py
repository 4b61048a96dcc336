"""Faults that may be armed: what each part offers, what is armed now, arming and disarming."""

from dataclasses import dataclass, field
from typing import Any

from .sources import Refused, Unanswered
from .stage import Stage


@dataclass(frozen=True)
class Preset:
    """One fault as a person thinks of it, and the body that arms it."""

    title: str
    effect: str
    body: dict[str, Any] = field(default_factory=dict)


BEDROCK = (
    Preset("Throttle", "The model says it has too many requests.", {"kind": "throttle"}),
    Preset("Server error", "Bedrock answers 500.", {"kind": "error"}),
    Preset(
        "Unavailable",
        "Bedrock answers 503.",
        {"kind": "error", "code": "ServiceUnavailableException"},
    ),
    Preset("Slow", "The answer comes 5 seconds later.", {"kind": "slow", "seconds": 5}),
    Preset("No answer", "Nothing comes, for a minute.", {"kind": "timeout", "seconds": 60}),
    Preset("Broken connection", "It ends without an answer.", {"kind": "disconnect"}),
    Preset("Broken stream", "A stream fails in its middle.", {"kind": "stream_error"}),
)
PARTS = {"bedrock": BEDROCK}
MOST = 1000


async def state(stage: Stage) -> dict[str, Any]:
    """What can be armed, and what is: `armed` with names and counts left, or the `problem`."""
    armed: list[dict[str, Any]] = []
    problem = ""
    for part in PARTS:
        try:
            armed += [_shown(part, each) for each in (await _ask(stage, part, "GET"))["armed"]]
        except (Unanswered, Refused) as error:
            problem = str(error)
    return {"armed": armed, "problem": problem, "parts": PARTS}


async def arm(stage: Stage, form: dict[str, str]) -> str:
    """Arm a preset for the next calls, as a form says. Raises Unanswered, Refused."""
    part, number, count = form.get("part", ""), form.get("preset", ""), form.get("count") or "1"
    if part not in PARTS or not number.isdecimal() or int(number) >= len(PARTS[part]):
        raise Refused("There is no such fault.", 400)
    if not count.isdecimal() or not 0 < int(count) <= MOST:
        raise Refused(f"A fault strikes from 1 to {MOST:,} calls.", 400)
    preset = PARTS[part][int(number)]
    await _ask(stage, part, "POST", {**preset.body, "count": int(count)})
    calls = "the next call" if int(count) == 1 else f"the next {int(count)} calls"
    return f"Armed: {preset.title.lower()} for {calls} of {part.capitalize()}."


async def disarm(stage: Stage) -> str:
    """Disarm everything. Raises Unanswered, Refused."""
    for part in PARTS:
        await _ask(stage, part, "DELETE")
    return "Nothing is armed any more."


def _shown(part: str, fault: dict[str, Any]) -> dict[str, Any]:
    kind = str(fault.get("kind", "")).replace("_", " ")
    return {"name": f"{part.capitalize()}: {kind}", "left": fault["count"] - fault["struck"]}


async def _ask(stage: Stage, part: str, method: str, body: Any = None) -> Any:
    url = {"bedrock": stage.config.bedrock_url}[part]
    return await stage.sources.ask(
        method, f"{url}/_local/faults", f"Local {part.capitalize()}", body
    )

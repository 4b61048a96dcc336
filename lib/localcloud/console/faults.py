"""Faults that may be armed: what each part offers, what is armed and spent, arming, disarming."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from localcloud.faults import GENERAL

from .presets import PARTS, Part
from .sources import Refused, Unanswered
from .stage import Stage

PATH = "/_local/faults"
MOST = 1000
SPENT_SHOWN = 3
"""Of each part."""

# What every fault has besides its own settings; `shown` says these in words of their own.
_GENERAL = GENERAL.keys() | {"id", "part", "kind", "seen", "struck"}
_DIGITS = re.compile(r"[0-9]{1,9}")
_ID = re.compile(r"fault_[0-9]+")


async def state(stage: Stage) -> dict[str, Any]:
    """What can be armed, what is, and what was spent: in words; or the `problem`."""
    shown: dict[str, Any] = {"armed": [], "spent": [], "problem": "", "parts": PARTS}
    try:
        found = await stage.sources.control(PATH)
        shown["armed"] = [_in_words(fault) for fault in found["armed"]]
        shown["spent"] = [_in_words(fault) for fault in _last(found["spent"])]
        # One server may stand for several parts.
        shown["problem"] = " ".join(dict.fromkeys(f"{each['message']}." for each in found["down"]))
    except (Unanswered, Refused) as error:
        shown["problem"] = str(error)
    return shown


async def arm(stage: Stage, form: Mapping[str, str]) -> str:
    """Arm a preset as a form says. Raises Unanswered, Refused."""
    part, number = form.get("part", ""), form.get("preset", "")
    if (
        part not in PARTS
        or not _DIGITS.fullmatch(number)
        or int(number) >= len(PARTS[part].presets)
    ):
        raise Refused("There is no such fault.", 400)
    preset = PARTS[part].presets[int(number)]
    body = {**preset.body, "part": part, **_chosen(form)}
    await stage.sources.control(PATH, "POST", body)
    title = preset.title[0].lower() + preset.title[1:]
    return f"Armed for {_how_many(body['count'], PARTS[part])}: {title}."


async def disarm(stage: Stage, form: Mapping[str, str]) -> str:
    """Disarm everything, or the fault that a form names. Raises Unanswered, Refused."""
    part, identifier = form.get("part", ""), form.get("id", "")
    if not identifier:
        await stage.sources.control(PATH, "DELETE")
        return "Nothing is armed any more."
    if part not in PARTS or not _ID.fullmatch(identifier):
        raise Refused("There is no such fault.", 400)
    query = urlencode({"part": part, "id": identifier})
    found = await stage.sources.control(f"{PATH}?{query}", "DELETE")
    return "It is disarmed." if found["disarmed"] else "It was not armed any more."


def _chosen(form: Mapping[str, str]) -> dict[str, Any]:
    """What the form's fields say about whom the fault strikes. Raises Refused."""
    count = form.get("count", "1").strip()
    chosen: dict[str, Any] = {"count": None}
    if count:
        chosen["count"] = _number(count, MOST, f"A fault strikes from 1 to {MOST:,} calls.")
    if on := form.get("on", "").strip():
        chosen["on"] = on
    if nth := form.get("nth", "").strip():
        sentence = f"The first one to be struck is a number from 1 to {MOST:,}."
        chosen["nth"] = _number(nth, MOST, sentence)
    if chance := form.get("chance", "").strip():
        sentence = "The chance is a whole percentage from 1 to 100."
        chosen["probability"] = _number(chance, 100, sentence) / 100
    if seed := form.get("seed", "").strip():
        chosen["seed"] = _number(seed, 1_000_000, "A seed is a number from 0 to 1,000,000.", 0)
    return chosen


def _number(text: str, most: int, sentence: str, least: int = 1) -> int:
    if not _DIGITS.fullmatch(text) or not least <= int(text) <= most:
        raise Refused(sentence, 400)
    return int(text)


def _how_many(count: int | None, part: Part) -> str:
    if count is None:
        return f"every {part.unit} of {part.name}"
    return f"{'one' if count == 1 else count} {part.unit}{'' if count == 1 else 's'} of {part.name}"


def _last(spent: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of each part that were spent last; a part's own come in that order."""
    own = {part: [fault for fault in spent if fault["part"] == part] for part in PARTS}
    return [fault for faults in own.values() for fault in faults[:SPENT_SHOWN]]


def _in_words(fault: Mapping[str, Any]) -> dict[str, Any]:
    """A fault as the page shows it."""
    part = PARTS[fault["part"]]
    count, struck = fault["count"], fault["struck"]
    own = [f"{name.replace('_', ' ')} {value}" for name, value in _own(fault).items()]
    if fault["nth"] > 1:
        own.append(f"from {part.unit} {fault['nth']} on")
    if fault["probability"] < 1:
        own.append(f"{fault['probability']:.0%} chance, seed {fault['seed']}")
    return {
        "id": fault["id"],
        "part": fault["part"],
        "name": f"{part.name}: {fault['kind'].replace('_', ' ')}",
        "on": "" if fault["on"] == "*" else fault["on"],
        "details": ", ".join(own),
        "struck": f"struck {struck}" + (f" of {count}" if count else ", until disarmed"),
        "unit": part.unit,
        "left": None if count is None else count - struck,
    }


def _own(fault: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in fault.items() if name not in _GENERAL and value is not None
    }

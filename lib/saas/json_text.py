"""JSON that others wrote, read strictly and within bounds, before anything else looks at it.

Python's own reader takes `NaN`, turns `1e400` into infinity, guesses UTF-16, and recurses as deep
as the text is nested. Source: RFC 8259 "The JavaScript Object Notation (JSON) Data Interchange
Format".
"""

import json
import re
from math import isfinite
from typing import Any

MAX_DEPTH = 64
# Any integer of so many characters also fits a float, so that arithmetic on it cannot overflow.
MAX_INTEGER_CHARACTERS = 300
# A string, even one that never ends: each character is looked at once, whatever the text.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_OTHERS = re.compile(r"[^\[\]{}]+")


def read(text: str | bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """The value of a JSON text.

    Of a repeated name the last value counts, as in JavaScript. Strings may hold lone surrogates and
    NUL, since JSON's escapes can write them: what is stored or shown has to be cleaned.

    Args:
        text: bytes are read as UTF-8, and nothing else.
        max_depth: how deep arrays and objects may be nested; `[]` is 1 deep.

    Raises:
        ValueError: it is not JSON, nested too deeply, or has a number out of range.
    """
    decoded = text if isinstance(text, str) else text.decode("utf-8")
    check_depth(decoded, max_depth)
    return parse(decoded)


def parse(text: str) -> Any:
    """As `read`, for a text whose depth was checked before."""
    return json.loads(
        text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_bounded
    )


def check_depth(
    text: str, max_depth: int = MAX_DEPTH, *, max_containers: int | None = None
) -> None:
    """Look at the brackets outside strings, before any parser touches the text.

    Raises:
        ValueError: it is nested too deeply, has more arrays and objects than `max_containers`, or
            many brackets that do not pair.
    """
    if text.count("[") + text.count("{") <= max_depth:
        return
    # What is left are brackets, and each pass takes the innermost pairs of them out: a megabyte
    # costs a fraction of what parsing it does.
    brackets = _OTHERS.sub("", _STRING.sub("", text).replace(",", ""))
    if max_containers is not None and len(brackets) > 2 * max_containers:
        raise ValueError("too many arrays and objects")
    for _ in range(max_depth):
        inner = brackets.replace("[]", " ").replace("{}", " ").replace(" ", "")
        if len(inner) in (0, len(brackets)):
            brackets = inner
            break
        brackets = inner
    if brackets:
        raise ValueError("nested too deeply, or no JSON")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError("a number is out of range")
    return number


def _bounded(text: str) -> int:
    if len(text) > MAX_INTEGER_CHARACTERS:
        raise ValueError("a number is out of range")
    return int(text)

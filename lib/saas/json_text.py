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
_STRING_OR_BRACKET = r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]'


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


def check_depth(text: str, max_depth: int = MAX_DEPTH) -> None:
    """Count brackets outside strings, before any parser touches the text.

    Raises:
        ValueError: it is nested too deeply.
    """
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for found in re.finditer(_STRING_OR_BRACKET, text, re.DOTALL):
        first = found[0][0]
        if first in "[{":
            depth += 1
            if depth > max_depth:
                raise ValueError("nested too deeply")
        elif first in "]}":
            depth -= 1


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

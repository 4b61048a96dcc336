"""Stripe's form encoding: `a=1&b[c]=2&d[0][e]=3&f[]=4` → `{"a": "1", "b": {"c": "2"}, …}`.

Lists stay as they came, either as a list (`f[]`) or as a dict with numbered keys (`d[0]`);
`params.Array` accepts both, since only the endpoint knows where a list belongs.
"""

import re
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

from localcloud.stripe.errors import invalid

MAX_PAIRS = 2000
MAX_DEPTH = 8
KEY = re.compile(r"(?P<head>[^\[\]]+)(?P<rest>(?:\[[^\[\]]*\])*)")
PART = re.compile(r"\[([^\[\]]*)\]")

Form = dict[str, Any]


def decode(*texts: str) -> Form:
    """Decode query strings and bodies; later ones win.

    Raises a 400 for bytes that are not UTF-8, for broken names and for a name used in two shapes.
    """
    form: Form = {}
    for text in texts:
        for name, value in _pairs(text):
            _put(form, _path(name), value, name)
    return form


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PAIRS, separator="&"
        )
    except UnicodeDecodeError:
        raise invalid("Invalid request: the parameters are not valid UTF-8.") from None
    except ValueError:
        raise invalid(f"Invalid request: more than {MAX_PAIRS} parameters.") from None


def _path(name: str) -> list[str]:
    match = KEY.fullmatch(name)
    path = [match["head"], *PART.findall(match["rest"])] if match else []
    if not path or len(path) > MAX_DEPTH or "" in path[:-1]:
        raise invalid(f"Invalid parameter name: {name[:100]}")
    return path


def _put(form: Form, path: list[str], value: str, name: str) -> None:
    level: Any = form
    for part, following in pairwise(path):
        level = level.setdefault(part, [] if following == "" else {})
        if not isinstance(level, list if following == "" else dict):
            raise invalid(f"Invalid request: {name[:100]} is used in two different shapes.")
    if path[-1] == "":
        level.append(value)
    elif isinstance(level.get(path[-1]), dict | list):
        raise invalid(f"Invalid request: {name[:100]} is used in two different shapes.")
    else:
        level[path[-1]] = value

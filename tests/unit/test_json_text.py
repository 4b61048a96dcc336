"""The strict JSON reader: what it takes, what it refuses, and that refusing costs little."""

import json
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas import json_text

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**290), 10**290)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


def _is_refused(text: str | bytes, **bounds: int) -> bool:
    try:
        json_text.read(text, **bounds)
    except ValueError:
        return True
    return False


@given(VALUES, st.booleans(), st.booleans())
def test_whatever_is_json_is_read_as_it_was_written(value: Any, ascii: bool, packed: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii, separators=(",", ":") if packed else None)
    assert json_text.read(text) == value
    assert json_text.read(text.encode()) == value


@given(st.text() | st.binary() | st.text('[]{}",:\\0123456789eE+-.NaInfity \n'))
def test_any_text_is_read_or_refused_with_a_value_error(text: str | bytes) -> None:
    try:
        value = json_text.read(text)
    except ValueError:
        return
    json.dumps(value, allow_nan=False)


NOT_JSON = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-1e400",
    "1.5e999",
    "[1e400]",
    '{"exp":[-1e400]}',
    "１２",
    "٣",
    "1_000",
    "+1",
    "01",
    "1.",
    ".5",
    "0x10",
    "'a'",
    "{}{}",
    "[1,]",
    '{"a":1,}',
    "True",
    "nan",
    "null,",
    "//",
    "{'a':1}",
    "{a:1}",
    "\ufeff{}",
    "\xa01",
]


@pytest.mark.parametrize("text", [*NOT_JSON, "", " ", '"\n"', '"\\ud8"', "9" * 301, "9" * 5000])
def test_what_python_or_javascript_may_take_for_json_is_refused(text: str) -> None:
    assert _is_refused(text)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1"])
def test_only_utf_8_is_read(encoding: str) -> None:
    assert _is_refused('{"a": "é"}'.encode(encoding))


def test_numbers_at_the_bounds_are_read() -> None:
    assert json_text.read("1.7976931348623157e308") == 1.7976931348623157e308
    assert json_text.read("1e-400") == 0
    assert math.isfinite(float(json_text.read("9" * 300)))


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ('[{"[":', "}]")])
def test_no_depth_makes_it_recurse(opening: str, closing: str) -> None:
    levels = opening.replace('"["', "").count("[") + opening.count("{")
    for times in range(1, 5001):
        text = opening * times + "1" + closing * times
        if times * levels <= 64:
            json_text.read(text)
        else:
            with pytest.raises(ValueError, match="nested too deeply"):
                json_text.read(text)


def test_brackets_in_strings_are_no_depth() -> None:
    assert json_text.read('["' + "[{" * 500 + '\\"' + "[" * 100 + '"]')[0].count("[") == 600
    assert json_text.read("[" + ",".join(["[]"] * 500) + "]") == [[]] * 500


def test_a_depth_of_ones_own() -> None:
    assert json_text.read("[[1]]", max_depth=2) == [[1]]
    assert _is_refused("[[1]]", max_depth=1)


UGLY = {
    "an endless string of quotes": '"' + '\\"' * 500_000,
    "quotes": '"' * 1_000_000,
    "one level too many": "[" * 65 + '"' * 999_935,
    "brackets side by side": "[]" * 500_000,
    "backslashes": '"' + "\\" * 1_000_000,
    "only depth": "[" * 1_000_000,
    "brackets in a string": "[" * 64 + '"' + '\\"[' * 300_000,
    "numbers": "[" + "0," * 500_000,
    "one number": "[" + "9" * 1_000_000,
    "empty parts": "[" + "[],{}," * 170_000,
}


@pytest.mark.parametrize("text", UGLY.values(), ids=UGLY)
def test_a_megabyte_of_anything_is_refused_in_a_blink(text: str) -> None:
    started = time.process_time()
    assert _is_refused(text)
    assert time.process_time() - started < 1

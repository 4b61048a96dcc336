"""The local runtime's responses are those of `awslambdaric`, byte for byte."""

import math
import sys
from collections import OrderedDict, namedtuple
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.functions import runtime

Point = namedtuple("Point", "x y")
linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="awslambdaric has wheels for Linux only"
)


class Number(IntEnum):
    ONE = 1


class Word(StrEnum):
    UMLAUT = "ä"


class Plain(Enum):
    ONE = 1


class Loud(float):
    def __repr__(self) -> str:
        return "loud"


class Whole(int):
    def __repr__(self) -> str:
        return "loud"


class Record:
    def _asdict(self) -> dict[str, Any]:
        return {"a": Decimal("1.10")}


def circular() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def deep(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


AWKWARD = [
    None,
    True,
    10**30,
    -1.5,
    1e16,
    1e-7,
    math.inf,
    -math.inf,
    math.nan,
    'quotes " and \\ and / and \t\n\x00\x7f\u2028',
    "日本語 ÄÖÜ 🦊",
    "half a pair \ud83e",
    b"a body of bytes \xc3\xa4",
    b"\xff",
    [b"text \xc3\xa4"],
    [b"\xff"],
    bytearray(b"a"),
    *map(Decimal, ("1.10", "1E+3", "-0", "0E-10", "NaN", "-NaN", "sNaN", "Infinity")),
    {"price": Decimal("19.90")},
    Point(1, [Point(2, None)]),
    Record(),
    [Record()],
    Number.ONE,
    Word.UMLAUT,
    Plain.ONE,
    Loud(1.5),
    Whole(3),
    {7: 2, None: 3, True: 4, 1.5: 5, math.nan: 6, "ä": 7},
    {7: 1, "7": 2},
    {b"\xc3\xa4": 1},
    {b"\xff": 1},
    {(1, 2): 1},
    {Decimal(1): 1},
    {Number.ONE: 1, Word.UMLAUT: 2},
    OrderedDict(a=[(), {}, []]),
    {1, 2},
    range(3),
    datetime(2026, 1, 1, tzinfo=UTC),
    UUID(int=1),
    object(),
    1j,
    circular(),
    {"statusCode": 200, "headers": {}, "body": '{"success":true,"data":"日本語"}'},
]


@linux_only
@pytest.mark.parametrize("value", AWKWARD, ids=lambda value: type(value).__name__)
def test_awkward_values(value: Any) -> None:
    assert ours(value) == theirs(value)


@linux_only
def test_what_is_nested_too_deeply() -> None:
    assert ours(deep(100)) == theirs(deep(100))
    assert "recursion" in str(ours(deep(100_000)))
    assert "recursion" in str(theirs(deep(100_000)))


KEYS = st.text(max_size=4) | st.integers() | st.booleans() | st.none() | st.floats()
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.text(st.sampled_from('\ud83e\udd8a🦊\x00\x1f\x7f\u2028日"'))
    | st.binary(max_size=4)
    | st.decimals(),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner) | st.tuples(inner, inner),
    max_leaves=10,
)


@linux_only
@settings(deadline=None)
@given(VALUES)
def test_any_value(value: Any) -> None:
    assert ours(value) == theirs(value)


def test_all_but_ascii_is_escaped() -> None:
    """Which is what Lambda counts; this holds on a laptop as well."""
    assert runtime._encode({"body": "日🦊"}) == rb'{"body": "\u65e5\ud83e\udd8a"}'


def ours(value: Any) -> bytes | str:
    try:
        return runtime._encode(value)
    except Exception as error:
        return f"Unable to marshal response: {error}"


def theirs(value: Any) -> bytes | str:
    """What the real runtime client would send: response, or the text of its error."""
    from awslambdaric.lambda_runtime_exception import FaultException
    from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

    try:
        encoded, _ = LambdaMarshaller().marshal_response(value)
    except FaultException as error:
        return str(error.msg)
    return encoded if isinstance(encoded, bytes) else str(encoded).encode()

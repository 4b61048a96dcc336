"""Decoding and checking of what clients send to the local Stripe."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.stripe.errors import StripeError
from localcloud.stripe.form import decode
from localcloud.stripe.params import (
    Array,
    Boolean,
    Enum,
    Hash,
    Integer,
    Metadata,
    Only,
    Range,
    Text,
    Url,
)

NEW, OLD = "2026-10-28.endive", "2025-08-27.basil"


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", {}),
        ("a=1&b=", {"a": "1", "b": ""}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        (
            "items[0][price]=x&items[1][price]=y",
            {"items": {"0": {"price": "x"}, "1": {"price": "y"}}},
        ),
        ("expand[]=a&expand[]=b", {"expand": ["a", "b"]}),
        ("a=1&a=2", {"a": "2"}),
        ("a%5Bb%5D=c%20d+e", {"a": {"b": "c d e"}}),
        ("name=%F0%9F%A6%8A", {"name": "🦊"}),
    ],
)
def test_decode(text: str, form: dict[str, Any]) -> None:
    assert decode(text) == form


@pytest.mark.parametrize(
    "text",
    ["a[b=1", "a]=1", "[a]=1", "=1", "a[]b=1", "a[][b]=1", "a=1&a[b]=2", "a[]=1&a[b]=2", "a=%ff"],
)
def test_decode_refuses(text: str) -> None:
    with pytest.raises(StripeError) as caught:
        decode(text)
    assert caught.value.status == 400


@given(st.text(alphabet="ab[]=&%0f+", max_size=40))
def test_decode_never_breaks(text: str) -> None:
    status = 200
    try:
        decode(text)
    except StripeError as error:
        status = error.status
    assert status in (200, 400)


def test_body_wins_over_the_query() -> None:
    assert decode("a=1&b=2", "b=3") == {"a": "1", "b": "3"}


def test_numbered_arrays_keep_their_order() -> None:
    rule = Array(Text())
    assert rule.parse({"10": "c", "2": "b", "0": "a"}, "x", NEW) == ["a", "b", "c"]
    assert rule.parse(["a"], "x", NEW) == ["a"]
    assert Array(Text(), clearable=True).parse("", "x", NEW) == []


@pytest.mark.parametrize(
    ("rule", "raw", "message"),
    [
        (Array(Text()), "a", "Invalid array"),
        (Array(Text()), {"x": "a"}, "Invalid array"),
        (Array(Text(), longest=1), ["a", "b"], "maximum of 1"),
        (Boolean(), "1", "Invalid boolean: 1"),
        (Boolean(), {"a": "true"}, "Invalid boolean"),
        (Integer(), "1.5", "Invalid integer: 1.5"),
        (Integer(), "٣", "Invalid integer"),
        (Integer(), ["1"], "Invalid integer"),
        (Integer(1, 100), "101", "less than or equal to 100 (it currently is '101')"),
        (Enum(("a",)), "b", "Invalid x: must be a"),
        (Enum(("a", "b")), "c", "must be one of a or b"),
        (Enum(("a", "b")), ["a"], "must be one of"),
        (Text(), {"a": "b"}, "Invalid string"),
        (Text(), "", "You passed an empty string for 'x'"),
        (Text(3), "abcd", "at most 3 characters"),
        (Url(), "ftp://x", "Not a valid URL"),
        (Url(), "https://", "Not a valid URL"),
        (Url(), "https://a b", "Not a valid URL"),
        (Metadata(), {"a": {"b": "c"}}, "Invalid object"),
        (Hash(), "x", "Invalid object"),
        (Hash({"a": Text()}, required=("a",)), {}, "Missing required param: x[a]."),
        (Range(), {"before": "1"}, "Received unknown parameter: x[before]"),
    ],
)
def test_rules_refuse(rule: Any, raw: Any, message: str) -> None:
    with pytest.raises(StripeError) as caught:
        rule.parse(raw, "x", NEW)
    assert message in caught.value.message
    assert caught.value.status == 400


def test_rules_accept() -> None:
    assert Integer(words=("now",)).parse("now", "x", NEW) == "now"
    assert Integer(words=("",)).parse("", "x", NEW) is None
    assert Text(clearable=True).parse("", "x", NEW) is None
    assert Range().parse("5", "x", NEW) == {"gte": 5, "lte": 5}
    assert Range().parse({"gt": "5"}, "x", NEW) == {"gt": 5}
    assert Metadata().parse({"a": "1", "b": ""}, "x", NEW) == {"a": "1", "b": None}
    assert Metadata().parse("", "x", NEW) is None
    assert Url().parse("http://localhost:8000/x?s={CHECKOUT_SESSION_ID}", "x", NEW)


def test_parameters_have_a_lifetime() -> None:
    rule = Hash(
        {"old": Only(Text(), until="2026-09-30"), "new": Only(Text(), since="2026-09-30")},
        unbuilt=("later",),
    )
    assert rule.parse({"old": "1"}, "", OLD) == {"old": "1"}
    assert rule.parse({"new": "1"}, "", NEW) == {"new": "1"}
    for raw, version in (({"old": "1"}, NEW), ({"new": "1"}, OLD)):
        with pytest.raises(StripeError) as caught:
            rule.parse(raw, "", version)
        assert caught.value.code == "parameter_unknown"
    with pytest.raises(StripeError) as caught:
        rule.parse({"later": "1"}, "", NEW)
    assert caught.value.status == 501

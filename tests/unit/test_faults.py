"""Who suffers an armed fault, and when."""

import re
import threading
from typing import Any

import pytest

from localcloud.faults import Fault, Faults, Kind, one_of, seconds

KINDS = {
    "throttle": Kind("Too many requests."),
    "slow": Kind("Later.", {"seconds": seconds(5)}),
    "error": Kind("An error.", {"code": one_of("Internal", ["Internal", "Denied"])}),
}


@pytest.fixture
def faults() -> Faults:
    return Faults({"shop": KINDS, "post": {"lose": Kind("It never arrives.")}})


def kinds_struck(faults: Faults, calls: list[str], part: str = "shop") -> list[str | None]:
    struck = [faults.strike(part, call, KINDS) for call in calls]
    return [fault.kind if fault else None for fault in struck]


def test_without_a_fault_nothing_strikes(faults: Faults) -> None:
    assert kinds_struck(faults, ["GET /a"]) == [None]


def test_a_fault_strikes_once_unless_it_says_otherwise(faults: Faults) -> None:
    faults.arm({"kind": "throttle"})
    assert kinds_struck(faults, ["a", "b"]) == ["throttle", None]


def test_faults_are_used_up_in_the_order_they_were_armed(faults: Faults) -> None:
    faults.arm({"kind": "throttle", "count": 2})
    faults.arm({"kind": "error"})
    assert kinds_struck(faults, ["a"] * 4) == ["throttle", "throttle", "error", None]


def test_the_nth_fitting_call_is_struck(faults: Faults) -> None:
    faults.arm({"kind": "error", "on": "POST *", "nth": 2})
    calls = ["POST /a", "GET /a", "POST /b", "POST /c"]
    assert kinds_struck(faults, calls) == [None, None, "error", None]


def test_count_null_strikes_until_it_is_disarmed(faults: Faults) -> None:
    armed = faults.arm({"kind": "throttle", "count": None})
    assert kinds_struck(faults, ["a"] * 5) == ["throttle"] * 5
    assert faults.disarm(armed["id"]) == 1
    assert kinds_struck(faults, ["a"]) == [None]


def series(faults: Faults, seed: int) -> list[str | None]:
    faults.arm({"kind": "throttle", "count": None, "probability": 0.3, "seed": seed})
    found = kinds_struck(faults, ["a"] * 200)
    faults.disarm()
    return found


def test_a_probability_is_one_series_a_seed(faults: Faults) -> None:
    first = series(faults, 7)
    assert first == series(faults, 7)
    assert first != series(faults, 8)
    assert 30 < first.count("throttle") < 90


def test_another_part_and_another_kind_are_left_alone(faults: Faults) -> None:
    faults.arm({"part": "post", "kind": "lose"})
    assert kinds_struck(faults, ["a"]) == [None]
    assert faults.strike("post", "a", ["other"]) is None
    assert faults.strike("post", "a", ["lose"]) is not None


def test_what_is_armed_and_what_was_spent_is_shown(faults: Faults) -> None:
    faults.arm({"kind": "slow", "on": "GET *"})
    faults.arm({"kind": "error", "code": "Denied", "count": 2})
    kinds_struck(faults, ["GET /a", "GET /b"])
    shown = faults.listing()
    assert [(each["kind"], each["seen"], each["struck"]) for each in shown["spent"]] == [
        ("slow", 1, 1)
    ]
    assert shown["armed"] == [
        {
            "id": "fault_2",
            "part": "shop",
            "kind": "error",
            "on": "*",
            "nth": 1,
            "count": 2,
            "probability": 1.0,
            "seed": 0,
            "code": "Denied",
            "seen": 2,
            "struck": 1,
        }
    ]
    faults.forget()
    assert faults.listing() == {"armed": [], "spent": []}


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (None, "A fault is a JSON object."),
        ([], "A fault is a JSON object."),
        ({}, "kind must be one of error, slow, throttle."),
        ({"kind": ["error"]}, "kind must be one of error, slow, throttle."),
        ({"kind": "error", "part": "moon"}, "part must be one of post, shop."),
        ({"kind": "slow", "seconds": -1}, "seconds must be a number from 0 to 3600."),
        ({"kind": "slow", "seconds": float("inf")}, "seconds must be a number from 0 to 3600."),
        ({"kind": "slow", "seconds": True}, "seconds must be a number from 0 to 3600."),
        ({"kind": "error", "code": {}}, "code must be one of Denied, Internal."),
        ({"kind": "error", "code": "Odd"}, "code must be one of Denied, Internal."),
        (
            {"kind": "throttle", "seconds": 1},
            "throttle knows no seconds; it takes on, nth, count, probability, seed.",
        ),
        ({"kind": "throttle", "nth": 0}, "nth must be a whole number from 1 to 1,000,000."),
        ({"kind": "throttle", "nth": 1.5}, "nth must be a whole number from 1 to 1,000,000."),
        (
            {"kind": "throttle", "count": 0},
            "count must be a whole number from 1 to 1,000,000, or null for every call.",
        ),
        (
            {"kind": "throttle", "probability": 0},
            "probability must be a number above 0, at most 1.",
        ),
        ({"kind": "throttle", "on": ""}, "on must be a pattern."),
    ],
)
def test_what_is_no_fault_is_refused_in_a_sentence(
    faults: Faults, wanted: Any, sentence: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        faults.arm(wanted)
    assert faults.listing()["armed"] == []


def test_it_is_served_with_and_without_names(faults: Faults) -> None:
    assert faults.answer("POST", "", b'{"kind": "error"}')[0] == 200
    assert faults.answer("POST", "", b'{"part": "post", "kind": "lose"}')[0] == 200
    assert faults.answer("POST", "", b"{")[1] == {"message": "The body is not valid JSON."}
    assert faults.answer("POST", "", b"")[1] == {"message": "A fault is a JSON object."}
    assert len(faults.answer("GET", "", b"")[1]["armed"]) == 2
    assert [each["kind"] for each in faults.answer("GET", "part=post", b"")[1]["armed"]] == ["lose"]
    assert faults.answer("DELETE", "id=fault_9", b"") == (200, {"disarmed": 0})
    assert faults.answer("DELETE", "part=post", b"") == (200, {"disarmed": 1})
    assert faults.answer("DELETE", "", b"") == (200, {"disarmed": 1})


def test_threads_together_are_struck_exactly_count_times(faults: Faults) -> None:
    faults.arm({"kind": "throttle", "count": 500})
    struck: list[Fault] = []

    def call() -> None:
        for _ in range(200):
            if fault := faults.strike("shop", "a", KINDS):
                struck.append(fault)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(struck) == 500
    assert faults.listing()["spent"][0]["seen"] >= 500

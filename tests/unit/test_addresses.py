"""Which address counts when a person's credentials disagree."""

import time
from itertools import cycle, islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas.addresses import MAX_TAKEN, MAX_TIMES, Addresses, Sighting

NOW = int(time.time())
NONE = Addresses("", {}, ())
A, B, C = "a@example.com", "b@example.com", "c@example.com"


def sighted(addresses: Addresses, *sightings: tuple[str, str, int]) -> Addresses:
    for address, source, age in sightings:
        addresses = addresses.after(Sighting(address, source, NOW - age)) or addresses
    return addresses


FIRST = sighted(NONE, (A, "cookie", 900))


def test_the_first_address_counts_whoever_brings_it() -> None:
    assert FIRST.current == A
    assert sighted(NONE, (A, "bearer", 0)).current == A
    assert NONE.after(Sighting("", "bearer", NOW)) is None


def test_a_change_counts_from_either_source() -> None:
    assert sighted(FIRST, (B, "cookie", 100)).current == B
    assert sighted(FIRST, (B, "bearer", 100)).current == B


@pytest.mark.parametrize("source", ["cookie", "bearer"])
def test_what_another_source_goes_on_saying_is_no_change(source: str) -> None:
    other = "cookie" if source == "bearer" else "bearer"
    changed = sighted(FIRST, (A, other, 800), (B, source, 500))
    assert changed.current == B
    for age in range(400, 0, -50):
        assert changed.after(Sighting(A, other, NOW - age)) is None
        assert changed.after(Sighting(B, source, NOW - age)) is None
    assert sighted(changed, (C, other, 0)).current == C


def test_an_older_session_of_the_same_source_is_no_change() -> None:
    changed = sighted(FIRST, (B, "cookie", 500))
    assert changed.after(Sighting(A, "cookie", NOW - 900)) is None
    assert changed.after(Sighting(A, "cookie", NOW - 500)) is None
    assert changed.after(Sighting(C, "cookie", NOW - 600)) is None


def test_somebody_may_go_back_to_an_address() -> None:
    assert sighted(FIRST, (B, "cookie", 500), (A, "cookie", 300)).current == A


def test_a_source_that_brings_the_present_address_has_caught_up() -> None:
    """What it says from then on is no news, however its sessions are renewed."""
    steps = [(A, "cookie", 900), (B, "bearer", 800), (B, "cookie", 700), (C, "bearer", 600)]
    changed = sighted(NONE, *steps)
    assert (changed.current, changed.seen) == (C, {"cookie": B, "bearer": C})
    assert changed.after(Sighting(B, "cookie", NOW - 500)) is None
    assert changed.after(Sighting(C, "bearer", NOW - 400)) is None
    assert sighted(changed, (A, "cookie", 300)).current == A


def test_that_a_source_has_caught_up_is_noted_once() -> None:
    changed = sighted(NONE, (A, "cookie", 900), (B, "bearer", 800))
    noted = changed.after(Sighting(B, "cookie", NOW - 700))
    assert noted is not None
    assert (noted.current, noted.taken) == (B, changed.taken)
    assert noted.after(Sighting(B, "cookie", NOW - 600)) is None
    assert noted.after(Sighting(B, "bearer", NOW - 600)) is None


def test_somebody_may_go_back_again_and_again_over_time() -> None:
    day = 24 * 3600
    steps = [([A, B][turn % 2], "cookie", (400 - 40 * turn) * day) for turn in range(10)]
    addresses = NONE
    for step in steps:
        addresses = sighted(addresses, step)
        assert addresses.current == step[0]


def test_a_change_that_came_too_often_counts_when_it_lasts() -> None:
    day = 24 * 3600
    turns = [([A, B][turn % 2], "cookie", 60 * day - turn) for turn in range(5)]
    changed = sighted(NONE, *turns)
    assert changed.current == B
    assert sighted(changed, (A, "cookie", 45 * day)).current == B
    assert sighted(changed, (A, "cookie", 20 * day)).current == A


def test_two_devices_that_both_renew_rarely_rewrite_the_address() -> None:
    hour, addresses, changes = 3600, FIRST, 0
    for turn in range(24 * 300):
        address = [B, A][turn % 2]
        after = addresses.after(Sighting(address, "cookie", NOW - (24 * 300 - turn) * hour))
        changes += after is not None
        addresses = after or addresses
    assert changes <= 2 * MAX_TIMES * 11


def test_an_address_of_before_counts_as_the_first() -> None:
    adopted = Addresses(A, {}, ())
    assert adopted.after(Sighting(A, "cookie", NOW - 900)) is None
    changed = sighted(adopted, (B, "cookie", 500))
    assert (changed.current, [address for address, _ in changed.taken]) == (B, [A, B])
    assert changed.after(Sighting(A, "bearer", NOW - 100)) is None


def test_a_time_in_the_future_or_none_at_all_keeps_nobody_out() -> None:
    for issued_at in (NOW + 10**9, 0):
        changed = FIRST.after(Sighting(B, "cookie", issued_at))
        assert changed is not None
        assert changed.taken[-1][1] <= time.time()


def test_two_devices_that_both_renew_their_sessions_come_to_rest() -> None:
    addresses, writes = FIRST, 0
    for age, (address, source) in enumerate(
        islice(cycle([(B, "cookie"), (A, "cookie"), (A, "bearer")]), 300)
    ):
        if after := addresses.after(Sighting(address, source, NOW - 300 + age)):
            addresses, writes = after, writes + 1
    assert addresses.current == B
    assert writes <= 2 * MAX_TIMES


SIGHTINGS = st.tuples(
    st.sampled_from([A, B, C, ""]), st.sampled_from(["cookie", "bearer"]), st.integers(0, 1000)
)


@given(st.lists(SIGHTINGS, max_size=30), st.lists(SIGHTINGS, min_size=1, max_size=4))
def test_any_credentials_used_in_turns_come_to_rest(
    history: list[tuple[str, str, int]], turns: list[tuple[str, str, int]]
) -> None:
    addresses = sighted(NONE, *history)
    assert len(addresses.taken) <= MAX_TAKEN
    rests = sighted(addresses, *turns * 20)
    assert sighted(rests, *turns) == rests
    assert Addresses.from_item(rests.current, rests.to_item()) == rests


@pytest.mark.parametrize(
    "stored",
    [None, 7, [], "x", {"seen": 7, "taken": 7}, {"taken": [1, ["a"], [1, 2], ["a", "b"], None]}],
)
def test_any_stored_shape_is_read(stored: Any) -> None:
    assert Addresses.from_item(A, stored) == Addresses(A, {}, ())

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

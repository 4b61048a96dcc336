"""The rules of the checkout item: who may create, under which key, and how often."""

import pytest

from billing.checkout_state import (
    CREATIONS,
    LEASE_SECONDS,
    MARGIN_SECONDS,
    WINDOW_SECONDS,
    CheckoutState,
)
from billing.customers import reference
from billing.stripe_objects import CheckoutSession
from localcloud.config import functions
from saas.errors import LimitExceeded

NOW = 1_800_000_000
SESSION = CheckoutSession("cs_1", "open", "cs_1_secret", NOW + 86_400)


def opened() -> CheckoutState:
    return CheckoutState("user-1").claimed("starter", NOW).opened(SESSION)


def test_a_lease_outlives_the_function() -> None:
    """Otherwise a slow winner could still act after somebody else took over."""
    assert functions()["billing-api"]["timeout"] < LEASE_SECONDS


def test_the_first_claim_is_generation_one() -> None:
    state = CheckoutState("user-1").claimed("starter", NOW)
    assert (state.phase, state.generation, state.window_count) == ("creating", 1, 1)
    assert state.is_leased(NOW + LEASE_SECONDS - 1)
    assert not state.is_leased(NOW + LEASE_SECONDS)


def test_an_open_session_is_reused_for_the_same_purchase_until_shortly_before_its_end() -> None:
    state = opened()
    assert state.is_reusable("starter", NOW)
    assert not state.is_reusable("professional", NOW)
    assert not state.is_reusable("starter", SESSION.expires_at - MARGIN_SECONDS)
    assert not state.claimed("starter", NOW).is_reusable("starter", NOW)


def test_each_new_attempt_takes_a_new_key_and_a_resumed_one_keeps_it() -> None:
    state = opened()
    assert state.claimed("starter", NOW).generation == 2
    died = state.claimed("professional", NOW)
    assert died.claimed("professional", NOW + 31).generation == died.generation
    assert died.claimed("professional", NOW + 31).window_count == died.window_count
    assert died.claimed("starter", NOW + 31).generation == died.generation + 1


def test_a_failure_that_says_nothing_keeps_the_key_and_frees_the_lease() -> None:
    claimed = CheckoutState("user-1").claimed("starter", NOW)
    released = claimed.released(settled=False, counts=True)
    assert not released.is_leased(NOW)
    assert released.claimed("starter", NOW).generation == 1
    settled = claimed.released(settled=True, counts=False)
    assert not settled.is_leased(NOW)
    assert settled.window_count == 0
    assert settled.claimed("starter", NOW).generation == 2


def test_creations_are_limited_in_a_window() -> None:
    state = CheckoutState("user-1")
    for _ in range(CREATIONS):
        state = state.claimed("starter", NOW).opened(SESSION)
    with pytest.raises(LimitExceeded) as refused:
        state.claimed("starter", NOW + 600)
    assert refused.value.details == {"retryAfter": WINDOW_SECONDS - 600}
    assert refused.value.headers == {"Retry-After": str(WINDOW_SECONDS - 600)}
    assert state.is_reusable("starter", NOW + 600)
    assert state.claimed("starter", NOW + WINDOW_SECONDS).window_count == 1


def test_the_item_keeps_everything() -> None:
    state = opened()
    item = state.write(CheckoutState("user-1")).item
    again = CheckoutState.from_item("user-1", item)
    assert again == CheckoutState(**{**vars(state), "version": 1})


@pytest.mark.parametrize(
    "user_id", ["a:b", "ü", "x" * 129, "line\nbreak", "", "auth0|5f7c", "google oauth"]
)
def test_ids_unfit_for_a_header_become_digests(user_id: str) -> None:
    made = reference(user_id)
    assert made.startswith("sha256-")
    assert made == reference(user_id)
    assert len(f"checkout:staging:{made}:1000000") < 255


def test_plain_ids_stay_readable_and_different_ones_differ() -> None:
    plain = "0b9f5a3e-8c1d-4a53-9d7e-2f6f5a1c9e77"
    assert reference(plain) == plain
    assert reference("a|b") != reference("a:b")

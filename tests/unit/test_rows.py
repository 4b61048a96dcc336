"""Stored items, read by type: whatever an item holds, reading it is no error."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas.accounts import User
from saas.entitlements import Entitlement
from saas.observability import logger
from saas.rows import Row

VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30)),
    lambda parts: st.one_of(
        st.lists(parts, max_size=3), st.dictionaries(st.text(max_size=5), parts, max_size=3)
    ),
    max_leaves=6,
)
USER = ("email", "name", "createdAt", "updatedAt", "cognitoId", "preferences", "id", "barred")
USER += ("stripeCustomerId", "customerGeneration", "checkoutFreshUntil")
SUBSCRIPTION = ("appliedSeq", "stripeSubscriptionId", "stripeCustomerId", "stripeStatus", "planId")
SUBSCRIPTION += ("currentPeriodStart", "currentPeriodEnd", "cancelAtPeriodEnd", "createdAt")


@given(st.dictionaries(st.sampled_from(USER), VALUES))
def test_any_user_item_is_a_user(item: Any) -> None:
    user = User.from_item("user-1", item)
    assert user.id == "user-1"
    texts = (user.email, user.name, user.created_at, user.updated_at, user.stripe_customer_id)
    assert all(isinstance(text, str) for text in texts)
    assert isinstance(user.preferences, dict)
    assert isinstance(user.customer_generation, int)


@given(st.dictionaries(st.sampled_from(SUBSCRIPTION), VALUES))
def test_any_subscription_item_is_an_entitlement_or_none(item: Any) -> None:
    found = Entitlement.from_item("user-1", item)
    if found:
        assert found.is_active(datetime.now(UTC)) in (True, False)
        assert found.applied_seq > 0 or found.applied_seq < 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-31T09:30:00.000Z", "2026-01-31T09:30:00.000Z"),
        ("2026-01-31T09:30:00+02:00", "2026-01-31T07:30:00.000Z"),
        ("2026-01-31", "2026-01-31T00:00:00.000Z"),
        (1_769_851_800, "2026-01-31T09:30:00.000Z"),
        (1_769_851_800_123, "2026-01-31T09:30:00.123Z"),
        *((value, "") for value in (None, "", "soon", True, [], 1e300, -1e300, float("nan"))),
        ("0001-01-01T00:00:00+14:00", ""),
        ("9999-12-31T23:59:59-14:00", ""),
        ("9999-12-31T23:59:59.999Z", ""),
    ],
)
def test_times_of_older_shapes(value: Any, expected: str) -> None:
    assert Row({"createdAt": value}).iso("createdAt") == expected


def test_what_cannot_be_read_is_named_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    row = Row({"pk": "USER#u", "email": ["private@example.com"], "name": None})
    assert (row.text("email"), row.text("name"), row.text("absent")) == ("", "", "")
    (line,) = [json.loads(text) for text in written.getvalue().splitlines()]
    assert (line["attribute"], line["item"]) == ("email", "USER")
    assert "private" not in written.getvalue()

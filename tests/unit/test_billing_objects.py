"""Reading Stripe's objects: pinned and newest shapes, and which subscription counts."""

from itertools import pairwise, permutations
from typing import Any

import pytest
import stripe

from billing import stripe_objects
from billing.stripe_objects import Subscription
from billing.sync import PRECEDENCE, choose
from saas import clock
from saas.entitlements import GRANTING
from saas.stripe_contract import LIVE_STATUSES

START, END = 1_770_000_000, 1_772_419_200


def price(**changes: Any) -> dict[str, Any]:
    return {"id": "price_1", "object": "price", "lookup_key": None, "metadata": {}, **changes}


def item(**changes: Any) -> dict[str, Any]:
    return {
        "id": "si_1",
        "object": "subscription_item",
        "current_period_start": START,
        "current_period_end": END,
        "price": price(lookup_key="groundwork_starter_monthly"),
        **changes,
    }


def subscription(*items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A subscription as 2025-08-27.basil sends it, reduced to what could matter."""
    return {
        "id": "sub_1",
        "object": "subscription",
        "customer": "cus_1",
        "status": "active",
        "created": START - 5,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "metadata": {"userId": "user-1", "env": "dev", "app": "groundwork"},
        "items": {"object": "list", "data": list(items) or [item()], "has_more": False},
        **changes,
    }


def newest() -> dict[str, Any]:
    """The same as 2026-10-28.endive sends it: more fields, an expanded customer."""
    return subscription(
        item(billed_until=END, current_trial=None),
        customer={"id": "cus_1", "object": "customer"},
        customer_account=None,
        billing_mode={"type": "flexible"},
        billing_schedules=[],
        managed_payments=None,
        status_details=None,
    )


@pytest.mark.parametrize("raw", [subscription(), newest()], ids=["pinned", "newest"])
def test_a_subscription_of_either_shape_reads_the_same(raw: dict[str, Any]) -> None:
    assert stripe_objects.subscription(raw) == Subscription(
        id="sub_1",
        customer_id="cus_1",
        status="active",
        plan_id="starter",
        created=START - 5,
        current_period_start=clock.from_epoch(START),
        current_period_end=clock.from_epoch(END),
        cancel_at_period_end=False,
        environment="dev",
        app="groundwork",
    )


def test_the_installed_sdk_still_has_every_field_that_is_read() -> None:
    read = {
        stripe.Subscription: """id items customer status created metadata
        cancel_at cancel_at_period_end""",
        stripe.SubscriptionItem: "price current_period_start current_period_end",
        stripe.Price: "id metadata lookup_key",
        stripe.checkout.Session: "id status client_secret expires_at customer metadata",
        stripe.Event: "id type created livemode account data",
        stripe.Customer: "id metadata",
        stripe.Invoice: "id customer metadata",
    }
    for kind, names in read.items():
        declared = {name for each in kind.__mro__ for name in vars(each).get("__annotations__", {})}
        assert set(names.split()) <= declared, kind


def test_the_price_key_in_metadata_wins_over_the_lookup_key() -> None:
    moved = price(
        lookup_key="groundwork_starter_monthly",
        metadata={"price_key": "price_professional_monthly"},
    )
    assert stripe_objects.subscription(subscription(item(price=moved))).plan_id == "professional"
    unknown = price(
        lookup_key="groundwork_starter_monthly", metadata={"price_key": "price_unknown"}
    )
    assert stripe_objects.subscription(subscription(item(price=unknown))).plan_id == "starter"


@pytest.mark.parametrize("metadata", [None, {}, {"price_key": ""}, {"other": "x"}])
def test_prices_without_our_keys_sell_nothing_of_ours(metadata: Any) -> None:
    read = stripe_objects.subscription(subscription(item(price=price(metadata=metadata))))
    assert read.plan_id == ""
    assert not read.is_ours("dev")


def test_the_period_is_that_of_the_item_that_sells_our_plan() -> None:
    other = item(price=price(), current_period_start=1, current_period_end=2)
    read = stripe_objects.subscription(subscription(other, item()))
    assert (read.plan_id, read.current_period_end) == ("starter", clock.from_epoch(END))


def test_a_subscription_without_items_is_readable() -> None:
    raw = subscription() | {"items": {"object": "list", "data": [], "has_more": False}}
    assert stripe_objects.subscription(raw).plan_id == ""


@pytest.mark.parametrize(
    ("changes", "ends"),
    [
        ({}, False),
        ({"cancel_at_period_end": True}, True),
        ({"cancel_at": END}, True),
        ({"cancel_at": END - 3600}, True),
        ({"cancel_at": END + 86_400}, False),
    ],
)
def test_flexible_and_classic_billing_end_with_the_period(
    changes: dict[str, Any], ends: bool
) -> None:
    assert stripe_objects.subscription(subscription(**changes)).cancel_at_period_end is ends


@pytest.mark.parametrize(
    ("metadata", "ours"),
    [
        ({}, True),
        (None, True),
        ({"env": "dev", "app": "groundwork"}, True),
        ({"env": "prod"}, False),
        ({"app": "another"}, False),
        ({"env": "dev", "app": "groundwork", "userId": "somebody"}, True),
    ],
)
def test_stamps_of_others_exclude(metadata: Any, ours: bool) -> None:
    read = stripe_objects.subscription(subscription(metadata=metadata))
    assert read.is_ours("dev") is ours


def made(identifier: str, status: str, created: int) -> Subscription:
    raw = subscription(id=identifier, status=status, created=created)
    return stripe_objects.subscription(raw)


def test_precedence_is_by_status_then_youth_then_id_whatever_the_order() -> None:
    several = [
        made("sub_a", "canceled", 50),
        made("sub_b", "past_due", 40),
        made("sub_c", "active", 10),
        made("sub_d", "active", 20),
        made("sub_e", "active", 20),
    ]
    for order in permutations(several):
        chosen = choose(order)
        assert chosen
        assert chosen.id == "sub_e"
    assert choose([]) is None


@pytest.mark.parametrize(("better", "worse"), list(pairwise(PRECEDENCE)))
def test_each_status_of_the_precedence_beats_the_next(better: str, worse: str) -> None:
    chosen = choose([made("sub_young", worse, 99), made("sub_old", better, 1)])
    assert chosen
    assert chosen.id == "sub_old"


def test_what_gives_access_comes_first_and_is_live() -> None:
    assert set(PRECEDENCE[:3]) == GRANTING
    assert GRANTING <= LIVE_STATUSES
    assert choose([made("sub_new", "a_future_status", 99), made("sub_x", "canceled", 1)]) == made(
        "sub_x", "canceled", 1
    )


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"id": "evt_1", "type": "x", "created": 1},
        {"id": "evt_1", "type": "x", "created": 1, "data": None},
        {"id": "evt_1", "type": "x", "created": 1, "data": {"object": "text"}},
        {"id": "evt_1", "type": "x", "created": None, "data": {"object": {}}},
        {"id": "evt_1", "type": "x", "created": "soon", "data": {"object": {}}},
        {"id": "evt_1", "type": "x", "created": 1, "data": {"object": {"metadata": "text"}}},
        {"id": "evt_1", "type": "x", "created": 1, "data": {"object": {"customer": {}}}},
    ],
)
def test_what_is_no_event_is_a_value_error(raw: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="event"):
        stripe_objects.event(raw)


def test_an_event_about_a_customer_names_that_customer() -> None:
    raw = {
        "id": "evt_1",
        "type": "customer.deleted",
        "created": 7,
        "livemode": True,
        "data": {"object": {"object": "customer", "id": "cus_9", "metadata": {"env": "prod"}}},
    }
    event = stripe_objects.event(raw)
    assert (event.customer_id, event.environment, event.livemode) == ("cus_9", "prod", True)

"""Everything that local Stripe announces, sent to the webhook function: taken, and true after."""

import json
import urllib.request
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from billing import customers
from localcloud.stripe.event_types import EVENTS
from saas import accounts, clock, entitlements
from saas.auth import Identity
from saas.entitlements import Entitlement
from saas.stripe_contract import HANDLED_EVENTS
from saas.table import table
from tests.integration import stripe_events_stage
from tests.integration.billing_stage import Stage, stage
from tests.integration.convergence_stage import BEST
from tests.integration.stripe_fixtures import LocalStripe

__all__ = ["stage"]
# Sessions of guests name none; `customer.deleted` and the rest always do.
GUESTS = {"checkout.session.completed", "checkout.session.expired"}


@pytest.fixture
def lived(stage: Stage) -> Iterator[Stage]:
    """An account in which everything has happened, and time has passed."""
    stage.reset_stripe()
    stripe_events_stage.happen(LocalStripe(stage.aws.config))
    stage.move_clock(stage.account.clock.offset)
    yield stage
    stage.reset_stripe()


def events(stage: Stage) -> list[dict[str, Any]]:
    """All that was announced, oldest first, as webhooks carry it."""
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        url = f"{stage.aws.config.stripe_url}/_local/events?limit=500{after}"
        with urllib.request.urlopen(url) as answer:
            page = json.load(answer)
        found += [{**each, "deliveries": None} for each in page]
        if len(page) < 500:
            return found[::-1]
        after = f"&before={page[-1]['id']}"


def owners(happened: list[dict[str, Any]]) -> dict[str, str]:
    """A user of ours for every customer that there was; user by customer."""
    made = [each for each in happened if each["type"] == "customer.created"]
    users = {}
    for each in made:
        customer = each["data"]["object"]["id"]
        identity = Identity(f"user-{customer}", "ada@example.com", "Ada", "cookie")
        assert customers.bind(accounts.ensure(identity, None), customer)
        users[customer] = identity.user_id
    return users


@pytest.mark.parametrize("seed", [None, 1])
def test_every_event_is_taken_and_ends_in_what_stripe_says(lived: Stage, seed: int | None) -> None:
    """In the order in which it happened, and in others, with every third event sent twice."""
    happened = events(lived)
    announced = {name for names in EVENTS.values() for name in names}
    assert {each["type"] for each in happened} == announced
    users = owners(happened)
    sent = happened + happened[::3]
    if seed is not None:
        Random(seed).shuffle(sent)
    for event in sent:
        assert lived.deliver(event) == 200, event
    for event in happened:
        outcomes = {"applied", "superseded"} if event["type"] in HANDLED_EVENTS else {None}
        guests = {"foreign"} if event["type"] in GUESTS else set()
        assert lived.recorded(event) in outcomes | guests, event["type"]
    gone = {each["data"]["object"]["id"] for each in happened if each["type"] == "customer.deleted"}
    statuses = {
        holds(user, [] if customer in gone else subscriptions(lived, customer))
        for customer, user in users.items()
    }
    assert {*BEST[:3], "unpaid", "paused", "canceled"} <= statuses


def subscriptions(stage: Stage, customer: str) -> list[Any]:
    found = stage.stripe.subscriptions.list({"customer": customer, "status": "all"})
    return list(found.data)


def holds(user_id: str, found: list[Any]) -> str | None:
    """The status of the user's subscription, which is the best of what Stripe has."""
    stored = Entitlement.from_item(user_id, table().get(entitlements.key(user_id)))
    statuses = sorted((each.status for each in found), key=BEST.index)
    if not statuses:
        assert stored is None or stored.stripe_status == "canceled"
        return stored and stored.stripe_status
    assert stored is not None
    assert stored.stripe_status == statuses[0]
    (source,) = [each for each in found if each.id == stored.stripe_subscription_id]
    item = source["items"].data[0]
    assert stored.current_period_end == clock.from_epoch(item.current_period_end)
    plan = {2900: "starter", 9900: "professional"}[item.price.unit_amount]
    assert stored.plan_id == plan
    return stored.stripe_status

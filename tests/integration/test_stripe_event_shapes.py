"""An example of every event and every status, each with the fields and types of stripe-python's.

Billing reads subscriptions in any status, and events of any type that names a customer
(`billing.stripe_objects`); the contract of the webhook is every type that local Stripe announces.
"""

from collections.abc import Iterator

import pytest

from billing import stripe_objects
from localcloud.stripe.event_types import EVENTS
from localcloud.stripe.resources.subscription_params import STATUSES
from saas.stripe_contract import HANDLED_EVENTS
from tests.integration import stripe_events_stage
from tests.integration.stripe_fixtures import BASIL, ENDIVE, LocalStripe, config_for, running
from tests.integration.stripe_shapes import class_of, differences, objects

# Bank debits settle days later; local Stripe takes cards alone.
NOT_OF_CARDS = {
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
}


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    with running(config_for(tmp_path_factory.mktemp("stripe"))) as local:
        stripe_events_stage.happen(local)
        yield local


def test_every_type_of_event_has_an_example_shaped_as_the_sdk_says(lived: LocalStripe) -> None:
    events = objects(lived, "events?limit=100")
    announced = {name for names in EVENTS.values() for name in names}
    assert announced - {event["type"] for event in events} == set()
    wrong: set[str] = set()
    for event in events:
        shown = event["data"]["object"]
        wrong |= set(differences(event, class_of(event), "event", BASIL))
        wrong |= set(differences(shown, class_of(shown), event["type"], BASIL))
        changed = set(event["data"].get("previous_attributes", {}))
        wrong |= {f"{event['type']}: previous {name}" for name in changed - set(shown)}
    assert sorted(wrong) == []


def test_what_billing_listens_for_is_announced() -> None:
    announced = {name for names in EVENTS.values() for name in names}
    assert set(HANDLED_EVENTS) - announced == NOT_OF_CARDS


def test_billing_reads_every_example(lived: LocalStripe) -> None:
    """Sessions of guests apart, each event that billing listens for names a customer."""
    for raw in objects(lived, "events?limit=100"):
        event = stripe_objects.event(raw)
        assert (event.id, event.type, event.created) == (raw["id"], raw["type"], raw["created"])
        if event.type in HANDLED_EVENTS and not event.type.startswith("checkout."):
            assert event.customer_id.startswith("cus_"), event
    for raw in objects(lived, "subscriptions?status=all&limit=100"):
        subscription = stripe_objects.subscription(raw)
        assert subscription.plan_id in ("starter", "professional")
        assert subscription.current_period_start < subscription.current_period_end


@pytest.mark.parametrize("version", [BASIL, ENDIVE])
def test_every_status_has_an_example_shaped_as_the_sdk_says(
    lived: LocalStripe, version: str
) -> None:
    subscriptions = objects(lived, "subscriptions?status=all&limit=100", version)
    assert {each["status"] for each in subscriptions} == set(STATUSES)
    invoices = objects(lived, "invoices?limit=100", version)
    long = {each["status"] for each in invoices if len(each["lines"]["data"]) > 1}
    assert long == {"draft", "open", "paid", "uncollectible", "void"}
    intents = objects(lived, "payment_intents?limit=100", version)
    assert {"canceled", "requires_action", "requires_payment_method", "succeeded"} <= {
        each["status"] for each in intents
    }
    charges = objects(lived, "charges?limit=100", version)
    assert {each["status"] for each in charges} == {"failed", "succeeded"}
    wrong: set[str] = set()
    for each in (*subscriptions, *invoices, *intents, *charges):
        at = f"{each['object']} {each['status']}"
        wrong |= set(differences(each, class_of(each), at, version))
    assert sorted(wrong) == []

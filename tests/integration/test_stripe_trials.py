"""Trials at the local Stripe: begun, moved, ended, with a card and without."""

import urllib.parse
from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import DAY, PROFESSIONAL, LocalStripe, fresh, local
from tests.integration.test_stripe_prorations import (
    MONTH,
    april,
    own_april,
    start_of,
    swap,
    types_of,
)

__all__ = ["april", "fresh", "local", "own_april"]


def trial_of(local: LocalStripe, days: int = 14, **more: Any) -> tuple[Any, Any]:
    return local.subscriber(subscription_data={"trial_period_days": days}, **more)


def update(local: LocalStripe, subscription: Any, **params: Any) -> Any:
    params["expand"] = ["latest_invoice"]
    return local.client().v1.subscriptions.update(subscription.id, params)  # type: ignore[arg-type]


def test_trial_ended_now_is_charged_now(april: LocalStripe) -> None:
    customer, trial = trial_of(april)
    known = len(types_of(april, customer.id))
    paid = update(april, trial, trial_end="now")
    assert (paid.status, paid.latest_invoice.amount_paid) == ("active", 2900)
    assert paid.trial_end == paid.billing_cycle_anchor == start_of(paid)
    assert paid["items"].data[0].current_period_end == start_of(paid) + MONTH
    types = types_of(april, customer.id)[known:]
    assert types[0] == "invoice.created"
    assert types[-2:] == ["customer.subscription.trial_will_end", "customer.subscription.updated"]


def test_trial_moved_warns_anew(own_april: LocalStripe) -> None:
    client = own_april.client()
    _, trial = trial_of(own_april, 5)
    own_april.advance(3 * DAY)
    client.v1.customers.list()
    assert types_of(own_april, trial.id).count("customer.subscription.trial_will_end") == 1
    end = int(trial.trial_end) + 10 * DAY
    longer = update(own_april, trial, trial_end=end)
    assert (longer.status, longer.trial_end, longer.billing_cycle_anchor) == ("trialing", end, end)
    assert longer["items"].data[0].current_period_end == end
    assert longer.latest_invoice.total == 0
    own_april.advance(10 * DAY)
    client.v1.customers.list()
    warnings = [
        event
        for event in own_april.events(trial.id)
        if event.type == "customer.subscription.trial_will_end"
    ]
    assert [event.created for event in warnings] == [trial.trial_end - 3 * DAY, end - 3 * DAY]


def test_a_short_trial_warns_at_once(local: LocalStripe) -> None:
    _, trial = trial_of(local, 2)
    assert types_of(local, trial.id) == [
        "customer.subscription.created",
        "customer.subscription.trial_will_end",
    ]


def test_plan_changes_in_a_trial_cost_nothing(april: LocalStripe) -> None:
    client = april.client()
    _, trial = trial_of(april)
    changed = update(
        april,
        trial,
        items=swap(trial, april.price(PROFESSIONAL)),
        proration_behavior="always_invoice",
    )
    assert (changed.status, changed.trial_end) == ("trialing", trial.trial_end)
    assert changed.latest_invoice.id == trial.latest_invoice
    assert client.v1.invoice_items.list({"customer": trial.customer}).data == []
    upcoming = client.v1.invoices.create_preview({"subscription": trial.id})
    assert upcoming.total == 9900


def test_a_trial_for_someone_who_pays(april: LocalStripe) -> None:
    _, subscription = april.subscriber()
    half = start_of(subscription) + MONTH // 2
    end = april.account.clock.now() + 20 * DAY
    trial = update(april, subscription, trial_end=end, proration_date=half)
    # half of 2900 comes back, and the trial costs nothing
    assert [line.amount for line in trial.latest_invoice.lines.data] == [-1450, 0]
    assert trial.latest_invoice.ending_balance == -1450
    assert (trial.status, trial.trial_end, trial.billing_cycle_anchor) == ("trialing", end, end)


@pytest.mark.parametrize(
    ("end", "message"), [(1_700_000_000, "in the future"), (4_000_000_000, "more than two years")]
)
def test_moments_that_no_trial_can_end(april: LocalStripe, end: int, message: str) -> None:
    _, trial = trial_of(april)
    with pytest.raises(stripe.InvalidRequestError, match=message) as wrong:
        update(april, trial, trial_end=end)
    assert wrong.value.param == "trial_end"
    with pytest.raises(stripe.APIError) as refused:
        update(april, trial, billing_cycle_anchor="now")
    assert refused.value.http_status == 501


def without_card(local: LocalStripe, behavior: str) -> Any:
    """An open session for a trial that asks for no card."""
    customer = local.client().v1.customers.create({"email": "nocard@example.com"})
    return local.checkout(
        customer.id,
        payment_method_collection="if_required",
        subscription_data={
            "trial_period_days": 7,
            "trial_settings": {"end_behavior": {"missing_payment_method": behavior}},
        },
    )


@pytest.mark.parametrize(
    ("behavior", "status", "event"),
    [
        ("cancel", "canceled", "customer.subscription.deleted"),
        ("pause", "paused", "customer.subscription.paused"),
        ("create_invoice", "past_due", "customer.subscription.updated"),
    ],
)
def test_checkout_without_a_card(
    fresh: LocalStripe, behavior: str, status: str, event: str
) -> None:
    client = fresh.client()
    session = without_card(fresh, behavior)
    done = fresh.pay(session.id, "none")
    assert (done["status"], done["session"]["payment_status"]) == (
        "complete",
        "no_payment_required",
    )
    trial = client.v1.subscriptions.retrieve(done["session"]["subscription"])
    assert (trial.status, trial.default_payment_method) == ("trialing", None)
    assert client.v1.payment_methods.list({"customer": session.customer}).data == []
    fresh.advance(8 * DAY)
    assert client.v1.subscriptions.retrieve(trial.id).status == status
    assert event in types_of(fresh, trial.id)


def test_a_session_that_asks_for_a_card_wants_one(local: LocalStripe) -> None:
    customer = local.client().v1.customers.create({"email": "card@example.com"})
    trial = local.checkout(customer.id, subscription_data={"trial_period_days": 7})
    paid = local.checkout(customer.id, payment_method_collection="if_required")
    for session in (trial, paid):
        assert "asks for a card" in local.pay(session.id, "none")["error"]["message"]


def test_the_page_asks_for_no_card(local: LocalStripe) -> None:
    session = without_card(local, "cancel")
    _, _, page = local.http("GET", f"/c/embed/{session.client_secret}")
    assert b'id="number"' not in page
    assert b"Start trial" in page
    status, _, text = local.http(
        "POST",
        f"/c/pay/{session.client_secret}",
        urllib.parse.urlencode({"email": "nocard@example.com"}).encode(),
        {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
    )
    assert (status, b'"complete"' in text) == (200, True)


def test_a_trial_cut_to_less_than_three_days_warns_at_once(fresh: LocalStripe) -> None:
    client = fresh.client()
    _, trial = fresh.subscriber(subscription_data={"trial_period_days": 30})
    fresh.advance(10 * DAY)
    moved = fresh.account.clock.now()
    client.v1.subscriptions.update(trial.id, {"trial_end": moved + DAY})
    client.v1.subscriptions.retrieve(trial.id)
    found = [each for each in fresh.events(trial.id) if each.type.startswith("customer.subscr")]
    assert [event.type for event in found][-2:] == [
        "customer.subscription.updated",
        "customer.subscription.trial_will_end",
    ]
    assert moved <= found[-2].created <= found[-1].created


def test_what_waited_for_a_card_ends_now_and_not_in_the_past(fresh: LocalStripe) -> None:
    client = fresh.client()
    paused = fresh.pay(without_card(fresh, "pause").id, "none")["session"]["subscription"]
    fresh.advance(40 * DAY)
    assert client.v1.subscriptions.retrieve(paused).status == "paused"
    asked = fresh.account.clock.now()
    client.v1.subscriptions.update(paused, {"cancel_at_period_end": True})
    ended = client.v1.subscriptions.retrieve(paused)
    assert (ended.status, (ended.ended_at or 0) >= asked) == ("canceled", True)

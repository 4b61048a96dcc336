"""Collection paused: what becomes of the invoices, and how it goes on."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import DAY, HOUR, PROFESSIONAL, LocalStripe, fresh

__all__ = ["fresh"]


def pause(local: LocalStripe, subscription: Any, pause_collection: Any) -> Any:
    params: Any = {"pause_collection": pause_collection}
    return local.client().v1.subscriptions.update(subscription.id, params)


def newest(local: LocalStripe, subscription: Any) -> Any:
    return local.client().v1.invoices.list({"subscription": subscription.id}).data[0]


HELD = ("invoice.created", "invoice.finalized", "invoice.updated")


def kinds(local: LocalStripe, about: str) -> list[str]:
    return [event.type for event in local.events(about)]


@pytest.mark.parametrize(
    ("behavior", "status", "events"),
    [
        ("keep_as_draft", "draft", ["invoice.created"]),
        (
            "mark_uncollectible",
            "uncollectible",
            [*HELD, "invoice.marked_uncollectible"],
        ),
        ("void", "void", [*HELD, "invoice.voided"]),
    ],
)
def test_what_becomes_of_a_paused_renewals_invoice(
    fresh: LocalStripe, behavior: str, status: str, events: list[str]
) -> None:
    customer, subscription = fresh.subscriber()
    paused = pause(fresh, subscription, {"behavior": behavior})
    assert paused.pause_collection.to_dict() == {"behavior": behavior, "resumes_at": None}
    told = fresh.events(subscription.id)[-1]
    assert told.data.previous_attributes.to_dict() == {"pause_collection": None}
    renewed = fresh.renew(subscription)
    invoice = newest(fresh, subscription)
    assert (renewed.status, renewed.latest_invoice) == ("active", invoice.id)
    assert (invoice.status, invoice.auto_advance) == (status, False)
    assert invoice.automatically_finalizes_at is None
    assert kinds(fresh, invoice.id) == events
    assert len(fresh.client().v1.charges.list({"customer": customer.id}).data) == 1


def test_a_void_invoice_spends_no_credit(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer, subscription = fresh.subscriber()
    client.v1.customers.balance_transactions.create(
        customer.id, {"amount": -1000, "currency": "usd"}
    )
    pause(fresh, subscription, {"behavior": "void"})
    fresh.renew(subscription)
    assert newest(fresh, subscription).amount_due == 2900
    assert client.v1.customers.retrieve(customer.id).balance == -1000


def test_it_goes_on_at_its_moment(fresh: LocalStripe) -> None:
    _, subscription = fresh.subscriber()
    end = subscription["items"].data[0].current_period_end
    paused = pause(fresh, subscription, {"behavior": "void", "resumes_at": end + 2 * DAY})
    assert paused.pause_collection.resumes_at == end + 2 * DAY
    assert newest(fresh, fresh.renew(subscription)).status == "void"
    fresh.advance(2 * DAY)
    resumed = fresh.client().v1.subscriptions.retrieve(subscription.id)
    assert resumed.pause_collection is None
    told = fresh.events(subscription.id)[-1]
    assert (told.type, told.created) == ("customer.subscription.updated", end + 2 * DAY)
    fresh.renew(subscription)
    assert newest(fresh, subscription).status == "paid"


def test_a_pause_that_ends_with_the_period_lets_the_renewal_be_paid(fresh: LocalStripe) -> None:
    _, subscription = fresh.subscriber()
    end = subscription["items"].data[0].current_period_end
    pause(fresh, subscription, {"behavior": "void", "resumes_at": end})
    fresh.renew(subscription)
    assert newest(fresh, subscription).status == "paid"


def test_an_empty_string_ends_it_and_drafts_wait_for_somebody(fresh: LocalStripe) -> None:
    client = fresh.client()
    _, subscription = fresh.subscriber()
    pause(fresh, subscription, {"behavior": "keep_as_draft"})
    fresh.renew(subscription)
    assert pause(fresh, subscription, "").pause_collection is None
    fresh.advance(2 * DAY)
    held = newest(fresh, subscription)
    assert held.status == "draft"
    assert client.v1.invoices.pay(held.id).status == "paid"
    fresh.renew(subscription)
    assert newest(fresh, subscription).status == "paid"


def test_what_was_owed_before_the_pause_is_still_collected(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer, subscription = fresh.subscriber()
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    assert fresh.renew(subscription).status == "past_due"
    pause(fresh, subscription, {"behavior": "void"})
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": good.id})
    fresh.advance(3 * DAY)
    assert newest(fresh, subscription).status == "paid"
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_a_change_of_plan_meanwhile_charges_nobody(fresh: LocalStripe) -> None:
    customer, subscription = fresh.subscriber()
    pause(fresh, subscription, {"behavior": "keep_as_draft"})
    change: Any = {
        "items": [{"id": subscription["items"].data[0].id, "price": fresh.price(PROFESSIONAL)}],
        "proration_behavior": "always_invoice",
    }
    client = fresh.client()
    assert client.v1.subscriptions.update(subscription.id, change).status == "active"
    assert newest(fresh, subscription).status == "draft"
    assert len(client.v1.charges.list({"customer": customer.id}).data) == 1


def test_a_paused_trial_without_a_card_does_not_become_paused(fresh: LocalStripe) -> None:
    """Subscriptions with paused collection can't move into `status=paused`."""
    client = fresh.client()
    customer = client.v1.customers.create()
    trial = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": fresh.price()}],
            "trial_period_days": 7,
            "trial_settings": {"end_behavior": {"missing_payment_method": "pause"}},
        }
    )
    pause(fresh, trial, {"behavior": "void"})
    fresh.advance(7 * DAY + HOUR)
    assert client.v1.subscriptions.retrieve(trial.id).status == "active"


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({"behavior": "void", "resumes_at": 1_700_000_000}, "pause_collection[resumes_at]"),
        ({"behavior": "forgive"}, "pause_collection[behavior]"),
        ({"resumes_at": 4_000_000_000}, "pause_collection[behavior]"),
    ],
)
def test_a_pause_that_makes_no_sense_is_refused(
    fresh: LocalStripe, wanted: Any, param: str
) -> None:
    _, subscription = fresh.subscriber()
    with pytest.raises(stripe.InvalidRequestError) as wrong:
        pause(fresh, subscription, wanted)
    assert wrong.value.param == param


def test_an_invoice_over_nothing_is_paid_and_not_written_off(fresh: LocalStripe) -> None:
    customer, subscription = fresh.subscriber()
    fresh.client().v1.customers.update(customer.id, {"balance": -10000})
    pause(fresh, subscription, {"behavior": "mark_uncollectible"})
    fresh.renew(subscription)
    invoice = newest(fresh, subscription)
    assert (invoice.status, invoice.amount_due, invoice.ending_balance) == ("paid", 0, -7100)

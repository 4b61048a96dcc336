"""Renewals that fail: retries by the account's schedule, what follows, and recovery."""

import json
from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import DAY, HOUR, LocalStripe, fresh

__all__ = ["fresh"]


def move(local: LocalStripe, seconds: int) -> None:
    status, _, text = local.http("POST", "/_local/clock", json.dumps({"by": seconds}).encode())
    assert status == 200, text


def schedule(local: LocalStripe, **body: Any) -> tuple[int, Any]:
    status, _, text = local.http("POST", "/_local/retries", json.dumps(body).encode())
    return status, json.loads(text)


def renewed(local: LocalStripe, card: str = "pm_card_chargeCustomerFail") -> tuple[Any, Any]:
    """A customer and subscription whose first renewal has just been refused."""
    client = local.client()
    customer, subscription = local.subscriber()
    bad = client.v1.payment_methods.attach(card, {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    return customer, local.renew(subscription)


def invoice_of(local: LocalStripe, subscription: Any) -> Any:
    client = local.client()
    newest = client.v1.subscriptions.retrieve(subscription.id).latest_invoice
    return client.v1.invoices.retrieve(str(newest))


def named(local: LocalStripe, customer: Any, kind: str) -> list[Any]:
    return [event for event in local.events(customer.id) if event.type == kind]


def test_retries_follow_the_schedule_and_then_it_is_cancelled(fresh: LocalStripe) -> None:
    customer, subscription = renewed(fresh)
    due = subscription["items"].data[0].current_period_start + HOUR
    invoice = invoice_of(fresh, subscription)
    assert (subscription.status, invoice.status, invoice.attempt_count) == ("past_due", "open", 1)
    assert (invoice.next_payment_attempt, invoice.auto_advance) == (due + 3 * DAY, True)
    move(fresh, 20 * DAY)
    failed = named(fresh, customer, "invoice.payment_failed")
    assert [(e.created - due) // DAY for e in failed] == [0, 3, 8, 15]
    told = [(e.data.object["attempt_count"], e.data.object["next_payment_attempt"]) for e in failed]
    assert told == [(1, due + 3 * DAY), (2, due + 8 * DAY), (3, due + 15 * DAY), (4, None)]
    ended = fresh.client().v1.subscriptions.retrieve(subscription.id)
    assert (ended.status, ended.ended_at) == ("canceled", due + 15 * DAY)
    assert ended.cancellation_details is not None
    assert ended.cancellation_details.reason == "payment_failed"
    invoice = invoice_of(fresh, subscription)
    assert (invoice.status, invoice.auto_advance) == ("open", False)
    assert [e.type for e in fresh.events(customer.id)][-1] == "customer.subscription.deleted"


def test_a_later_invoice_that_is_void_does_not_decide(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer, subscription = fresh.subscriber()
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    item = subscription["items"].data[0]
    move(fresh, item.current_period_end - fresh.account.clock.now())
    more: Any = {
        "items": [{"id": item.id, "quantity": 3}],
        "pause_collection": {"behavior": "void"},
        "proration_behavior": "always_invoice",
    }
    client.v1.subscriptions.update(subscription.id, more)
    assert invoice_of(fresh, subscription).status == "void"
    move(fresh, HOUR)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "past_due"
    assert client.v1.customers.retrieve(customer.id).delinquent is True


def test_collecting_goes_on_after_a_cancellation_if_asked_for(fresh: LocalStripe) -> None:
    customer, subscription = renewed(fresh)
    client = fresh.client()
    client.v1.subscriptions.cancel(subscription.id)
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    anew: Any = {"auto_advance": True, "default_payment_method": good.id}
    owed = invoice_of(fresh, subscription)
    client.v1.invoices.update(owed.id, anew)
    assert client.v1.customers.retrieve(customer.id).delinquent is True
    move(fresh, HOUR)
    assert invoice_of(fresh, subscription).status == "paid"
    assert client.v1.customers.retrieve(customer.id).delinquent is False
    assert client.v1.subscriptions.retrieve(subscription.id).status == "canceled"


def test_each_attempt_is_announced_as_a_change_too(fresh: LocalStripe) -> None:
    customer, subscription = renewed(fresh)
    due = subscription["items"].data[0].current_period_start + HOUR
    move(fresh, 4 * DAY)
    client = fresh.client()
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    owed = invoice_of(fresh, subscription)
    client.v1.invoices.pay(owed.id, {"payment_method": good.id})
    told = [event for event in fresh.events(owed.id) if event.type == "invoice.updated"]
    before = [event.data.previous_attributes.to_dict() for event in told]
    count, plan = "attempt_count", "next_payment_attempt"
    assert {name: before[0][name] for name in ("attempted", count)} == {
        "attempted": False,
        count: 0,
    }
    assert before[1] == {count: 1, plan: due + 3 * DAY}
    assert {name: before[2][name] for name in ("status", plan)} == {
        "status": "open",
        plan: due + 8 * DAY,
    }
    assert len(told) == 3


def test_the_account_may_mark_it_unpaid_instead(fresh: LocalStripe) -> None:
    assert schedule(fresh, days=[1], then="unpaid") == (200, {"days": [1], "then": "unpaid"})
    customer, subscription = renewed(fresh)
    move(fresh, 2 * DAY)
    client = fresh.client()
    assert client.v1.subscriptions.retrieve(subscription.id).status == "unpaid"
    owed = invoice_of(fresh, subscription)
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    assert client.v1.invoices.pay(owed.id, {"payment_method": good.id}).status == "paid"
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"


def test_an_unpaid_subscription_gets_drafts_that_nobody_charges(fresh: LocalStripe) -> None:
    schedule(fresh, days=[1], then="unpaid")
    customer, subscription = renewed(fresh)
    move(fresh, 40 * DAY)
    later = invoice_of(fresh, subscription)
    assert (later.status, later.number, later.attempt_count) == ("draft", None, 0)
    assert later.billing_reason == "subscription_cycle"
    assert len(named(fresh, customer, "invoice.payment_failed")) == 2
    assert fresh.client().v1.subscriptions.retrieve(subscription.id).status == "unpaid"


def test_paying_the_newest_draft_brings_an_unpaid_subscription_back(fresh: LocalStripe) -> None:
    schedule(fresh, days=[1], then="unpaid")
    customer, subscription = renewed(fresh)
    client = fresh.client()
    owed = invoice_of(fresh, subscription)
    move(fresh, 40 * DAY)
    draft = invoice_of(fresh, subscription)
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    client.v1.invoices.pay(owed.id, {"payment_method": good.id})
    assert client.v1.subscriptions.retrieve(subscription.id).status == "unpaid", "not the newest"
    opened = client.v1.invoices.finalize_invoice(draft.id)
    assert (opened.status, opened.auto_advance) == ("open", False)
    client.v1.invoices.pay(draft.id, {"payment_method": good.id})
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"
    told = named(fresh, customer, "customer.subscription.updated")[-1]
    assert told.data.previous_attributes.to_dict() == {"status": "unpaid"}
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": good.id})
    assert fresh.renew(subscription).status == "active"
    assert invoice_of(fresh, subscription).status == "paid"


def test_a_draft_that_waits_when_it_becomes_unpaid_is_not_charged(fresh: LocalStripe) -> None:
    """The only retry, a week after the attempt, is due when the next week's draft is."""
    schedule(fresh, days=[7], then="unpaid")
    client = fresh.client()
    product = client.v1.prices.retrieve(fresh.price()).product
    weekly: Any = {"product": product, "currency": "usd", "unit_amount": 900}
    price = client.v1.prices.create({**weekly, "recurring": {"interval": "week"}})
    customer, subscription = fresh.subscriber(line_items=[{"price": price.id, "quantity": 1}])
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    assert fresh.renew(subscription).status == "past_due"
    assert fresh.renew(subscription).status == "unpaid"
    draft = invoice_of(fresh, subscription)
    assert (draft.status, draft.auto_advance) == ("draft", False)
    assert draft.automatically_finalizes_at is None


def test_the_account_may_leave_it_past_due(fresh: LocalStripe) -> None:
    schedule(fresh, days=[], then="past_due")
    customer, subscription = renewed(fresh)
    assert invoice_of(fresh, subscription).next_payment_attempt is None
    move(fresh, 40 * DAY)
    assert fresh.client().v1.subscriptions.retrieve(subscription.id).status == "past_due"
    assert len(named(fresh, customer, "invoice.payment_failed")) == 2, "the next renewal is tried"


def test_a_schedule_without_retries_gives_up_at_once(fresh: LocalStripe) -> None:
    schedule(fresh, days=[])
    _, subscription = renewed(fresh)
    move(fresh, 1)
    ended = fresh.client().v1.subscriptions.retrieve(subscription.id)
    assert ended.status == "canceled"
    assert invoice_of(fresh, ended).attempt_count == 1


def test_a_new_default_card_pays_at_the_next_retry(fresh: LocalStripe) -> None:
    customer, subscription = renewed(fresh)
    client = fresh.client()
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": good.id})
    assert invoice_of(fresh, subscription).status == "open", "nothing is charged before the retry"
    move(fresh, 3 * DAY)
    paid = invoice_of(fresh, subscription)
    assert (paid.status, paid.attempt_count, paid.next_payment_attempt) == ("paid", 2, None)
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert client.v1.customers.retrieve(customer.id).delinquent is False


def test_an_attempt_by_hand_does_not_move_the_schedule(fresh: LocalStripe) -> None:
    _, subscription = renewed(fresh)
    before = invoice_of(fresh, subscription)
    with pytest.raises(stripe.CardError):
        fresh.client().v1.invoices.pay(before.id)
    after = invoice_of(fresh, subscription)
    assert after.attempt_count == before.attempt_count == 1
    assert after.next_payment_attempt == before.next_payment_attempt


def test_a_lost_card_is_not_tried_again_but_its_retries_are_counted(fresh: LocalStripe) -> None:
    customer, subscription = renewed(fresh)
    # The bank reports the card as lost at the first retry.
    charges = len(fresh.client().v1.charges.list({"customer": customer.id}).data)
    _lose_card(fresh, subscription.default_payment_method)
    move(fresh, 3 * DAY)
    assert len(fresh.client().v1.charges.list({"customer": customer.id}).data) == charges + 1
    move(fresh, 5 * DAY)
    assert len(fresh.client().v1.charges.list({"customer": customer.id}).data) == charges + 1
    invoice = invoice_of(fresh, subscription)
    assert invoice.attempt_count == 3
    newest = named(fresh, customer, "invoice.updated")[-1]
    assert newest.data.previous_attributes["attempt_count"] == 2


def _lose_card(local: LocalStripe, method: str) -> None:
    from localcloud.stripe.store import Store

    store = Store(local.config.state_dir / "stripe.sqlite")
    found = store.get("payment_method", method)
    assert found is not None
    store.put({**found, "_number": "4000000000009987"})
    store.close()


def test_3d_secure_on_renewal_waits_for_the_customer(fresh: LocalStripe) -> None:
    customer, subscription = renewed(fresh, "pm_card_authenticationRequired")
    kinds = [e.type for e in fresh.events(customer.id) if e.created >= subscription.created + DAY]
    failed, action = map(kinds.index, ("invoice.payment_failed", "invoice.payment_action_required"))
    assert failed < action
    assert kinds.index("payment_intent.requires_action") < failed
    client = fresh.client()
    intent = client.v1.payment_intents.list({"customer": customer.id, "limit": 1}).data[0]
    assert (subscription.status, intent.status) == ("past_due", "requires_action")
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    owed = invoice_of(fresh, subscription)
    assert client.v1.invoices.pay(owed.id, {"payment_method": good.id}).status == "paid"
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "Send"),
        ({"days": [0]}, "days"),
        ({"days": "3"}, "days"),
        ({"days": [1.5]}, "days"),
        ({"days": [1] * 9}, "days"),
        ({"then": "forgive"}, "then"),
        ({"after": 3}, "Send"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(
    fresh: LocalStripe, body: dict[str, Any], word: str
) -> None:
    status, answer = schedule(fresh, **body)
    assert (status, word in answer["error"]["message"]) == (400, True)
    assert fresh.control("/_local/retries") == {"days": [3, 5, 7], "then": "cancel"}

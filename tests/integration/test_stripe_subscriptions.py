"""The life of a subscription at the local Stripe, by API and time."""

from typing import Any

import pytest
import stripe

from localcloud.stripe.periods import shift
from tests.integration.stripe_fixtures import (
    DAY,
    PROFESSIONAL,
    LocalStripe,
    fresh,
    local,
)

__all__ = ["fresh", "local"]
MONTH_AND_MORE = 32 * DAY


def with_card(local: LocalStripe, name: str = "pm_card_visa") -> tuple[Any, Any]:
    """A customer whose default is that test card."""
    client = local.client()
    customer = client.v1.customers.create({"email": "card@example.com"})
    method = client.v1.payment_methods.attach(name, {"customer": customer.id})
    client.v1.customers.update(
        customer.id, {"invoice_settings": {"default_payment_method": method.id}}
    )
    return customer, method


def subscribe(local: LocalStripe, customer: str, **more: Any) -> Any:
    params: Any = {"customer": customer, "items": [{"price": local.price()}], **more}
    return local.client().v1.subscriptions.create(params)


def types_of(local: LocalStripe, about: str) -> list[str]:
    return [event.type for event in local.events(about)]


def test_cancel_now(local: LocalStripe) -> None:
    client = local.client()
    _, subscription = local.subscriber()
    details: Any = {"cancellation_details": {"feedback": "too_expensive", "comment": "sorry"}}
    ended = client.v1.subscriptions.cancel(subscription.id, details)
    assert ended.status == "canceled"
    assert ended.canceled_at == ended.ended_at
    assert ended.ended_at is not None
    assert ended.cancellation_details is not None
    assert ended.cancellation_details.to_dict() == {
        "comment": "sorry",
        "feedback": "too_expensive",
        "reason": "cancellation_requested",
    }
    assert types_of(local, subscription.id)[-1] == "customer.subscription.deleted"
    with pytest.raises(stripe.InvalidRequestError, match="No such subscription") as gone:
        client.v1.subscriptions.cancel(subscription.id)
    assert gone.value.http_status == 404
    with pytest.raises(stripe.InvalidRequestError, match="A canceled subscription can only"):
        client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert client.v1.subscriptions.retrieve(subscription.id).status == "canceled"


def test_cancel_at_period_end_and_back(local: LocalStripe) -> None:
    client = local.client()
    _, subscription = local.subscriber()
    end = subscription["items"].data[0].current_period_end
    ending = client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    assert (ending.status, ending.cancel_at_period_end) == ("active", True)
    assert ending.cancel_at == end
    assert ending.canceled_at is not None
    event = local.events(subscription.id)[-1]
    assert event.type == "customer.subscription.updated"
    assert event.data.previous_attributes.to_dict() == {
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"reason": None},
    }
    kept = client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    assert (kept.cancel_at_period_end, kept.cancel_at, kept.canceled_at) == (False, None, None)


def test_cancel_at_is_a_periods_end_or_shortens_one_without_prorations(local: LocalStripe) -> None:
    v1 = local.client().v1
    _, subscription = local.subscriber()
    anchor = subscription.billing_cycle_anchor
    end = subscription["items"].data[0].current_period_end
    for moment in (end, shift(anchor, "month", 5)):
        assert v1.subscriptions.update(subscription.id, {"cancel_at": moment}).cancel_at == moment
    soon: Any = {"cancel_at": anchor + DAY, "proration_behavior": "none"}
    assert v1.subscriptions.update(subscription.id, soon).cancel_at == anchor + DAY
    for moment, what in ((anchor + DAY, "before the period's end"), (end + DAY, "within a later")):
        with pytest.raises(stripe.StripeError, match=f"cancel_at {what}") as refused:
            v1.subscriptions.update(subscription.id, {"cancel_at": moment})
        assert refused.value.http_status == 501
    assert v1.subscriptions.update(subscription.id, {"cancel_at": ""}).cancel_at is None


def test_cancel_at_within_a_trial_costs_nothing(local: LocalStripe) -> None:
    v1 = local.client().v1
    _, subscription = local.subscriber(subscription_data={"trial_period_days": 10})
    soon = subscription.created + DAY
    ending = v1.subscriptions.update(subscription.id, {"cancel_at": soon})
    assert (ending.status, ending.cancel_at) == ("trialing", soon)


def test_period_end_ends_a_cancelled_subscription(fresh: LocalStripe) -> None:
    _, subscription = fresh.subscriber()
    end = subscription["items"].data[0].current_period_end
    fresh.client().v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    fresh.advance(MONTH_AND_MORE)
    ended = fresh.client().v1.subscriptions.retrieve(subscription.id)
    assert (ended.status, ended.ended_at) == ("canceled", end)
    assert ended.canceled_at is not None
    assert ended.canceled_at < end
    event = fresh.events(subscription.id)[-1]
    assert (event.type, event.created) == ("customer.subscription.deleted", end)
    assert event.request.id is None


def test_deadlines_pass_without_a_request(fresh: LocalStripe) -> None:
    from tests.integration.stripe_fixtures import until

    _, subscription = fresh.subscriber()
    fresh.client().v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    fresh.advance(MONTH_AND_MORE)
    newest = until(lambda: _ended(fresh, subscription.id))
    assert newest["type"] == "customer.subscription.deleted"


def _ended(local: LocalStripe, identifier: str) -> Any:
    newest = local.control("/_local/events")[0]  # does not run deadlines itself
    return newest if newest["data"]["object"].get("ended_at") else None


def test_renewal_is_paid_by_the_saved_card(fresh: LocalStripe) -> None:
    client = fresh.client()
    _, subscription = fresh.subscriber()
    first_end = subscription["items"].data[0].current_period_end
    fresh.advance(MONTH_AND_MORE)
    renewed = client.v1.subscriptions.retrieve(subscription.id)
    assert renewed.status == "active"
    assert renewed["items"].data[0].current_period_start == first_end
    assert renewed["items"].data[0].current_period_end > first_end + 27 * DAY
    invoices = client.v1.invoices.list({"subscription": subscription.id}).data
    assert [i.billing_reason for i in invoices] == ["subscription_cycle", "subscription_create"]
    assert [i.status for i in invoices] == ["paid", "paid"]
    assert invoices[0].lines.data[0].period.start == first_end
    assert len({i.number for i in invoices}) == 2
    event = fresh.events(subscription.id)[-1]
    assert event.type == "customer.subscription.updated"
    assert set(event.data.previous_attributes.to_dict()) == {"items", "latest_invoice"}


def test_long_sleep_renews_every_period(fresh: LocalStripe) -> None:
    _, subscription = fresh.subscriber()
    fresh.advance(366 * DAY)
    invoices = fresh.client().v1.invoices.list({"subscription": subscription.id, "limit": 100})
    assert len(invoices.data) == 13
    starts = [invoice.period_start for invoice in invoices.data[:-1]]
    assert starts == sorted(starts, reverse=True)


def test_failed_renewal_is_past_due_until_paid(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer, subscription = fresh.subscriber()
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    fresh.advance(MONTH_AND_MORE)
    late = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert late.status == "past_due"
    assert (late.latest_invoice.status, late.latest_invoice.amount_remaining) == ("open", 2900)  # type: ignore[union-attr]
    assert client.v1.customers.retrieve(customer.id).delinquent is True
    assert "invoice.payment_failed" in types_of(fresh, customer.id)
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    with pytest.raises(stripe.CardError):
        client.v1.invoices.pay(str(late.latest_invoice.id))  # type: ignore[union-attr]
    paid = client.v1.invoices.pay(
        str(late.latest_invoice.id),
        {"payment_method": good.id},  # type: ignore[union-attr]
    )
    assert paid.status == "paid"
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"
    assert client.v1.customers.retrieve(customer.id).delinquent is False


def test_a_card_set_up_with_3d_secure_renews(fresh: LocalStripe) -> None:
    client = fresh.client()
    found = {}
    for number in ("4000002500003155", "4000002760003184"):
        customer = client.v1.customers.create({"email": "3ds@example.com"})
        session = fresh.checkout(customer.id)
        done = fresh.pay(session.id, number, authentication="complete")["session"]
        found[number] = done["subscription"]
    fresh.advance(MONTH_AND_MORE)
    status = {n: client.v1.subscriptions.retrieve(s).status for n, s in found.items()}
    assert status == {"4000002500003155": "active", "4000002760003184": "past_due"}


def test_create_charges_the_default_card(local: LocalStripe) -> None:
    customer, _ = with_card(local)
    subscription = subscribe(
        local, customer.id, metadata={"plan": "starter"}, expand=["latest_invoice"]
    )
    assert subscription.status == "active"
    assert subscription.latest_invoice.status == "paid"
    assert subscription.metadata["plan"] == "starter"
    assert subscription["items"].data[0].quantity == 1


def test_create_needs_a_card(local: LocalStripe) -> None:
    customer = local.client().v1.customers.create()
    with pytest.raises(stripe.InvalidRequestError, match="no attached payment source"):
        subscribe(local, customer.id)
    assert local.client().v1.subscriptions.list({"customer": customer.id}).data == []


def test_create_with_a_declining_card(local: LocalStripe) -> None:
    customer, _ = with_card(local, "pm_card_chargeCustomerFail")
    incomplete = subscribe(local, customer.id, expand=["latest_invoice.confirmation_secret"])
    assert incomplete.status == "incomplete"
    assert incomplete.latest_invoice.status == "open"
    assert incomplete.latest_invoice.confirmation_secret.client_secret.startswith("pi_")
    with pytest.raises(stripe.CardError) as declined:
        subscribe(local, customer.id, payment_behavior="error_if_incomplete")
    assert declined.value.http_status == 402
    found = local.client().v1.subscriptions.list({"customer": customer.id, "status": "all"})
    assert [s.id for s in found.data] == [incomplete.id]


def test_incomplete_expires_after_23_hours(fresh: LocalStripe) -> None:
    customer, _ = with_card(fresh, "pm_card_chargeCustomerFail")
    incomplete = subscribe(fresh, customer.id)
    fresh.advance(23 * 3600 + 1)
    found = fresh.client().v1.subscriptions.retrieve(incomplete.id, {"expand": ["latest_invoice"]})
    assert found.status == "incomplete_expired"
    assert found.latest_invoice.status == "void"  # type: ignore[union-attr]
    intent = fresh.client().v1.payment_intents.list({"customer": customer.id}).data[0]
    assert (intent.status, intent.cancellation_reason) == ("canceled", "void_invoice")
    with pytest.raises(stripe.InvalidRequestError, match="status of canceled"):
        fresh.client().v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})


def test_one_customer_may_have_many(local: LocalStripe) -> None:
    customer, _ = with_card(local)
    made = {subscribe(local, customer.id).id for _ in range(3)}
    listed = local.client().v1.subscriptions.list({"customer": customer.id}).data
    assert {s.id for s in listed} == made


def test_trial_ends_with_a_charge(fresh: LocalStripe) -> None:
    customer, _ = with_card(fresh)
    trial = subscribe(fresh, customer.id, trial_period_days=7)
    assert trial.status == "trialing"
    fresh.advance(5 * DAY)
    fresh.client().v1.customers.list()
    assert "customer.subscription.trial_will_end" in types_of(fresh, trial.id)
    fresh.renew(trial)
    active = fresh.client().v1.subscriptions.retrieve(trial.id, {"expand": ["latest_invoice"]})
    assert active.status == "active"
    assert active.latest_invoice.amount_paid == 2900  # type: ignore[union-attr]
    assert active["items"].data[0].current_period_start == trial.trial_end


@pytest.mark.parametrize(
    ("behavior", "status"), [("pause", "paused"), ("cancel", "canceled"), (None, "past_due")]
)
def test_trial_without_a_card(fresh: LocalStripe, behavior: str | None, status: str) -> None:
    customer = fresh.client().v1.customers.create()
    more = {"trial_settings": {"end_behavior": {"missing_payment_method": behavior}}}
    trial = subscribe(fresh, customer.id, trial_period_days=7, **(more if behavior else {}))
    fresh.advance(8 * DAY)
    found = fresh.client().v1.subscriptions.retrieve(trial.id)
    assert found.status == status


def test_pause_and_resume(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer = client.v1.customers.create()
    more = {"trial_settings": {"end_behavior": {"missing_payment_method": "pause"}}}
    trial = subscribe(fresh, customer.id, trial_period_days=7, **more)
    with pytest.raises(stripe.InvalidRequestError, match="only resume subscriptions"):
        client.v1.subscriptions.resume(trial.id)
    fresh.advance(8 * DAY)
    assert client.v1.subscriptions.retrieve(trial.id).status == "paused"
    assert "customer.subscription.paused" in types_of(fresh, trial.id)
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    client.v1.subscriptions.update(trial.id, {"default_payment_method": method.id})
    resumed = client.v1.subscriptions.resume(trial.id)
    assert resumed.status == "active"
    assert resumed["items"].data[0].current_period_end > fresh.account.clock.now() + 27 * DAY
    assert types_of(fresh, trial.id)[-2:] == [
        "customer.subscription.updated",
        "customer.subscription.resumed",
    ]


@pytest.mark.parametrize("settled", ["pay", "mark_uncollectible"])
def test_resuming_waits_for_its_invoice(fresh: LocalStripe, settled: str) -> None:
    client = fresh.client()
    customer = client.v1.customers.create()
    more = {"trial_settings": {"end_behavior": {"missing_payment_method": "pause"}}}
    trial = subscribe(fresh, customer.id, trial_period_days=7, **more)
    fresh.advance(8 * DAY)
    waiting = client.v1.subscriptions.resume(trial.id)
    assert waiting.status == "paused"
    invoice = str(waiting.latest_invoice)
    if settled == "pay":
        card = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        client.v1.invoices.pay(invoice, {"payment_method": card.id})
    else:
        client.v1.invoices.mark_uncollectible(invoice)
    assert client.v1.subscriptions.retrieve(trial.id).status == "active"
    assert types_of(fresh, trial.id)[-2:] == [
        "customer.subscription.updated",
        "customer.subscription.resumed",
    ]


def test_price_change_without_proration(local: LocalStripe) -> None:
    client = local.client()
    _, subscription = local.subscriber()
    item = subscription["items"].data[0].id
    new = local.price(PROFESSIONAL)
    change: Any = {"items": [{"id": item, "price": new}], "proration_behavior": "none"}
    changed = client.v1.subscriptions.update(subscription.id, change)
    assert changed["items"].data[0].price.id == new
    assert changed["items"].data[0].id == item
    before = local.events(subscription.id)[-1].data.previous_attributes.to_dict()
    assert before["items"]["data"][0]["price"]["id"] == local.price()
    found = client.v1.subscription_items.list({"subscription": subscription.id}).data
    assert [each.price.id for each in found] == [new]
    listed = client.v1.subscriptions.list({"price": new, "limit": 100}).data
    assert subscription.id in [each.id for each in listed]
    assert client.v1.invoice_items.list({"customer": subscription.customer}).data == []
    assert changed.latest_invoice == subscription.latest_invoice


def test_metadata_merges_and_unsets(local: LocalStripe) -> None:
    client = local.client()
    _, subscription = local.subscriber()
    update = client.v1.subscriptions.update
    update(subscription.id, {"metadata": {"a": "1", "b": "2"}})
    assert update(subscription.id, {"metadata": {"b": ""}}).metadata.to_dict() == {"a": "1"}
    assert update(subscription.id, {"metadata": ""}).metadata.to_dict() == {}
    before = len(local.events(subscription.id))
    update(subscription.id, {"metadata": ""})
    assert len(local.events(subscription.id)) == before

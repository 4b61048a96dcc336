"""Changes of plan that wait until they are paid for."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import (
    BASIL,
    DAY,
    HOUR,
    PROFESSIONAL,
    LocalStripe,
    fresh,
    local,
)
from tests.integration.stripe_shapes import differences

__all__ = ["fresh", "local"]
HOURS = 23 * 3600


def upgrade(server: LocalStripe, subscription: Any, **more: Any) -> Any:
    params: Any = {
        "items": [{"id": subscription["items"].data[0].id, "price": server.price(PROFESSIONAL)}],
        "payment_behavior": "pending_if_incomplete",
        "proration_behavior": "always_invoice",
        "expand": ["latest_invoice"],
        **more,
    }
    return server.client().v1.subscriptions.update(subscription.id, params)


def refused(server: LocalStripe, card: str = "pm_card_chargeCustomerFail", **more: Any) -> Any:
    """A subscription whose upgrade waits, because its card did not pay."""
    client = server.client()
    customer, subscription = server.subscriber()
    method = client.v1.payment_methods.attach(card, {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": method.id})
    return upgrade(server, subscription, **more)


def current(server: LocalStripe, subscription: Any) -> Any:
    return server.client().v1.subscriptions.retrieve(subscription.id)


def price_of(subscription: Any) -> int:
    return int(subscription["items"].data[0].price.unit_amount)


def tail(server: LocalStripe, about: str, count: int) -> list[str]:
    return [event.type for event in server.events(about)][-count:]


def pay(server: LocalStripe, waiting: Any) -> None:
    client = server.client()
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": waiting.customer})
    client.v1.invoices.pay(waiting.latest_invoice.id, {"payment_method": good.id})


def test_what_can_be_paid_is_changed_at_once(local: LocalStripe) -> None:
    _, subscription = local.subscriber()
    changed = upgrade(local, subscription)
    assert (price_of(changed), changed.status, changed.pending_update) == (9900, "active", None)
    assert changed.latest_invoice.status == "paid"


def test_what_costs_nothing_now_is_changed_at_once(local: LocalStripe) -> None:
    changed = refused(local, proration_behavior="create_prorations")
    assert (price_of(changed), changed.pending_update) == (9900, None)


def test_what_is_refused_waits(local: LocalStripe) -> None:
    waiting = refused(local)
    assert (price_of(waiting), waiting.status) == (2900, "active")
    invoice = waiting.latest_invoice
    assert (invoice.status, invoice.auto_advance, invoice.attempt_count) == ("open", False, 1)
    pending = waiting.pending_update
    assert [price.unit_amount for price in (i.price for i in pending.subscription_items)] == [9900]
    assert abs(pending.expires_at - local.account.clock.now() - HOURS) < 5
    assert (pending.billing_cycle_anchor, pending.trial_end) == (None, None)
    told = local.events(waiting.id)[-1]
    assert told.type == "customer.subscription.updated"
    assert set(told.data.previous_attributes.to_dict()) == {"latest_invoice", "pending_update"}
    plain = waiting.to_dict()
    assert list(differences(plain, stripe.Subscription, "subscription", BASIL)) == []


def test_it_is_applied_once_it_is_paid(local: LocalStripe) -> None:
    waiting = refused(local)
    item = waiting["items"].data[0].id
    pay(local, waiting)
    changed = current(local, waiting)
    assert (price_of(changed), changed.status, changed.pending_update) == (9900, "active", None)
    assert changed["items"].data[0].id == item
    assert tail(local, waiting.id, 2) == [
        "customer.subscription.pending_update_applied",
        "customer.subscription.updated",
    ]
    previous = local.events(waiting.id)[-1].data.previous_attributes.to_dict()
    assert set(previous) == {"items", "pending_update"}


def test_paid_for_the_customer_is_delinquent_no_more(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer, subscription = fresh.subscriber()
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    assert fresh.renew(subscription).status == "past_due"
    waiting = upgrade(fresh, subscription)
    assert client.v1.customers.retrieve(customer.id).delinquent is True
    pay(fresh, waiting)
    assert current(fresh, waiting).status == "active"
    assert client.v1.customers.retrieve(customer.id).delinquent is False


def test_its_invoice_does_not_decide_about_the_subscription(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer, subscription = fresh.subscriber()
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    end = subscription["items"].data[0].current_period_end
    fresh.advance(end - fresh.account.clock.now())
    renewal = current(fresh, subscription).latest_invoice
    waiting = upgrade(fresh, subscription)
    assert waiting.pending_update
    fresh.advance(HOUR)
    assert current(fresh, subscription).status == "past_due"
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    client.v1.invoices.pay(renewal, {"payment_method": good.id})
    paid = current(fresh, subscription)
    assert (paid.status, price_of(paid), bool(paid.pending_update)) == ("active", 2900, True)


def test_3d_secure_applies_it_too(local: LocalStripe) -> None:
    waiting = refused(local, "pm_card_authenticationRequired")
    assert waiting.pending_update
    body = {"invoice": waiting.latest_invoice.id, "authentication": "complete"}
    assert local.control("/_local/pay", body)["status"] == "complete"
    assert price_of(current(local, waiting)) == 9900


def test_a_new_item_is_there_once_it_is_paid(local: LocalStripe) -> None:
    waiting = refused(local, items=[{"price": local.price(PROFESSIONAL), "quantity": 2}])
    assert len(waiting["items"].data) == 1
    pay(local, waiting)
    added = current(local, waiting)["items"].data
    assert [(item.price.unit_amount, item.quantity) for item in added] == [(2900, 1), (9900, 2)]


def test_a_new_billing_cycle_begins_when_it_was_asked_for(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer, subscription = fresh.subscriber()
    fresh.advance(10 * DAY)
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    waiting = upgrade(fresh, subscription, billing_cycle_anchor="now")
    asked = fresh.account.clock.now()
    assert waiting.billing_cycle_anchor == subscription.billing_cycle_anchor
    assert abs(waiting.pending_update.billing_cycle_anchor - asked) < 5
    fresh.advance(3600)
    pay(fresh, waiting)
    changed = current(fresh, waiting)
    assert changed.billing_cycle_anchor == waiting.pending_update.billing_cycle_anchor
    assert changed["items"].data[0].current_period_start == changed.billing_cycle_anchor
    assert fresh.renew(changed).status == "past_due", "the card on file is still the bad one"


def test_it_expires_after_23_hours(fresh: LocalStripe) -> None:
    waiting = refused(fresh)
    fresh.advance(HOURS + 1)
    dropped = current(fresh, waiting)
    assert (price_of(dropped), dropped.status, dropped.pending_update) == (2900, "active", None)
    invoice = fresh.client().v1.invoices.retrieve(waiting.latest_invoice.id)
    assert invoice.status == "void"
    told = fresh.events(waiting.id)[-2]
    assert told.type == "customer.subscription.pending_update_expired"
    assert told.created == waiting.pending_update.expires_at
    assert tail(fresh, waiting.id, 1) == ["customer.subscription.updated"]


def test_a_period_that_ends_sooner_ends_it(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer, subscription = fresh.subscriber()
    end = subscription["items"].data[0].current_period_end
    fresh.advance(end - fresh.account.clock.now() - 3600)
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    item = subscription["items"].data[0].id
    waiting = upgrade(fresh, subscription, items=[{"id": item, "quantity": 100}])
    assert waiting.pending_update.expires_at == end
    fresh.advance(3600)
    renewed = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert renewed.pending_update is None
    assert renewed["items"].data[0].current_period_start == end
    latest: Any = renewed.latest_invoice
    assert (latest.billing_reason, latest.total) == ("subscription_cycle", 2900)


def test_voiding_its_invoice_cancels_it(local: LocalStripe) -> None:
    waiting = refused(local)
    local.client().v1.invoices.void_invoice(waiting.latest_invoice.id)
    dropped = current(local, waiting)
    assert (price_of(dropped), dropped.pending_update) == (2900, None)


def test_another_change_takes_its_place(local: LocalStripe) -> None:
    waiting = refused(local)
    first = waiting.latest_invoice.id
    second = upgrade(local, waiting, items=[{"id": waiting["items"].data[0].id, "quantity": 3}])
    assert second.pending_update.subscription_items[0].quantity == 3
    assert local.client().v1.invoices.retrieve(first).status == "void"
    pay(local, second)
    changed = current(local, waiting)
    assert (price_of(changed), changed["items"].data[0].quantity) == (2900, 3)


def test_what_cannot_wait_is_refused(local: LocalStripe) -> None:
    _, subscription = local.subscriber()
    with pytest.raises(stripe.InvalidRequestError, match="`metadata` is not supported") as wrong:
        upgrade(local, subscription, metadata={"a": "1"})
    assert wrong.value.param == "metadata"
    assert current(local, subscription).metadata.to_dict() == {}
    item = subscription["items"].data[0].id
    with pytest.raises(stripe.APIError, match="deleted in a pending update") as unbuilt:
        upgrade(local, subscription, items=[{"id": item, "deleted": True}])
    assert unbuilt.value.http_status == 501

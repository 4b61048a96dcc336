"""Refunds at the local Stripe: whole, in parts, and refused."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import LocalStripe, local

__all__ = ["local"]


def charge_of(local: LocalStripe, customer: str) -> Any:
    return local.client().v1.charges.list({"customer": customer}).data[0]


def test_a_whole_refund(local: LocalStripe) -> None:
    client = local.client()
    customer, subscription = local.subscriber()
    charge = charge_of(local, customer.id)
    refund = client.v1.refunds.create(
        {"payment_intent": charge.payment_intent, "reason": "requested_by_customer"}
    )
    assert (refund.amount, refund.status, refund.charge) == (2900, "succeeded", charge.id)
    given = client.v1.charges.retrieve(charge.id, {"expand": ["refunds"]})
    assert (given.refunded, given.amount_refunded, given.status) == (True, 2900, "succeeded")
    assert [each.id for each in given.refunds.data] == [refund.id]  # type: ignore[union-attr]
    assert client.v1.invoices.retrieve(str(subscription.latest_invoice)).status == "paid"
    assert client.v1.subscriptions.retrieve(subscription.id).status == "active"
    with pytest.raises(stripe.InvalidRequestError, match="already been refunded") as again:
        client.v1.refunds.create({"charge": charge.id})
    assert again.value.code == "charge_already_refunded"


def test_refunds_in_parts(local: LocalStripe) -> None:
    client = local.client()
    customer, _ = local.subscriber()
    charge = charge_of(local, customer.id)
    client.v1.refunds.create({"charge": charge.id, "amount": 1000, "metadata": {"case": "7"}})
    with pytest.raises(stripe.InvalidRequestError) as more:
        client.v1.refunds.create({"charge": charge.id, "amount": 1901})
    assert "($19.01) is greater than unrefunded amount on charge ($19.00)" in str(more.value)
    part = client.v1.charges.retrieve(charge.id)
    assert (part.refunded, part.amount_refunded) == (False, 1000)
    rest = client.v1.refunds.create({"charge": charge.id})
    assert rest.amount == 1900  # 2900 - 1000
    listed = client.v1.refunds.list({"charge": charge.id}).data
    assert [each.amount for each in listed] == [1900, 1000]
    client.v1.refunds.update(rest.id, {"metadata": {"note": "late"}})
    assert client.v1.refunds.retrieve(rest.id).metadata["note"] == "late"  # type: ignore[index]
    events = local.events(charge.id)
    assert [event.type for event in events] == [
        "charge.succeeded",
        "charge.refunded",
        "charge.refunded",
    ]
    assert events[-1].data.previous_attributes.to_dict() == {
        "amount_refunded": 1000,
        "refunded": False,
    }
    assert [event.type for event in local.events(rest.id)] == ["refund.created", "refund.updated"]


def test_what_cannot_be_refunded(local: LocalStripe) -> None:
    client = local.client()
    customer = client.v1.customers.create({"email": "x@example.com"})
    local.pay(local.checkout(customer.id).id, "4000000000000002")
    intent = client.v1.payment_intents.list({"customer": customer.id}).data[0]
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        client.v1.refunds.create({"payment_intent": intent.id})
    with pytest.raises(stripe.InvalidRequestError, match="Missing required param: charge"):
        client.v1.refunds.create({})
    with pytest.raises(stripe.InvalidRequestError, match="No such charge"):
        client.v1.refunds.create({"charge": "ch_x"})
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        client.v1.refunds.create({"charge": "ch_x", "payment_intent": intent.id})

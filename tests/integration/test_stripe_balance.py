"""What a customer has to his credit: from downgrades and adjustments, spent by invoices."""

import pytest
import stripe

from tests.integration.stripe_fixtures import PROFESSIONAL, LocalStripe
from tests.integration.test_stripe_prorations import (
    MONTH,
    april,
    change,
    own_april,
    price,
    start_of,
    swap,
)

__all__ = ["april", "own_april"]


def transactions(local: LocalStripe, customer: str) -> list[tuple[str, int, int]]:
    found = local.client().v1.customers.balance_transactions.list(customer).data
    return [(each.type, each.amount, each.ending_balance) for each in reversed(found)]


def test_a_downgrade_is_credited_and_spent_by_the_next_invoice(own_april: LocalStripe) -> None:
    client = own_april.client()
    line = {"price": own_april.price(PROFESSIONAL), "quantity": 1}
    customer, subscription = own_april.subscriber(line_items=[line])
    down = change(
        own_april,
        subscription,
        items=swap(subscription, own_april.price()),
        proration_behavior="always_invoice",
        expand=["latest_invoice"],
    )
    invoice = down.latest_invoice
    # - 9900 / 2 + 2900 / 2 = - 4950 + 1450 = - 3500
    assert [each.amount for each in invoice.lines.data] == [-4950, 1450]
    assert (invoice.total, invoice.amount_due, invoice.status) == (-3500, 0, "paid")
    assert (invoice.starting_balance, invoice.ending_balance) == (0, -3500)
    assert client.v1.customers.retrieve(customer.id).balance == -3500
    own_april.advance(2 * MONTH + 3 * 86400)  # April has 30 days, May 31
    bills = client.v1.invoices.list({"subscription": subscription.id}).data
    renewals = [each for each in bills if each.billing_reason == "subscription_cycle"]
    assert [(each.total, each.amount_due, each.ending_balance) for each in renewals] == [
        (2900, 2300, 0),  # June: 2900 - 600
        (2900, 0, -600),  # May: - 3500 + 2900 = - 600
    ]
    assert [each.amount_paid for each in renewals] == [2300, 0]
    assert transactions(own_april, customer.id) == [
        ("applied_to_invoice", -3500, -3500),
        ("applied_to_invoice", 2900, -600),
        ("applied_to_invoice", 600, 0),
    ]
    updated = [e for e in own_april.events(customer.id) if e.type == "customer.updated"]
    balances = [e.data.previous_attributes.to_dict() for e in updated]
    assert [b["balance"] for b in balances if "balance" in b] == [0, -3500, -600]


def test_adjustments(april: LocalStripe) -> None:
    client = april.client()
    customer = client.v1.customers.create({"email": "a@example.com", "balance": -1000})
    client.v1.customers.update(customer.id, {"balance": -400})
    gift = client.v1.customers.balance_transactions.create(
        customer.id, {"amount": -100, "currency": "usd", "description": "Sorry"}
    )
    assert (gift.type, gift.description, gift.ending_balance) == ("adjustment", "Sorry", -500)
    assert transactions(april, customer.id) == [
        ("initial", -1000, -1000),
        ("adjustment", 600, -400),
        ("adjustment", -100, -500),
    ]
    noted = client.v1.customers.balance_transactions.update(
        customer.id, gift.id, {"metadata": {"case": "7"}}
    )
    assert noted.metadata is not None
    assert noted.metadata["case"] == "7"
    other = client.v1.customers.create()
    with pytest.raises(stripe.InvalidRequestError, match="No such"):
        client.v1.customers.balance_transactions.retrieve(other.id, gift.id)


def test_too_little_to_charge_is_owed(april: LocalStripe) -> None:
    client = april.client()
    customer, subscription = april.subscriber()
    client.v1.subscription_items.create(
        {
            "subscription": subscription.id,
            "price": price(april, 80, "Small"),
            "proration_behavior": "always_invoice",
            "proration_date": start_of(subscription) + MONTH // 2,
        }
    )
    latest = client.v1.invoices.list({"subscription": subscription.id}).data[0]
    # 80 / 2 = 40 cents, less than the 50 that can be charged
    assert (latest.total, latest.amount_due, latest.ending_balance) == (40, 0, 40)
    assert latest.status == "paid"
    assert transactions(april, customer.id) == [("invoice_too_small", 40, 40)]


def test_a_void_invoice_gives_the_credit_back(own_april: LocalStripe) -> None:
    client = own_april.client()
    customer = client.v1.customers.create({"email": "v@example.com", "balance": -1000})
    method = client.v1.payment_methods.attach(
        "pm_card_chargeCustomerFail", {"customer": customer.id}
    )
    subscription = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": own_april.price()}],
            "default_payment_method": method.id,
            "expand": ["latest_invoice"],
        }
    )
    assert subscription.latest_invoice.amount_due == 1900  # type: ignore[union-attr] # 2900 - 1000
    assert client.v1.customers.retrieve(customer.id).balance == 0
    own_april.advance(24 * 3600)
    assert client.v1.customers.retrieve(customer.id).balance == -1000
    assert transactions(own_april, customer.id)[1:] == [
        ("applied_to_invoice", 1000, 0),
        ("unapplied_from_invoice", -1000, -1000),
    ]

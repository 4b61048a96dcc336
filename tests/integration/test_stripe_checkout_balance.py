"""Checkout with a customer who has a balance, or invoice items that wait."""

from typing import Any

import pytest

from tests.integration.stripe_fixtures import LocalStripe, local

__all__ = ["local"]


def opened(local: LocalStripe, balance: int, **more: Any) -> tuple[Any, Any]:
    """A customer with a balance (below zero: his credit), and his session for $29.00."""
    client = local.client()
    customer = client.v1.customers.create({"email": "c@example.com", "balance": balance})
    return customer, local.checkout(customer.id, **more)


def paid(local: LocalStripe, done: dict[str, Any]) -> Any:
    assert done["status"] == "complete", done
    assert done["session"]["payment_status"] == "paid"
    return local.client().v1.invoices.retrieve(done["session"]["invoice"])


@pytest.mark.parametrize(
    ("balance", "due", "left"),
    [
        (-1000, 1900, 0),  # 2900 - 1000
        (-4000, 0, -1100),  # 4000 - 2900 stay his
        (-2880, 0, 20),  # 20 is too little to charge and is owed
        (500, 3400, 0),  # what he owes is paid with it
    ],
)
def test_the_balance_is_settled_with_the_first_invoice(
    local: LocalStripe, balance: int, due: int, left: int
) -> None:
    client = local.client()
    customer, session = opened(local, balance)
    assert session.amount_total == 2900
    invoice = paid(local, local.pay(session.id))
    assert (invoice.total, invoice.amount_due, invoice.amount_paid) == (2900, due, due)
    assert (invoice.starting_balance, invoice.ending_balance) == (balance, left)
    assert client.v1.customers.retrieve(customer.id).balance == left
    charges = client.v1.charges.list({"customer": customer.id}).data
    assert [charge.amount for charge in charges] == ([due] if due else [])
    methods = client.v1.customers.payment_methods.list(customer.id).data
    assert len(methods) == 1  # for the renewal


def test_a_balance_that_changes_between_attempts(local: LocalStripe) -> None:
    client = local.client()
    customer, session = opened(local, -1000)
    assert local.pay(session.id, "4000000000000002")["status"] == "declined"
    client.v1.customers.update(customer.id, {"balance": -1500})
    assert local.pay(session.id, "4000002500003155")["status"] == "requires_action"
    client.v1.customers.update(customer.id, {"balance": -5000})
    done = local.pay(session.id, "4000002500003155", authentication="complete")
    invoice = paid(local, done)
    assert (invoice.amount_due, invoice.ending_balance) == (0, -2100)
    intents = client.v1.payment_intents.list({"customer": customer.id}).data
    assert [(each.amount, each.status) for each in intents] == [
        *((1400, "canceled"), (1900, "canceled")),
    ]


def test_a_trial_and_a_single_payment_leave_the_balance_alone(local: LocalStripe) -> None:
    client = local.client()
    customer, session = opened(local, -1000, subscription_data={"trial_period_days": 5})
    assert local.pay(session.id)["status"] == "complete"
    price: Any = {"currency": "usd", "unit_amount": 700, "product_data": {"name": "Once"}}
    line = {"price": client.v1.prices.create(price).id, "quantity": 1}
    once = local.checkout(customer.id, mode="payment", line_items=[line])
    assert local.pay(once.id)["status"] == "complete"
    assert client.v1.charges.list({"customer": customer.id}).data[0].amount == 700
    assert client.v1.customers.retrieve(customer.id).balance == -1000


def test_what_waits_for_an_invoice_waits_on(local: LocalStripe) -> None:
    client = local.client()
    customer, session = opened(local, 0)
    item: Any = {"customer": customer.id, "amount": 1000, "currency": "usd"}
    waiting = client.v1.invoice_items.create(item)
    done = local.pay(session.id)
    assert paid(local, done).total == 2900
    assert client.v1.invoice_items.retrieve(waiting.id).invoice is None
    upcoming = client.v1.invoices.create_preview({"subscription": done["session"]["subscription"]})
    assert upcoming.total == 3900


def test_the_page_shows_it(local: LocalStripe) -> None:
    _, session = opened(local, -1000)
    _, _, page = local.http("GET", f"/c/embed/{session.client_secret}")
    for text in ("Applied balance", "−$10.00", "Total due today", "$19.00"):
        assert text in page.decode()
    _, without = opened(local, 0)
    _, _, page = local.http("GET", f"/c/embed/{without.client_secret}")
    assert "Applied balance" not in page.decode()

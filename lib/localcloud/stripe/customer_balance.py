"""What a customer has to his credit, and what invoices do with it.

A balance below zero is credit; above zero it is owed with the next invoice
(https://docs.stripe.com/billing/customer/balance).
"""

from localcloud.stripe.resources import customer_balance_transactions as transactions
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

# Smaller charges are not made but owed (https://docs.stripe.com/currencies, minimum amounts)
SMALLEST = {"aud": 50, "cad": 50, "chf": 50, "eur": 50, "gbp": 30, "usd": 50}


def due(total: int, balance: int, currency: str) -> int:
    """What is to be paid for an invoice over `total`, all in minor units."""
    amount = total + balance
    return amount if amount >= SMALLEST.get(currency, 1) else 0


def apply(work: Work, customer: Obj, invoice: Obj) -> None:
    """Let the balance pay, or take, what it can of an invoice that is being finalized.

    Sets the invoice's sums (not stored yet) and records the transactions.
    """
    balance, total, currency = customer["balance"], invoice["total"], invoice["currency"]
    amount = total + balance
    if amount <= 0:
        _move(work, customer, invoice, total, "applied_to_invoice")
    else:
        _move(work, customer, invoice, -balance, "applied_to_invoice")
        if due(total, balance, currency) == 0:
            _move(work, customer, invoice, amount, "invoice_too_small")
    invoice.update(
        amount_due=due(total, balance, currency),
        amount_remaining=due(total, balance, currency),
        ending_balance=customer["balance"],
        starting_balance=balance,
    )


def give_back(work: Work, customer: Obj, invoice: Obj) -> None:
    """Undo `apply` for an invoice that is void."""
    moved = (invoice["ending_balance"] or 0) - invoice["starting_balance"]
    _move(work, customer, invoice, -moved, "unapplied_from_invoice")


def _move(work: Work, customer: Obj, invoice: Obj, amount: int, kind: str) -> None:
    if amount:
        balance = customer["balance"] + amount
        work.update(customer, "customer.updated", balance=balance)
        transactions.new(
            work, customer, amount, kind, currency=invoice["currency"], invoice=invoice["id"]
        )

"""What must be true of an account whatever has happened in it: each check yields what is wrong."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from localcloud.stripe.customer_balance import SMALLEST
from tests.integration.lives_account import LivesAccount
from tests.integration.stripe_fixtures import BASIL
from tests.integration.stripe_shapes import class_of, differences

Obj = dict[str, Any]
LISTS = {
    "charge": "charges",
    "customer": "customers",
    "event": "events",
    "invoice": "invoices",
    "invoice_payment": "invoice_payments",
    "invoiceitem": "invoiceitems",
    "payment_intent": "payment_intents",
    "refund": "refunds",
    "subscription": "subscriptions?status=all",
}
SETTLED = {"incomplete": ("paid",), "past_due": ("paid", "uncollectible")}


class Books:
    """Everything in the account, by kind, oldest first, as the API shows it."""

    def __init__(self, account: LivesAccount) -> None:
        self.account, self.now = account, account.clock.moment
        self.all = {kind: account.everything(path) for kind, path in LISTS.items()}
        self.by_id = {each["id"]: each for kind in self.all for each in self.all[kind]}

    def of(self, kind: str, **fields: Any) -> list[Obj]:
        """Those of a kind whose fields have these values."""
        known = self.all[kind]
        return [each for each in known if all(each[name] == fields[name] for name in fields)]


def all_wrong(books: Books) -> list[str]:
    """What is wrong with the account, sorted by check."""
    checks = (sums, due, payments, balances, numbers, statuses, deadlines, shapes)
    return [f"{check.__name__}: {wrong}" for check in checks for wrong in check(books)]


def sums(books: Books) -> Iterator[str]:
    """Lines make the subtotal; what is taken off the lines, the total."""
    for invoice in books.all["invoice"]:
        lines = invoice["lines"]["data"]
        if invoice["lines"]["has_more"]:
            yield f"{invoice['id']} hides lines"
        taken: Counter[str] = Counter()
        for line in lines:
            offs = [each["amount"] for each in line["discount_amounts"]]
            taken.update({each["discount"]: each["amount"] for each in line["discount_amounts"]})
            if any(off < 0 for off in offs) or (offs and sum(offs) > line["amount"]):
                yield f"{invoice['id']} takes {offs} off a line of {line['amount']}"
            if line["invoice"] != invoice["id"]:
                yield f"{invoice['id']} has a line of {line['invoice']}"
        if sum(line["amount"] for line in lines) != invoice["subtotal"]:
            yield f"{invoice['id']} has subtotal {invoice['subtotal']}"
        offs = {each["discount"]: each["amount"] for each in invoice["total_discount_amounts"]}
        if offs != dict(taken):
            yield f"{invoice['id']} takes off {offs}, its lines {dict(taken)}"
        if invoice["subtotal"] - sum(offs.values()) != invoice["total"]:
            yield f"{invoice['id']} has total {invoice['total']}"


def due(books: Books) -> Iterator[str]:
    """What is due, paid and remaining goes with the status and with the customer's balance."""
    for invoice in books.all["invoice"]:
        name = f"{invoice['id']} ({invoice['status']})"
        asked, paid, left = (invoice[f"amount_{each}"] for each in ("due", "paid", "remaining"))
        if asked != paid + left or min(asked, paid, left) < 0:
            yield f"{name} has {paid} paid and {left} left of {asked}"
        if (paid > 0 or left == 0) and invoice["status"] not in ("paid", "draft", "void"):
            yield f"{name} has {paid} paid and {left} left"
        if invoice["status"] == "paid" and left:
            yield f"{name} has {left} left"
        if invoice["status"] == "draft":
            continue
        used = invoice["ending_balance"] - invoice["starting_balance"]
        if invoice["total"] - used != asked and invoice["status"] != "void":
            yield f"{name}: {invoice['total']} less {used} of balance is not {asked}"
        if 0 < asked < SMALLEST[invoice["currency"]]:
            yield f"{name} asks for {asked}, too little to charge"


def payments(books: Books) -> Iterator[str]:
    """Money that was taken belongs to one paid invoice, and what was given back was taken."""
    paying: dict[str, int] = defaultdict(int)
    for payment in books.all["invoice_payment"]:
        paying[payment["invoice"]] += payment["amount_paid"] or 0
        intent = books.by_id[payment["payment"]["payment_intent"]]
        if intent["status"] != "succeeded" or intent["amount"] != payment["amount_paid"]:
            yield f"{payment['id']} has an intent that is {intent['status']}"
    for invoice in books.all["invoice"]:
        taken = paying[invoice["id"]]
        if taken not in ((invoice["amount_paid"], 0) if invoice["status"] == "paid" else (0,)):
            yield f"{invoice['id']} ({invoice['status']}) was paid {taken}"
    for intent in books.all["payment_intent"]:
        charges = books.of("charge", payment_intent=intent["id"], status="succeeded")
        if sum(each["amount"] for each in charges) != intent["amount_received"]:
            yield f"{intent['id']} has received {intent['amount_received']}"
    received = sum(each["amount_received"] for each in books.all["payment_intent"])
    if received != sum(paying.values()):
        yield f"{received} were received, {sum(paying.values())} put to invoices"
    for charge in books.all["charge"]:
        back = sum(each["amount"] for each in books.of("refund", charge=charge["id"]))
        if back != charge["amount_refunded"] or back > charge["amount_captured"]:
            yield f"{charge['id']} refunded {charge['amount_refunded']}, its refunds {back}"


def balances(books: Books) -> Iterator[str]:
    """A customer's balance is what its transactions add up to, one after the other."""
    for customer in books.all["customer"]:
        found = books.account.everything(f"customers/{customer['id']}/balance_transactions")
        before = 0
        for each in found:
            if before + each["amount"] != each["ending_balance"]:
                yield f"{each['id']}: {before} and {each['amount']} is not {each['ending_balance']}"
            before = each["ending_balance"]
        if before != customer["balance"]:
            yield f"{customer['id']} has {customer['balance']}, its transactions {before}"


def numbers(books: Books) -> Iterator[str]:
    """A customer's invoices are numbered from 1 on without a gap; drafts have no number."""
    for customer in books.all["customer"]:
        prefix, after = customer["invoice_prefix"], customer["next_invoice_sequence"]
        found = books.of("invoice", customer=customer["id"])
        held = sorted(each["number"] for each in found if each["number"])
        if held != [f"{prefix}-{number:04d}" for number in range(1, after)]:
            yield f"{customer['id']} has invoices {held}, the next being {after}"
    for invoice in books.all["invoice"]:
        if (invoice["status"] == "draft") != (invoice["number"] is None):
            yield f"{invoice['id']} ({invoice['status']}) has the number {invoice['number']}"


def statuses(books: Books) -> Iterator[str]:
    """A subscription's status is that of its newest invoice that is not void."""
    for subscription in books.all["subscription"]:
        name = f"{subscription['id']} ({subscription['status']})"
        made = [each for each in books.all["invoice"] if owner(each) == subscription["id"]]
        if subscription["latest_invoice"] != (made[-1]["id"] if made else None):
            yield f"{name} names {subscription['latest_invoice']} its latest invoice"
        counted = [each for each in made if each["status"] != "void"]
        newest = counted[-1]["status"] if counted else "paid"
        tried = bool(counted) and counted[-1]["attempted"]
        status = subscription["status"]
        if status == "active" and newest == "open" and tried:
            yield f"{name}, though {counted[-1]['id']} could not be paid"
        if newest in SETTLED.get(status, ()):
            yield f"{name}, though {counted[-1]['id']} is {newest}"
        over = status in ("canceled", "incomplete_expired")
        if over != (subscription["ended_at"] is not None):
            yield f"{name} ended at {subscription['ended_at']}"
        trial = subscription["trial_end"] or 0
        if status == "trialing" and trial <= books.now:
            yield f"{name} has a trial until {trial}"


def owner(invoice: Obj) -> str | None:
    """The subscription whose invoice it is."""
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    found: str | None = details.get("subscription")
    return found


def deadlines(books: Books) -> Iterator[str]:
    """Nothing waits for a moment that has passed."""
    for invoice in books.all["invoice"]:
        for name in ("next_payment_attempt", "automatically_finalizes_at"):
            wanted = "open" if name == "next_payment_attempt" else "draft"
            moment = invoice[name]
            if moment is not None and (moment <= books.now or invoice["status"] != wanted):
                yield f"{invoice['id']} ({invoice['status']}) has {name} {moment}"
    for subscription in books.all["subscription"]:
        if subscription["status"] in ("active", "past_due", "unpaid", "trialing"):
            ends = {each["current_period_end"] for each in subscription["items"]["data"]}
            if len(ends) != 1 or min(ends) <= books.now:
                yield f"{subscription['id']} has periods until {ends}"


def shapes(books: Books) -> Iterator[str]:
    """Every object has the fields that stripe-python declares."""
    found = set()
    for kind, objects in books.all.items():
        for each in objects:
            found |= set(differences(each, class_of(each), kind, BASIL))
            if kind == "event":
                shown = each["data"]["object"]
                found |= set(differences(shown, class_of(shown), each["type"], BASIL))
    yield from sorted(found)

"""Invoices and invoice items made by hand; every cent is worked out beside its number."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import DAY, HOUR, LocalStripe, fresh, local

__all__ = ["fresh", "local"]
REFUSED = stripe.InvalidRequestError


def payer(local: LocalStripe, card: str = "pm_card_visa", **more: Any) -> Any:
    """A customer with a default card."""
    client = local.client()
    params: Any = {"email": "hand@example.com", **more}
    customer = client.v1.customers.create(params)
    method = client.v1.payment_methods.attach(card, {"customer": customer.id})
    settings: Any = {"default_payment_method": method.id}
    return client.v1.customers.update(customer.id, {"invoice_settings": settings})


def item(local: LocalStripe, customer: Any, amount: int = 1000, **more: Any) -> Any:
    params: Any = {"customer": customer.id, "amount": amount, "currency": "usd", **more}
    return local.client().v1.invoice_items.create(params)


def draft(local: LocalStripe, customer: Any, **more: Any) -> Any:
    params: Any = {"customer": customer.id, **more}
    return local.client().v1.invoices.create(params)


def amounts(invoice: Any) -> list[int]:
    return [line.amount for line in invoice.lines.data]


def test_what_waits_comes_with_an_invoice_only_if_it_is_asked_for(local: LocalStripe) -> None:
    client = local.client()
    customer = payer(local)
    work = item(local, customer, 1000, description="Work")
    item(local, customer, -200, description="Rebate")
    assert (work.date, work.period.start, work.discountable) == (
        *(work.period.end, work.date, True),
    )
    empty = draft(local, customer)
    assert (empty.status, empty.billing_reason, empty.auto_advance) == ("draft", "manual", False)
    assert (amounts(empty), empty.total, empty.parent) == ([], 0, None)
    invoice = draft(local, customer, pending_invoice_items_behavior="include")
    assert (amounts(invoice), invoice.total) == ([-200, 1000], 800)
    line = invoice.lines.data[1]
    assert (line.description, line.parent.type) == ("Work", "invoice_item_details")
    assert line.parent.invoice_item_details.invoice_item == work.id
    assert client.v1.prices.retrieve(line.pricing.price_details.price).unit_amount == 1000
    assert client.v1.invoice_items.retrieve(work.id).invoice == invoice.id
    assert client.v1.invoice_items.list({"customer": customer.id, "pending": True}).data == []
    opened = client.v1.invoices.finalize_invoice(invoice.id)
    assert (opened.status, opened.amount_due, opened.attempted) == ("open", 800, False)
    paid = client.v1.invoices.pay(invoice.id)
    assert (paid.status, paid.amount_paid) == ("paid", 800)
    intent = client.v1.payment_intents.list({"customer": customer.id}).data[0]
    assert (intent.description, intent.setup_future_usage) == ("Payment for Invoice", None)
    for change in (client.v1.invoice_items.delete, client.v1.invoice_items.update):
        with pytest.raises(REFUSED, match="no longer editable") as refused:
            change(work.id)
        assert refused.value.code == "invoice_not_editable"
    with pytest.raises(REFUSED, match="no longer editable"):
        item(local, customer, invoice=invoice.id)


def test_a_draft_follows_its_items(local: LocalStripe) -> None:
    client = local.client()
    customer = payer(local)
    invoice = draft(local, customer)
    first = item(local, customer, 1000, invoice=invoice.id)
    second = item(local, customer, 500, invoice=invoice.id)

    def now() -> tuple[list[int], int]:
        shown = client.v1.invoices.retrieve(invoice.id)
        return amounts(shown), shown.amount_due

    assert now() == ([500, 1000], 1500)
    client.v1.invoice_items.update(first.id, {"amount": 700, "description": "Less"})
    assert now() == ([500, 700], 1200)
    client.v1.invoice_items.delete(second.id)
    assert now() == ([700], 700)
    with pytest.raises(REFUSED, match="No such invoiceitem"):
        client.v1.invoice_items.retrieve(second.id)
    changes = [event.type for event in local.events(invoice.id)]
    assert changes == ["invoice.created", *["invoice.updated"] * 4]
    stranger = client.v1.customers.create()
    with pytest.raises(REFUSED, match="another customer"):
        item(local, stranger, invoice=invoice.id)
    with pytest.raises(REFUSED, match="in eur, the invoice in usd"):
        item(local, customer, currency="eur", invoice=invoice.id)
    gone = client.v1.invoices.delete(invoice.id)
    assert gone.deleted is True
    assert local.events(invoice.id)[-1].type == "invoice.deleted"
    with pytest.raises(REFUSED, match="No such invoice"):
        client.v1.invoices.retrieve(invoice.id)
    assert client.v1.invoices.list({"customer": customer.id}).data == []


def test_an_item_of_a_price(local: LocalStripe) -> None:
    client = local.client()
    customer = payer(local)
    price = client.v1.prices.create(
        {"currency": "usd", "unit_amount": 250, "product_data": {"name": "Seat"}}
    )
    params: Any = {"customer": customer.id, "pricing": {"price": price.id}, "quantity": 3}
    made = client.v1.invoice_items.create(params)
    # 3 × 250
    assert (made.amount, made.quantity, made.description) == (750, 3, "Seat")
    assert client.v1.invoice_items.update(made.id, {"quantity": 4}).amount == 1000
    wrong: Any = {**params, "pricing": {"price": local.price()}}
    with pytest.raises(REFUSED, match="type=one_time"):
        client.v1.invoice_items.create(wrong)
    with pytest.raises(REFUSED, match="amount, quantity"):
        item(local, customer, quantity=2)
    with pytest.raises(REFUSED, match="either `amount` or `pricing`"):
        client.v1.invoice_items.create({"customer": customer.id})


def test_what_waits_comes_with_the_next_renewal(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer, subscription = fresh.subscriber()
    item(fresh, customer, 1000, description="Setup")
    bound = item(fresh, customer, 300, subscription=subscription.id)
    assert bound.parent.subscription_details.subscription == subscription.id
    item(fresh, customer, 100, currency="eur")
    assert client.v1.invoices.create_preview({"subscription": subscription.id}).total == 4200
    fresh.renew(subscription)
    found = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    invoice: Any = found.latest_invoice
    # 2900 + 1000 + 300
    assert (invoice.status, sorted(amounts(invoice)), invoice.total) == (
        *("paid", [300, 1000, 2900], 4200),
    )
    left = client.v1.invoice_items.list({"customer": customer.id, "pending": True}).data
    assert [each.currency for each in left] == ["eur"]


def test_a_renewals_draft_takes_an_item(fresh: LocalStripe) -> None:
    client = fresh.client()
    half = client.v1.coupons.create({"percent_off": 50, "duration": "forever"})
    customer, subscription = fresh.subscriber(discounts=[{"coupon": half.id}])
    end = subscription["items"].data[0].current_period_end
    fresh.advance(end + 60 - fresh.account.clock.now())
    invoice = str(client.v1.subscriptions.retrieve(subscription.id).latest_invoice)
    item(fresh, customer, 1000, invoice=invoice)
    fresh.advance(HOUR)
    paid = client.v1.invoices.retrieve(invoice)
    # the coupon is the whole invoice's: (2900 + 1000) / 2
    assert (paid.status, amounts(paid), paid.amount_paid) == ("paid", [1000, 2900], 1950)


def test_collected_by_itself_within_an_hour(fresh: LocalStripe) -> None:
    client = fresh.client()
    good, bad = payer(fresh), payer(fresh, "pm_card_chargeCustomerFail")
    poor = client.v1.customers.create()
    drafts = []
    for customer in (good, bad, poor):
        item(fresh, customer, 1000)
        include: Any = {"pending_invoice_items_behavior": "include"}
        drafts.append(draft(fresh, customer, auto_advance=True, **include))
    assert drafts[0].automatically_finalizes_at == drafts[0].created + HOUR
    fresh.advance(HOUR)
    paid, refused, unpaid = (client.v1.invoices.retrieve(each.id) for each in drafts)
    assert (paid.status, paid.attempt_count) == ("paid", 1)
    for failed in (refused, unpaid):
        assert (failed.status, failed.attempt_count) == ("open", 1)
        # nothing retries what belongs to no subscription
        assert (failed.next_payment_attempt, failed.auto_advance) == (None, False)
        assert fresh.events(failed.id)[-1].type in ("invoice.payment_failed", "invoice.updated")
    fresh.advance(30 * DAY)
    assert client.v1.invoices.retrieve(refused.id).attempt_count == 1


def test_credit_pays_an_invoice_and_comes_back(local: LocalStripe) -> None:
    client = local.client()
    customer = payer(local, balance=-300)
    invoice = draft(local, customer)
    item(local, customer, 1000, invoice=invoice.id)
    opened = client.v1.invoices.finalize_invoice(invoice.id)
    assert (opened.total, opened.amount_due, opened.ending_balance) == (1000, 700, 0)
    client.v1.invoices.void_invoice(invoice.id)
    assert client.v1.customers.retrieve(customer.id).balance == -300
    small = draft(local, customer)
    item(local, customer, 200, invoice=small.id)
    assert client.v1.invoices.finalize_invoice(small.id).status == "paid"
    assert client.v1.customers.retrieve(customer.id).balance == -100


def test_an_invoice_that_is_sent(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer = payer(fresh)
    sent: Any = {"collection_method": "send_invoice", "auto_advance": True}
    with pytest.raises(REFUSED, match="must specify 'due_date' or 'days_until_due'"):
        draft(fresh, customer, **sent)
    with pytest.raises(REFUSED, match="only specify 'due_date' or 'days_until_due' if"):
        draft(fresh, customer, days_until_due=5)
    invoice = draft(fresh, customer, days_until_due=30, **sent)
    assert invoice.due_date == invoice.created + 30 * DAY
    item(fresh, customer, 1000, invoice=invoice.id)
    fresh.advance(HOUR)
    opened = client.v1.invoices.retrieve(invoice.id)
    assert (opened.status, opened.attempted) == ("open", False)
    assert fresh.events(invoice.id)[-1].type == "invoice.sent"
    fresh.advance(40 * DAY)
    assert client.v1.invoices.retrieve(invoice.id).status == "open"
    assert client.v1.invoices.send_invoice(invoice.id).status == "open"
    assert client.v1.invoices.pay(invoice.id).status == "paid"
    with pytest.raises(REFUSED, match="cannot be sent right now"):
        client.v1.invoices.send_invoice(invoice.id)
    charged = draft(fresh, customer)
    with pytest.raises(REFUSED, match="only manually send an invoice if"):
        client.v1.invoices.send_invoice(charged.id)
    later: Any = {"collection_method": "send_invoice", "due_date": invoice.created + 90 * DAY}
    changed = client.v1.invoices.update(charged.id, later)
    assert changed.due_date == later["due_date"]


def test_a_deleted_customers_invoices_are_left_alone(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer = payer(fresh)
    first = draft(fresh, customer, auto_advance=True)
    item(fresh, customer, 1000, invoice=first.id)
    second = draft(fresh, customer)
    item(fresh, customer, 500, invoice=second.id)
    client.v1.invoices.finalize_invoice(second.id, {"auto_advance": True})
    client.v1.customers.delete(customer.id)
    fresh.advance(2 * HOUR)
    left = [client.v1.invoices.retrieve(each.id) for each in (first, second)]
    assert [(each.status, each.auto_advance) for each in left] == [
        *(("draft", False), ("open", False)),
    ]
    with pytest.raises(REFUSED, match="No such customer"):
        client.v1.invoices.finalize_invoice(first.id)
    assert client.v1.invoices.void_invoice(second.id).status == "void"


def test_a_line_that_waited_stays_its_invoices_when_it_changes(local: LocalStripe) -> None:
    one = local.client().v1
    customer = one.customers.create()
    waits = item(local, customer, 700)
    invoice = draft(local, customer, pending_invoice_items_behavior="include")
    one.invoice_items.update(waits.id, {"amount": 900})
    (line,) = one.invoices.retrieve(invoice.id).lines.data
    assert (line.amount, line.invoice) == (900, invoice.id)

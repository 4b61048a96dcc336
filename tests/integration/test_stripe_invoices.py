"""What the API does to an invoice by hand, and what that makes of its subscription."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import (
    BASIL,
    DAY,
    ENDIVE,
    HOUR,
    PROFESSIONAL,
    LocalStripe,
    fresh,
    local,
)

__all__ = ["fresh", "local"]
REFUSED = stripe.InvalidRequestError
NOT_OPEN = "This invoice isn't open"


def owing(local: LocalStripe) -> tuple[Any, Any]:
    """A subscription that is past due, and its open invoice over a refused upgrade."""
    client = local.client()
    customer, subscription = local.subscriber()
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    item: Any = {"id": subscription["items"].data[0].id, "price": local.price(PROFESSIONAL)}
    changed = client.v1.subscriptions.update(
        subscription.id,
        {
            "default_payment_method": bad.id,
            "items": [item],
            "proration_behavior": "always_invoice",
            "expand": ["latest_invoice"],
        },
    )
    assert changed.status == "past_due"
    invoice: Any = changed.latest_invoice
    assert invoice.status == "open"
    return changed, invoice


def beginning(local: LocalStripe) -> tuple[Any, Any]:
    """A subscription that waits for its first payment, and the open invoice."""
    client = local.client()
    customer = client.v1.customers.create({"email": "new@example.com"})
    made = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": local.price()}],
            "payment_behavior": "default_incomplete",
            "expand": ["latest_invoice.confirmation_secret"],
        }
    )
    return made, made.latest_invoice


def status_of(local: LocalStripe, subscription: Any) -> str:
    return str(local.client().v1.subscriptions.retrieve(subscription.id).status)


def types_of(local: LocalStripe, about: Any, since: int = 0) -> list[str]:
    return [event.type for event in local.events(about.id)][since:]


def test_void_leaves_the_debt_and_the_subscription_follows_the_invoice_before(
    local: LocalStripe,
) -> None:
    client = local.client()
    subscription, invoice = owing(local)
    known = len(local.events(subscription.customer))
    gone = client.v1.invoices.void_invoice(invoice.id)
    assert (gone.status, gone.amount_remaining) == ("void", invoice.amount_remaining)
    assert (gone.auto_advance, gone.next_payment_attempt) == (False, None)
    assert gone.status_transitions.voided_at is not None
    assert status_of(local, subscription) == "active"
    assert client.v1.customers.retrieve(subscription.customer).delinquent is False
    happened = [event.type for event in local.events(subscription.customer)][known:]
    assert happened == [
        "payment_intent.canceled",
        "invoice.updated",
        "invoice.voided",
        "customer.subscription.updated",
        "customer.updated",
    ]
    intent = client.v1.payment_intents.list({"customer": subscription.customer}).data[0]
    assert (intent.status, intent.cancellation_reason) == ("canceled", "void_invoice")
    for again in (client.v1.invoices.void_invoice, client.v1.invoices.pay):
        with pytest.raises(REFUSED, match=NOT_OPEN):
            again(invoice.id)


def test_a_subscription_that_never_began_stays_so_when_its_invoice_is_void(
    local: LocalStripe,
) -> None:
    client = local.client()
    for give_up in (client.v1.invoices.void_invoice, client.v1.invoices.mark_uncollectible):
        subscription, invoice = beginning(local)
        give_up(invoice.id)
        assert status_of(local, subscription) == "incomplete"


def test_uncollectible_frees_the_subscription_and_can_still_be_paid(local: LocalStripe) -> None:
    client = local.client()
    subscription, invoice = owing(local)
    written = client.v1.invoices.mark_uncollectible(invoice.id)
    assert (written.status, written.amount_remaining) == (
        "uncollectible",
        invoice.amount_remaining,
    )
    assert "status_details" not in written.to_dict()
    newest = local.client(ENDIVE).v1.invoices.retrieve(invoice.id)
    assert newest.status_details.uncollectible.reason == "user_forgiven"  # type: ignore[union-attr]
    assert status_of(local, subscription) == "active"
    assert types_of(local, invoice)[-1] == "invoice.marked_uncollectible"
    with pytest.raises(REFUSED, match="already been marked uncollectible"):
        client.v1.invoices.mark_uncollectible(invoice.id)
    with pytest.raises(stripe.CardError):
        client.v1.invoices.pay(invoice.id)
    assert client.v1.invoices.retrieve(invoice.id).status == "uncollectible"
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": subscription.customer})
    paid = client.v1.invoices.pay(invoice.id, {"payment_method": good.id})
    assert (paid.status, paid.amount_remaining) == ("paid", 0)
    assert types_of(local, invoice)[-2:] == ["invoice.paid", "invoice.payment_succeeded"]
    with pytest.raises(REFUSED, match="`paid` payments cannot be voided"):
        client.v1.invoices.void_invoice(invoice.id)
    with pytest.raises(REFUSED, match=NOT_OPEN):
        client.v1.invoices.mark_uncollectible(invoice.id)


def test_an_uncollectible_invoice_can_be_void(local: LocalStripe) -> None:
    client = local.client()
    _, invoice = owing(local)
    client.v1.invoices.mark_uncollectible(invoice.id)
    assert client.v1.invoices.void_invoice(invoice.id).status == "void"


@pytest.mark.parametrize("start", [owing, beginning])
def test_paid_out_of_band(local: LocalStripe, start: Any) -> None:
    client = local.client()
    subscription, invoice = start(local)
    charges = len(client.v1.charges.list({"customer": subscription.customer}).data)
    paid = client.v1.invoices.pay(invoice.id, {"paid_out_of_band": True})
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", invoice.total, 0)
    assert status_of(local, subscription) == "active"
    # `invoice.payment_succeeded` is about payments through Stripe alone
    assert types_of(local, invoice)[-1] == "invoice.paid"
    assert len(client.v1.charges.list({"customer": subscription.customer}).data) == charges
    with pytest.raises(REFUSED, match="already paid"):
        client.v1.invoices.pay(invoice.id)


def test_paying_off_the_schedule(local: LocalStripe) -> None:
    client = local.client()
    subscription, invoice = owing(local)
    with pytest.raises(stripe.CardError):
        client.v1.invoices.pay(invoice.id, {"forgive": True})
    tried = client.v1.invoices.retrieve(invoice.id)
    assert tried.attempt_count == invoice.attempt_count == 1
    assert tried.next_payment_attempt == invoice.next_payment_attempt
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": subscription.customer})
    changed = client.v1.invoices.update(invoice.id, {"default_payment_method": good.id})
    assert changed.default_payment_method == good.id
    assert client.v1.invoices.pay(invoice.id).status == "paid"
    assert status_of(local, subscription) == "active"
    stranger = client.v1.customers.create()
    other = client.v1.payment_methods.attach("pm_card_visa", {"customer": stranger.id})
    _, next_invoice = owing(local)
    with pytest.raises(REFUSED, match="must be attached to the customer"):
        client.v1.invoices.pay(next_invoice.id, {"payment_method": other.id})


def test_what_can_be_changed_of_a_finalized_invoice(local: LocalStripe) -> None:
    client = local.client()
    _, invoice = owing(local)
    noted = client.v1.invoices.update(invoice.id, {"metadata": {"case": "7"}})
    assert noted.to_dict()["metadata"] == {"case": "7"}
    told = local.events(invoice.id)[-1]
    assert told.type == "invoice.updated"
    assert list(told.data.to_dict()["previous_attributes"]) == ["metadata"]
    assert invoice.next_payment_attempt is not None
    still = client.v1.invoices.update(invoice.id, {"auto_advance": False})
    assert (still.auto_advance, still.next_payment_attempt) == (False, None)
    with pytest.raises(REFUSED, match="Finalized invoices can't be updated") as refused:
        client.v1.invoices.update(invoice.id, {"description": "late"})
    assert refused.value.param == "description"
    with pytest.raises(REFUSED, match="already finalized"):
        client.v1.invoices.finalize_invoice(invoice.id)
    with pytest.raises(REFUSED, match="only delete draft invoices"):
        client.v1.invoices.delete(invoice.id)


def test_lists_filter_by_status_and_method(local: LocalStripe) -> None:
    client = local.client()
    subscription, invoice = owing(local)

    def found(**params: Any) -> list[str]:
        params["customer"] = subscription.customer
        return [each.id for each in client.v1.invoices.list(params).data]  # type: ignore[arg-type]

    assert found(status="open") == [invoice.id]
    assert len(found(collection_method="charge_automatically")) == 2
    assert found(collection_method="send_invoice") == found(due_date={"gt": 0}) == []


def test_the_first_invoice_shows_the_same_in_every_version(local: LocalStripe) -> None:
    _, invoice = beginning(local)
    for version in (BASIL, ENDIVE):
        shown = local.client(version).v1.invoices.retrieve(invoice.id)
        assert "status_details" not in shown.to_dict()


def drafted(local: LocalStripe, card: str = "4242424242424242") -> tuple[Any, Any]:
    """A subscription whose renewal's invoice is a draft still."""
    client = local.client()
    _, subscription = local.subscriber()
    if card != "4242424242424242":
        bad = client.v1.payment_methods.attach(card, {"customer": subscription.customer})
        client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    end = subscription["items"].data[0].current_period_end
    local.advance(end + 60 - local.account.clock.now())
    found = client.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
    assert found.latest_invoice.status == "draft"  # type: ignore[union-attr]
    return found, found.latest_invoice


def test_a_renewals_draft_can_be_changed_but_not_deleted(fresh: LocalStripe) -> None:
    client = fresh.client()
    _, invoice = drafted(fresh)
    end = invoice.created
    noted = client.v1.invoices.update(
        invoice.id, {"description": "Thank you", "footer": "Bye", "statement_descriptor": "GW"}
    )
    assert (noted.description, noted.footer, noted.statement_descriptor) == (
        *("Thank you", "Bye", "GW"),
    )
    assert (noted.auto_advance, noted.automatically_finalizes_at) == (True, end + HOUR)
    held = client.v1.invoices.update(invoice.id, {"auto_advance": False})
    assert (held.auto_advance, held.automatically_finalizes_at) == (False, None)
    with pytest.raises(REFUSED, match="needs `auto_advance`"):
        client.v1.invoices.update(invoice.id, {"automatically_finalizes_at": end + DAY})
    fresh.advance(2 * HOUR)
    assert client.v1.invoices.retrieve(invoice.id).status == "draft"
    later: Any = {"auto_advance": True, "automatically_finalizes_at": end + DAY}
    assert client.v1.invoices.update(invoice.id, later).automatically_finalizes_at == end + DAY
    with pytest.raises(REFUSED, match="created by subscriptions"):
        client.v1.invoices.delete(invoice.id)
    with pytest.raises(REFUSED, match=NOT_OPEN):
        client.v1.invoices.void_invoice(invoice.id)
    fresh.advance(DAY)
    paid = client.v1.invoices.retrieve(invoice.id)
    assert (paid.status, paid.status_transitions.paid_at) == ("paid", end + DAY)


def test_finalizing_a_renewals_draft_early_leaves_the_charge_to_its_hour(
    fresh: LocalStripe,
) -> None:
    client = fresh.client()
    _, invoice = drafted(fresh)
    opened = client.v1.invoices.finalize_invoice(invoice.id)
    assert (opened.status, opened.attempted, opened.auto_advance) == ("open", False, True)
    assert opened.number
    assert opened.automatically_finalizes_at is None
    fresh.advance(HOUR)
    assert client.v1.invoices.retrieve(invoice.id).status == "paid"


def test_finalized_without_advance_nobody_charges_it(fresh: LocalStripe) -> None:
    client = fresh.client()
    subscription, invoice = drafted(fresh)
    client.v1.invoices.finalize_invoice(invoice.id, {"auto_advance": False})
    fresh.advance(3 * DAY)
    still = client.v1.invoices.retrieve(invoice.id)
    assert (still.status, still.attempted) == ("open", False)
    assert status_of(fresh, subscription) == "active"
    again = client.v1.invoices.update(invoice.id, {"auto_advance": True})
    assert again.next_payment_attempt == fresh.account.clock.now() + HOUR
    fresh.advance(HOUR)
    assert client.v1.invoices.retrieve(invoice.id).status == "paid"


def test_a_draft_paid_by_hand_and_refused_is_retried(fresh: LocalStripe) -> None:
    client = fresh.client()
    subscription, invoice = drafted(fresh, "pm_card_chargeCustomerFail")
    with pytest.raises(stripe.CardError):
        client.v1.invoices.pay(invoice.id)
    tried = client.v1.invoices.retrieve(invoice.id)
    assert (tried.status, tried.attempt_count) == ("open", 1)
    assert tried.next_payment_attempt is not None
    assert status_of(fresh, subscription) == "past_due"
    good = client.v1.payment_methods.attach("pm_card_visa", {"customer": subscription.customer})
    client.v1.subscriptions.update(subscription.id, {"default_payment_method": good.id})
    fresh.advance(3 * DAY)
    assert client.v1.invoices.retrieve(invoice.id).status == "paid"
    assert status_of(fresh, subscription) == "active"


def test_a_draft_paid_by_hand_is_finalized_first(fresh: LocalStripe) -> None:
    client = fresh.client()
    _, invoice = drafted(fresh)
    paid = client.v1.invoices.pay(invoice.id)
    assert (paid.status, paid.attempt_count) == ("paid", 1)
    assert paid.status_transitions.finalized_at == paid.status_transitions.paid_at
    assert types_of(fresh, invoice) == [
        *("invoice.created", "invoice.finalized", "invoice.updated"),
        *("invoice.paid", "invoice.payment_succeeded"),
    ]

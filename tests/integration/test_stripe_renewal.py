"""The hour between the end of a period and the charge for the next one."""

from typing import Any

from tests.integration.stripe_fixtures import DAY, HOUR, LocalStripe, fresh

__all__ = ["fresh"]


def end_of(subscription: Any) -> int:
    return int(subscription["items"].data[0].current_period_end)


def to_the_end(local: LocalStripe, subscription: Any, more: int = 0) -> Any:
    """Move to the end of the subscription's period; the subscription with its invoice then."""
    local.advance(end_of(subscription) + more - local.account.clock.now())
    return local.client().v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})


def since(local: LocalStripe, customer: str, moment: int) -> list[tuple[int, str]]:
    """How many seconds after a moment which event of the customer happened."""
    return [
        (event.created - moment, event.type)
        for event in local.events(customer)
        if event.created >= moment
    ]


def test_a_renewal_is_a_draft_for_an_hour_and_then_paid(fresh: LocalStripe) -> None:
    customer, subscription = fresh.subscriber()
    end = end_of(subscription)
    begun = to_the_end(fresh, subscription, 60)
    draft = begun.latest_invoice
    assert (begun.status, begun["items"].data[0].current_period_start) == ("active", end)
    assert (draft.status, draft.number, draft.amount_due) == ("draft", None, 2900)
    assert (draft.auto_advance, draft.automatically_finalizes_at) == (True, end + HOUR)
    assert draft.billing_reason == "subscription_cycle"
    paid = to_the_end(fresh, subscription, HOUR).latest_invoice
    assert (paid.id, paid.status, paid.amount_paid) == (draft.id, "paid", 2900)
    assert (paid.auto_advance, paid.automatically_finalizes_at) == (False, None)
    assert paid.status_transitions.finalized_at == end + HOUR
    assert since(fresh, customer.id, end) == [
        (0, "invoice.created"),
        (0, "customer.subscription.updated"),
        (HOUR, "invoice.finalized"),
        (HOUR, "payment_intent.created"),
        (HOUR, "charge.succeeded"),
        (HOUR, "payment_intent.succeeded"),
        (HOUR, "invoice.updated"),
        (HOUR, "invoice.paid"),
        (HOUR, "invoice.payment_succeeded"),
    ]


def test_the_card_at_the_end_of_the_hour_pays(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer, subscription = fresh.subscriber()
    to_the_end(fresh, subscription)
    bad = client.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id})
    still = client.v1.subscriptions.update(subscription.id, {"default_payment_method": bad.id})
    assert still.status == "active"
    late = to_the_end(fresh, subscription, HOUR)
    assert (late.status, late.latest_invoice.status) == ("past_due", "open")
    changed = fresh.events(subscription.id)[-1]
    assert changed.data.previous_attributes.to_dict() == {"status": "active"}
    assert changed.created == end_of(subscription) + HOUR


def test_a_trial_without_a_card_is_active_until_the_charge(fresh: LocalStripe) -> None:
    client = fresh.client()
    customer = client.v1.customers.create()
    trial = client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": fresh.price()}], "trial_period_days": 7}
    )
    assert to_the_end(fresh, trial).status == "active"
    assert to_the_end(fresh, trial, HOUR).status == "past_due"


def test_what_costs_nothing_waits_for_its_hour_too(fresh: LocalStripe) -> None:
    client = fresh.client()
    coupon = client.v1.coupons.create({"percent_off": 100, "duration": "forever"})
    customer, subscription = fresh.subscriber()
    client.v1.subscriptions.update(subscription.id, {"discounts": [{"coupon": coupon.id}]})
    assert to_the_end(fresh, subscription).latest_invoice.status == "draft"
    free = to_the_end(fresh, subscription, HOUR).latest_invoice
    assert (free.status, free.amount_paid, free.attempt_count) == ("paid", 0, 0)
    assert len(client.v1.charges.list({"customer": customer.id}).data) == 1


def test_what_is_cancelled_in_the_hour_is_not_charged(fresh: LocalStripe) -> None:
    customer, subscription = fresh.subscriber()
    to_the_end(fresh, subscription)
    fresh.client().v1.subscriptions.cancel(subscription.id)
    ended = to_the_end(fresh, subscription, 2 * DAY)
    draft = ended.latest_invoice
    assert (ended.status, draft.status, draft.auto_advance) == ("canceled", "draft", False)
    assert "invoice.finalized" not in [
        kind for _, kind in since(fresh, customer.id, end_of(subscription))
    ]


def test_what_is_invoiced_meanwhile_decides_and_both_are_paid(fresh: LocalStripe) -> None:
    client = fresh.client()
    _, subscription = fresh.subscriber()
    renewal = to_the_end(fresh, subscription).latest_invoice
    more: Any = {
        "items": [{"id": subscription["items"].data[0].id, "quantity": 2}],
        "proration_behavior": "always_invoice",
        "expand": ["latest_invoice"],
    }
    raised = client.v1.subscriptions.update(subscription.id, more)
    assert (raised.latest_invoice.status, raised.status) == ("paid", "active")  # type: ignore[union-attr]
    after = to_the_end(fresh, subscription, HOUR)
    assert after.latest_invoice.id == raised.latest_invoice.id  # type: ignore[union-attr]
    assert client.v1.invoices.retrieve(renewal.id).status == "paid"


def test_a_draft_finalised_by_hand_is_charged_at_its_time(fresh: LocalStripe) -> None:
    client = fresh.client()
    _, subscription = fresh.subscriber()
    draft = to_the_end(fresh, subscription).latest_invoice
    opened = client.v1.invoices.finalize_invoice(draft.id)
    assert (opened.status, opened.attempted, opened.auto_advance) == ("open", False, True)
    after = to_the_end(fresh, subscription, HOUR)
    assert (after.status, after.latest_invoice.status) == ("active", "paid")
    assert after.latest_invoice.attempt_count == 1


def test_a_draft_held_back_is_not_charged(fresh: LocalStripe) -> None:
    client = fresh.client()
    _, subscription = fresh.subscriber()
    draft = to_the_end(fresh, subscription).latest_invoice
    client.v1.invoices.update(draft.id, {"auto_advance": False})
    held = to_the_end(fresh, subscription, 2 * DAY)
    assert (held.status, held.latest_invoice.status) == ("active", "draft")
    client.v1.invoices.update(draft.id, {"auto_advance": True})
    assert to_the_end(fresh, subscription, 2 * DAY + 1).latest_invoice.status == "paid"

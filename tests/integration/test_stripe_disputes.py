"""Charges that their owners dispute: what the test cards bring, and how it ends."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import DAY, LocalStripe, fresh, local

__all__ = ["fresh", "local"]
CARDS = {
    "fraudulent": ("4000000000000259", "pm_card_createDispute"),
    "product_not_received": ("4000000000002685", "pm_card_createDisputeProductNotReceived"),
    "inquiry": ("4000000000001976", "pm_card_createDisputeInquiry"),
}
DISPUTED = "charge.dispute."


def disputed(local: LocalStripe, kind: str = "fraudulent") -> Any:
    """The dispute about the first payment of a subscription ($29.00)."""
    customer, _ = local.subscriber(CARDS[kind][0])
    client = local.client()
    charge = client.v1.charges.list({"customer": customer.id}).data[0]
    assert (charge.status, charge.disputed, charge.amount) == ("succeeded", True, 2900)
    found = client.v1.disputes.list({"charge": charge.id}).data
    assert len(found) == 1
    return found[0]


def answer(local: LocalStripe, dispute: Any, text: str) -> Any:
    params: Any = {"evidence": {"uncategorized_text": text}}
    return local.client().v1.disputes.update(dispute.id, params)


def types_of(local: LocalStripe, dispute: Any) -> list[str]:
    return [event.type.removeprefix(DISPUTED) for event in local.events(dispute.id)]


def nets(dispute: Any) -> list[tuple[int, int]]:
    return [(each.amount, each.net) for each in dispute.balance_transactions]


@pytest.mark.parametrize(
    ("kind", "reason", "code"),
    [
        ("fraudulent", "fraudulent", "10.4"),
        ("product_not_received", "product_not_received", "13.1"),
    ],
)
def test_a_chargeback_takes_the_money_and_a_fee(
    local: LocalStripe, kind: str, reason: str, code: str
) -> None:
    dispute = disputed(local, kind)
    assert (dispute.status, dispute.reason) == ("needs_response", reason)
    assert (dispute.amount, dispute.is_charge_refundable) == (2900, False)
    card = dispute.payment_method_details.card
    assert (card.case_type, card.network_reason_code) == ("chargeback", code)
    # 2900 and the fee of 1500
    assert nets(dispute) == [(-2900, -4400)]
    due_by = dispute.evidence_details.due_by
    assert due_by % DAY == DAY - 1
    assert 8 * DAY <= due_by - dispute.created < 9 * DAY
    assert dispute.evidence.customer_email_address == "ada@example.com"
    assert types_of(local, dispute) == ["created", "funds_withdrawn"]
    with pytest.raises(stripe.InvalidRequestError, match="cannot issue a refund") as refused:
        local.client().v1.refunds.create({"charge": dispute.charge})
    assert refused.value.code == "charge_disputed"


@pytest.mark.parametrize("kind", CARDS)
def test_the_names_of_the_cards(local: LocalStripe, kind: str) -> None:
    client = local.client()
    customer = client.v1.customers.create()
    method = client.v1.payment_methods.attach(CARDS[kind][1], {"customer": customer.id})
    made = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "default_payment_method": method.id,
            "items": [{"price": local.price()}],
        }
    )
    assert made.status == "active"
    intent = client.v1.payment_intents.list({"customer": customer.id}).data[0]
    found = client.v1.disputes.list({"payment_intent": intent.id}).data[0]
    shown = client.v1.disputes.retrieve(found.id, {"expand": ["charge", "payment_intent"]})
    assert shown.charge.payment_intent == shown.payment_intent.id  # type: ignore[union-attr]


def test_an_inquiry_moves_no_money(local: LocalStripe) -> None:
    client = local.client()
    dispute = disputed(local, "inquiry")
    assert (dispute.status, dispute.is_charge_refundable) == ("warning_needs_response", True)
    assert dispute.payment_method_details.card.case_type == "inquiry"
    assert (nets(dispute), types_of(local, dispute)) == ([], ["created"])
    assert client.v1.refunds.create({"charge": dispute.charge, "amount": 900}).amount == 900
    assert client.v1.disputes.close(dispute.id).status == "warning_closed"
    assert types_of(local, dispute) == ["created", "closed"]


def test_winning_evidence_brings_the_money_back(local: LocalStripe) -> None:
    dispute = disputed(local)
    client = local.client()
    sent = answer(local, dispute, "winning_evidence")
    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
    assert sent.evidence_details.has_evidence is True
    won = client.v1.disputes.retrieve(dispute.id)
    assert (won.status, won.is_charge_refundable) == ("won", True)
    assert nets(won) == [(-2900, -4400), (2900, 4400)]
    assert types_of(local, dispute) == [
        *("created", "funds_withdrawn", "updated", "funds_reinstated", "closed")
    ]
    assert client.v1.refunds.create({"charge": str(dispute.charge)}).amount == 2900
    for again in (client.v1.disputes.close, client.v1.disputes.update):
        with pytest.raises(stripe.InvalidRequestError, match="This dispute is already closed"):
            again(dispute.id)


def test_losing_evidence_and_giving_up(local: LocalStripe) -> None:
    client = local.client()
    first, second = disputed(local), disputed(local)
    assert answer(local, first, "losing_evidence").status == "under_review"
    assert client.v1.disputes.retrieve(first.id).status == "lost"
    assert client.v1.disputes.close(second.id).status == "lost"
    for dispute in (first, second):
        lost = client.v1.disputes.retrieve(dispute.id)
        assert (nets(lost), lost.is_charge_refundable) == ([(-2900, -4400)], False)
        assert types_of(local, dispute)[-1] == "closed"


def test_an_inquiry_can_become_a_chargeback(local: LocalStripe) -> None:
    dispute = disputed(local, "inquiry")
    client = local.client()
    sent = answer(local, dispute, "escalate_inquiry_evidence")
    assert sent.status == "warning_under_review"
    grown = client.v1.disputes.retrieve(dispute.id)
    assert (grown.status, nets(grown)) == ("needs_response", [(-2900, -4400)])
    assert grown.payment_method_details.card.case_type == "chargeback"  # type: ignore[union-attr]
    assert types_of(local, dispute) == ["created", "updated", "updated", "funds_withdrawn"]
    answer(local, grown, "winning_evidence")
    assert client.v1.disputes.retrieve(dispute.id).status == "won"


def test_evidence_can_wait_to_be_sent(local: LocalStripe) -> None:
    dispute = disputed(local)
    client = local.client()
    params: Any = {"evidence": {"product_description": "A plan"}, "submit": False}
    staged = client.v1.disputes.update(dispute.id, params)
    assert (staged.status, staged.evidence.product_description) == ("needs_response", "A plan")
    assert staged.evidence_details.submission_count == 0
    noted = client.v1.disputes.update(dispute.id, {"metadata": {"case": "7"}})
    assert (noted.status, noted.to_dict()["metadata"]) == ("needs_response", {"case": "7"})
    sent = client.v1.disputes.update(dispute.id, {"submit": True})
    assert (sent.status, sent.evidence.product_description) == ("under_review", "A plan")
    assert client.v1.disputes.retrieve(dispute.id).status == "under_review"
    long: Any = {"evidence": dict.fromkeys(LONG, "x" * 20000)}
    with pytest.raises(stripe.InvalidRequestError, match="at most 150000 characters"):
        client.v1.disputes.update(dispute.id, long)
    with pytest.raises(stripe.StripeError, match=r"evidence\[receipt\]") as unbuilt:
        client.v1.disputes.update(dispute.id, {"evidence": {"receipt": "file_1"}})
    assert unbuilt.value.http_status == 501


LONG = (
    *("access_activity_log", "cancellation_policy_disclosure", "cancellation_rebuttal"),
    *("duplicate_charge_explanation", "product_description", "refund_policy_disclosure"),
    *("refund_refusal_explanation", "uncategorized_text"),
)


def test_silence_loses_when_its_time_is_over(fresh: LocalStripe) -> None:
    client = fresh.client()
    chargeback, inquiry = disputed(fresh), disputed(fresh, "inquiry")
    due_by = chargeback.evidence_details.due_by
    fresh.advance(due_by - chargeback.created - 60)
    assert client.v1.disputes.retrieve(chargeback.id).status == "needs_response"
    fresh.advance(120)
    lost = client.v1.disputes.retrieve(chargeback.id)
    assert (lost.status, lost.evidence_details.past_due) == ("lost", True)
    assert fresh.events(chargeback.id)[-1].created == due_by + 1
    fresh.advance(112 * DAY)
    closed = client.v1.disputes.retrieve(inquiry.id)
    assert (closed.status, nets(closed)) == ("warning_closed", [])

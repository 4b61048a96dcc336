"""How a disputed charge goes: it is questioned, answered, and won or lost.

Source: Stripe's documentation "How disputes work", and "Disputes" of its test cards. An inquiry
(`warning_…`) is a question that moves no money; a chargeback has taken it back already.
"""

from localcloud.stripe.errors import invalid
from localcloud.stripe.nouns import new_id
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

DAY = 86400
DAYS_TO_ANSWER = 8
INQUIRY_DAYS = 120
FEE = 1500
OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
KINDS = {
    "fraudulent": ("chargeback", "fraudulent", "10.4"),
    "product_not_received": ("chargeback", "product_not_received", "13.1"),
    "inquiry": ("inquiry", "fraudulent", "10"),
}
"""What a test card brings: case type, reason, and Visa's code of it."""
EVIDENCE = (
    *("access_activity_log", "billing_address", "cancellation_policy"),
    *("cancellation_policy_disclosure", "cancellation_rebuttal", "customer_communication"),
    *("customer_email_address", "customer_name", "customer_purchase_ip", "customer_signature"),
    *("duplicate_charge_documentation", "duplicate_charge_explanation", "duplicate_charge_id"),
    *("product_description", "receipt", "refund_policy", "refund_policy_disclosure"),
    *("refund_refusal_explanation", "service_date", "service_documentation", "shipping_address"),
    *("shipping_carrier", "shipping_date", "shipping_documentation", "shipping_tracking_number"),
    *("uncategorized_file", "uncategorized_text"),
)


def begin(work: Work, charge: Obj, kind: str) -> Obj:
    """The cardholder disputes a charge (`kind` of `KINDS`); stores both and announces it."""
    case_type, reason, code = KINDS[kind]
    brand = charge["payment_method_details"]["card"]["brand"]
    work.update(charge, disputed=True)
    day = (work.now + DAYS_TO_ANSWER * DAY) // DAY
    due_by = (day + 1) * DAY - 1
    dispute = work.new(
        "dispute",
        amount=charge["amount"],
        balance_transactions=[],
        charge=charge["id"],
        currency=charge["currency"],
        enhanced_eligibility_types=[],
        evidence=_evidence(charge),
        evidence_details={
            "due_by": due_by,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        intended_submission_method=None,
        is_charge_refundable=True,
        metadata={},
        network_reason_code=code,
        payment_intent=charge["payment_intent"],
        payment_method_details={
            "card": {
                "brand": brand,
                "case_type": case_type,
                "network": brand,
                "network_reason_code": code,
            },
            "type": "card",
        },
        reason=reason,
        status="warning_needs_response",
        _due=work.now + INQUIRY_DAYS * DAY,
    )
    if case_type == "inquiry":
        return work.create(dispute, "charge.dispute.created")
    dispute.update(status="needs_response", is_charge_refundable=False, _due=due_by + 1)
    dispute["balance_transactions"] = [_moved(work, dispute, -1)]
    work.create(dispute, "charge.dispute.created")
    work.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def _evidence(charge: Obj) -> Obj:
    """What Stripe knows of the customer by itself."""
    known = charge["billing_details"]
    return {
        **dict.fromkeys(EVIDENCE),
        "customer_email_address": known["email"],
        "customer_name": known["name"],
        "enhanced_evidence": {},
    }


def _moved(work: Work, dispute: Obj, sign: int) -> Obj:
    """The balance transaction that takes amount and fee (`sign` -1) or gives both back (1)."""
    taken = sign < 0
    amount, fee = sign * dispute["amount"], -sign * FEE
    word = "withdrawal" if taken else "reversal"
    detail = "Dispute fee" if taken else "Dispute fee refund"
    return {
        "id": new_id("balance_transaction"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": work.now,
        "balance_type": "payments",
        "created": work.now,
        "currency": dispute["currency"],
        "description": f"Chargeback {word} for {dispute['charge']}",
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [
            {
                "amount": fee,
                "application": None,
                "currency": dispute["currency"],
                "description": detail,
                "type": "stripe_fee",
            }
        ],
        "net": amount - fee,
        "reporting_category": "dispute" if taken else "dispute_reversal",
        "source": dispute["id"],
        "status": "available",
        "type": "adjustment",
    }


def check_open(dispute: Obj) -> None:
    """Raise a 400 for a dispute that has been decided."""
    if dispute["status"] not in OPEN:
        raise invalid("This dispute is already closed")


def submit(work: Work, dispute: Obj) -> None:
    """Send the evidence that lies there to the bank; the caller stores and announces it.

    The bank of a test card decides, a moment later, if the text is one that Stripe names for tests.
    """
    inquiry = dispute["status"].startswith("warning_")
    details = dispute["evidence_details"]
    dispute.update(
        status="warning_under_review" if inquiry else "under_review",
        evidence_details={
            **details,
            "has_evidence": True,
            "submission_count": details["submission_count"] + 1,
            "submission_method": "manual",
        },
    )
    decided = dispute["evidence"]["uncategorized_text"] in DECISIONS
    if decided:
        dispute["_due"] = work.now
    elif not inquiry:
        dispute["_due"] = None


def on_due(work: Work, dispute: Obj) -> None:
    """The bank decides, or nobody has answered in time."""
    if dispute["status"].endswith("under_review"):
        decide = DECISIONS.get(dispute["evidence"]["uncategorized_text"], lose)
        decide(work, dispute)
    else:
        if dispute["status"] == "needs_response":
            details = {**dispute["evidence_details"], "past_due": True}
            dispute["evidence_details"] = details
        lose(work, dispute)


def lose(work: Work, dispute: Obj) -> None:
    """The cardholder keeps the money; an inquiry ends without having moved any."""
    inquiry = dispute["status"].startswith("warning_")
    work.update(dispute, status="warning_closed" if inquiry else "lost", _due=None)
    work.emit("charge.dispute.closed", dispute)


def win(work: Work, dispute: Obj) -> None:
    """Amount and fee come back, and the charge can be refunded; an inquiry had taken nothing."""
    if dispute["status"].startswith("warning_"):
        lose(work, dispute)
        return
    moves = [*dispute["balance_transactions"], _moved(work, dispute, 1)]
    dispute.update(balance_transactions=moves, is_charge_refundable=True)
    work.update(dispute, status="won", _due=None)
    work.emit("charge.dispute.funds_reinstated", dispute)
    work.emit("charge.dispute.closed", dispute)


def escalate(work: Work, dispute: Obj) -> None:
    """An inquiry becomes a chargeback, to be answered anew."""
    if not dispute["status"].startswith("warning_"):
        work.update(dispute, _due=None)
        return
    before = work.present(dispute)
    card = {**dispute["payment_method_details"]["card"], "case_type": "chargeback"}
    dispute.update(
        balance_transactions=[_moved(work, dispute, -1)],
        is_charge_refundable=False,
        payment_method_details={**dispute["payment_method_details"], "card": card},
        status="needs_response",
        _due=dispute["evidence_details"]["due_by"] + 1,
    )
    work.update(dispute)
    work.announce_change("charge.dispute.updated", before, dispute)
    work.emit("charge.dispute.funds_withdrawn", dispute)


DECISIONS = {
    "winning_evidence": win,
    "losing_evidence": lose,
    "escalate_inquiry_evidence": escalate,
}
"""Texts, as `uncategorized_text`, with which a test decides."""

"""Disputes in the API (https://docs.stripe.com/api/disputes); see `localcloud.stripe.disputes`."""

from localcloud.stripe import disputes
from localcloud.stripe.errors import invalid
from localcloud.stripe.lists import filters, page
from localcloud.stripe.params import EXPAND, PAGE, Boolean, Hash, Metadata, Range, Text, words
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work, given

URL = "/v1/disputes"
LONGEST_EVIDENCE = 150_000
FILES = words(
    """cancellation_policy customer_communication customer_signature
    duplicate_charge_documentation receipt refund_policy service_documentation
    shipping_documentation uncategorized_file"""
)


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("dispute", id))


def list_all(work: Work, params: Obj) -> Obj:
    wheres = filters(params, "charge", "created", "payment_intent")
    return page(work, "dispute", URL, params, *wheres)


def update(work: Work, params: Obj, id: str) -> Obj:
    """Add evidence and, unless `submit` is false, send it to the bank."""
    dispute = work.need("dispute", id)
    disputes.check_open(dispute)
    before = work.present(dispute)
    dispute.update(given(dispute, params))
    evidence = params.get("evidence")
    if evidence:
        dispute["evidence"] = {**dispute["evidence"], **evidence}
        if sum(len(text) for text in dispute["evidence"].values() if text) > LONGEST_EVIDENCE:
            raise invalid(
                f"The evidence may have at most {LONGEST_EVIDENCE} characters in all.", "evidence"
            )
    if params.get("submit", bool(evidence)):
        disputes.submit(work, dispute)
    work.update(dispute)
    work.announce_change("charge.dispute.updated", before, dispute)
    return work.present(dispute)


def close(work: Work, params: Obj, id: str) -> Obj:
    """Accept the dispute; it cannot be taken back."""
    dispute = work.need("dispute", id)
    disputes.check_open(dispute)
    disputes.lose(work, dispute)
    return work.present(dispute)


TEXTS = [name for name in disputes.EVIDENCE if name not in FILES]
RESOURCE = Resource(
    kind="dispute",
    on_due=disputes.on_due,
    expandable={"charge": "charge", "payment_intent": "payment_intent"},
    routes=(
        Route(
            "GET",
            URL,
            list_all,
            Hash({**PAGE, "charge": Text(), "created": Range(), "payment_intent": Text()}),
        ),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route(
            "POST",
            URL + "/{id}",
            update,
            Hash(
                {
                    **EXPAND,
                    "evidence": Hash(
                        dict.fromkeys(TEXTS, Text(20_000, clearable=True)),
                        unbuilt=(*FILES, "appeal", "enhanced_evidence"),
                    ),
                    "metadata": Metadata(),
                    "submit": Boolean(),
                },
                unbuilt=("intended_submission_method",),
            ),
        ),
        Route("POST", URL + "/{id}/close", close, Hash(EXPAND)),
    ),
)

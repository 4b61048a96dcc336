"""Pausing the collection of payments: what becomes of a subscription's invoices meanwhile.

Source: "Pause payment collection" of Stripe's documentation. The subscription's status stays as it
is; invoices made before the pause are collected as if there were none.
"""

from localcloud.stripe import invoicing
from localcloud.stripe.errors import invalid
from localcloud.stripe.params import Enum, Hash, Integer
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work

PARAMS = Hash(
    {
        "behavior": Enum(("keep_as_draft", "mark_uncollectible", "void")),
        "resumes_at": Integer(0, words=("",)),
    },
    required=("behavior",),
    clearable=True,
)


def wanted(work: Work, params: Obj) -> Obj | None:
    """The field as a request wants it; None ends the pause. Raises a 400 for a moment gone by."""
    pause: Obj | None = params["pause_collection"]
    if pause is None:
        return None
    moment = pause.get("resumes_at")
    if moment is not None and moment <= work.now:
        raise invalid("`resumes_at` must be in the future.", "pause_collection[resumes_at]")
    return {"behavior": pause["behavior"], "resumes_at": moment}


def over(work: Work, subscription: Obj) -> bool:
    """Whether the moment has come at which collection goes on by itself."""
    pause = subscription["pause_collection"]
    return bool(pause and pause["resumes_at"] is not None and pause["resumes_at"] <= work.now)


def hold(work: Work, subscription: Obj, invoice: Obj) -> None:
    """Do to an announced draft what the pause asks for, instead of collecting it.

    A draft stays one after the pause as well, until somebody finalises it. What is void does not
    touch the customer's credit. Where nothing is due there is nothing to write off: it is paid.
    """
    behavior = subscription["pause_collection"]["behavior"]
    if behavior == "keep_as_draft":
        return
    invoicing.finalize(work, invoice, balance=behavior != "void")
    if behavior == "void":
        invoicing.void(work, invoice)
    elif invoice["amount_due"] == 0:
        invoicing.settle(work, invoice, None)
    else:
        invoicing.write_off(work, invoice)

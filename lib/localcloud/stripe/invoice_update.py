"""Changing an invoice by the API: a draft in much, a finalized one in little."""

from localcloud.stripe import invoicing, retry_schedule
from localcloud.stripe.errors import invalid
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_checks import own_method
from localcloud.stripe.work import Work, given

ALWAYS = {"auto_advance", "default_payment_method", "metadata"}
"""What can be changed of an invoice that is no draft any more."""


def update(work: Work, invoice: Obj, params: Obj) -> None:
    """Change and announce an invoice. Raises a 400 for what is settled once it is finalized."""
    draft = invoice["status"] == "draft"
    settled = [name for name in params if name not in ALWAYS]
    if settled and not draft:
        raise invalid("Finalized invoices can't be updated in this way", settled[0])
    before = work.present(invoice)
    invoice.update(changes(work, invoice, params))
    if draft:
        plan(work, invoice, params)
    elif "auto_advance" in params and invoice["status"] == "open":
        _collect(work, invoice, wanted=params["auto_advance"])
    work.update(invoice)
    work.announce_change("invoice.updated", before, invoice)


def _collect(work: Work, invoice: Obj, *, wanted: bool) -> None:
    """Try an open invoice by itself again, within an hour, or no more; the caller stores it."""
    if not wanted:
        retry_schedule.stop(invoice)
    elif not invoice["auto_advance"]:
        moment = work.now + invoicing.DRAFT_SECONDS
        invoice.update(auto_advance=True, next_payment_attempt=moment, _due=moment)


def changes(work: Work, invoice: Obj, params: Obj) -> Obj:
    """The parameters as fields of the object, except those that plan its finalization."""
    found = given(invoice, params, "description", "footer", "statement_descriptor")
    if "default_payment_method" in params:
        wanted = params["default_payment_method"]
        customer = invoice["customer"]
        found["default_payment_method"] = own_method(work, customer, params) if wanted else None
    return {**found, **_collection(invoice, params)}


def _collection(invoice: Obj, params: Obj) -> Obj:
    """How it is collected, and when it is due: only what is sent to someone has a due date."""
    method = params.get("collection_method", invoice["collection_method"])
    found: Obj = {"collection_method": method}
    due = {"days_until_due", "due_date"} & set(params)
    if len(due) == 2:
        raise invalid("You may only specify one of these parameters: days_until_due, due_date.")
    if due and method != "send_invoice":
        raise invalid(
            "You can only specify 'due_date' or 'days_until_due' if invoice collection method is "
            "'send_invoice'."
        )
    if "days_until_due" in params:
        found["due_date"] = invoice["created"] + params["days_until_due"] * 86400
    elif "due_date" in params:
        found["due_date"] = params["due_date"]
    elif method == "charge_automatically":
        found["due_date"] = None
    return found


def plan(work: Work, invoice: Obj, params: Obj) -> None:
    """Set when a draft is finalized by itself: an hour after it was made, unless told otherwise.

    The caller stores it. Raises a 400 for a moment without `auto_advance`, or one in the past.
    """
    advance = params.get("auto_advance", invoice["auto_advance"])
    moment = params.get("automatically_finalizes_at")
    if moment is not None:
        if not advance:
            raise invalid(
                "`automatically_finalizes_at` needs `auto_advance`.", "automatically_finalizes_at"
            )
        if moment <= work.now:
            raise invalid(
                "The `automatically_finalizes_at` timestamp must be in the future.",
                "automatically_finalizes_at",
            )
    elif "auto_advance" not in params:
        return
    if not advance:
        retry_schedule.stop(invoice)
        return
    moment = moment or max(invoice["created"] + invoicing.DRAFT_SECONDS, work.now)
    invoice.update(auto_advance=True, automatically_finalizes_at=moment, _due=moment)

"""What usage costs on invoices: billed after the time it fell in, as its price's meter counts it.

Sources: "Record usage for billing with the API", "Manage your usage-based billing setup" and
"Compare classic and flexible billing mode" of Stripe's documentation.
"""

from localcloud.stripe import invoice_composition, invoice_objects, pricing, usage
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_objects import in_advance, items_of, period_of
from localcloud.stripe.work import Work


def close(item: Obj, moment: int, *, free: bool = False) -> None:
    """What an item was used for up to `moment` is due with the next invoice, unless it is `free`.

    The caller stores the item. One that an earlier release stored was used since its period began.
    """
    since = item.get("_used_from", item["current_period_start"])
    item["_past"] = None if free else [since, moment]
    item["_used_from"] = moment


def due(work: Work, subscription: Obj, item: Obj) -> list[Obj]:
    """The lines of the next invoice for what was used up to its period.

    Of an item that is new that is nothing, which only classic billing mode says on the invoice.
    """
    start, end = item.get("_past") or (0, 0)
    if start < end:
        work.update(item, _past=None)
        return lines(work, subscription, item, start, end)
    if subscription["billing_mode"]["type"] == "flexible":
        return []
    span = period_of(work, subscription)
    price = work.need("price", item["_price"])
    (first, *_) = pricing.parts(price, 0)
    return [_line(work, subscription, item, first, span, free=_in_trial(subscription, *span))]


def rest(work: Work, subscription: Obj) -> list[Obj]:
    """The lines of the last invoice for what was used since the one before, if anything was."""
    items = [item for item in items_of(work, subscription) if not in_advance(work, item)]
    return [line for item in items for line in final(work, subscription, item)]


def final(work: Work, subscription: Obj, item: Obj) -> list[Obj]:
    """Lines for what an item that ends now was used for, this second included, if it was.

    A trial's use is not worth an invoice.
    """
    start, end = item["_used_from"], work.now
    if _in_trial(subscription, start, end):
        return []
    used = lines(work, subscription, item, start, end, until=end + 1)
    return [line for line in used if line["quantity"]]


def lines(
    work: Work, subscription: Obj, item: Obj, start: int, end: int, *, until: int | None = None
) -> list[Obj]:
    """Lines for what was used in a period (epoch seconds); a negative sum is nothing used.

    `until` is when counting stops if not with the period. What falls into a trial costs nothing.
    `_usage` lets `recount` find the lines again.
    """
    until = end if until is None else until
    price = work.need("price", item["_price"])
    meter = work.need("billing.meter", price["recurring"]["meter"])
    free = _in_trial(subscription, start, end)
    uses = usage.within(work.store, meter, subscription["customer"], start, until)
    quantity = max(0, usage.total(meter, uses))
    parts = [pricing.Part(quantity, 0, "0")] if free else pricing.parts(price, quantity)
    span = {"item": item["id"], "price": price["id"], "start": start, "end": end, "until": until}
    made = [_line(work, subscription, item, part, (start, end), free=free) for part in parts]
    return [{**line, "_usage": span} for line in made]


def _in_trial(subscription: Obj, start: int, end: int) -> bool:
    begun, over = subscription["trial_start"], subscription["trial_end"]
    return begun is not None and begun <= start and end <= over


def _line(
    work: Work,
    subscription: Obj,
    item: Obj,
    part: pricing.Part,
    span: tuple[int, int],
    *,
    free: bool,
) -> Obj:
    note = ""
    if free:
        price = work.need("price", item["_price"])
        counted = invoice_objects.counted(part.quantity, work.find("product", price["product"]))
        flexible = subscription["billing_mode"]["type"] == "flexible"
        note = f"Free trial for {counted}" if flexible else f"{counted} (Free trial)"
    return invoice_objects.line(work, item, part.amount, span, note, part=part)


def recount(work: Work, invoice: Obj) -> None:
    """Bring a draft up to what has been reported for its time by now, before it is finalized.

    "When the invoice finalizes, we update it to reflect the latest quantity." A coupon for once
    that had nothing to take off when the draft was made is left for the next invoice.
    """
    if not any(line.get("_usage") for line in invoice["_lines"]):
        return
    subscription = work.need("subscription", invoice["_subscription"])
    whole: list[Obj] = []
    counted: list[Obj] = []
    for line in invoice["_lines"]:
        span = line.get("_usage")
        if span is None:
            whole.append(line)
        elif span not in counted:
            counted.append(span)
            whole += _again(work, subscription, invoice, span)
    if [_gist(line) for line in whole] == [_gist(line) for line in invoice["_lines"]]:
        return
    invoice_composition.recount(work, invoice, whole)


def _again(work: Work, subscription: Obj, invoice: Obj, span: Obj) -> list[Obj]:
    """The lines of one `_usage` counted anew; a tier reached meanwhile is a line with a new id."""
    stored = work.find("subscription_item", span["item"]) or {}
    item = {**stored, "_price": span["price"]}
    start, end, until = span["start"], span["end"], span["until"]
    made = lines(work, subscription, item, start, end, until=until)
    ids = [line["id"] for line in invoice["_lines"] if line.get("_usage") == span]
    for line, identifier in zip(made, ids, strict=False):
        line["id"] = identifier
    return [{**line, "invoice": invoice["id"]} for line in made]


def _gist(line: Obj) -> tuple[str, int, int]:
    return line["id"], line["quantity"], line["amount"]

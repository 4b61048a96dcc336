"""Credit for time not used and charge for time that remains, to the second.

Source: Stripe's documentation "Prorations" and "Compare classic and flexible billing mode".
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from localcloud.stripe import invoice_objects, metered, subscription_discounts
from localcloud.stripe.errors import invalid
from localcloud.stripe.item_changes import Change
from localcloud.stripe.resources import invoice_items
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_invoices import debit_of
from localcloud.stripe.subscription_objects import full, in_advance, items_of, period_of
from localcloud.stripe.work import Work


def portion(amount: int, part: int, whole: int) -> int:
    """`amount` × `part` / `whole` in whole minor units; a half is rounded away from zero."""
    rounded = (2 * abs(amount) * part + whole) // (2 * whole)
    return rounded if amount >= 0 else -rounded


@dataclass(frozen=True)
class Proration:
    """The rest of a subscription's period from a moment (epoch seconds) on."""

    work: Work
    subscription: Obj
    moment: int

    def credit(self, item: Obj) -> None:
        """Give back what the rest of the period cost, as an invoice item that waits."""
        amount = self._unused(item)
        line = self._line(item, -amount, "Unused time on")
        debit = item.get("_debit")
        if debit and debit["invoice"]:
            line["parent"]["subscription_item_details"]["proration_details"] = {
                "credited_items": {
                    "invoice": debit["invoice"],
                    "invoice_line_items": [debit["line"]],
                }
            }
        self._wait(line)

    def debit(self, item: Obj) -> None:
        """Charge the rest of the period, as an invoice item that waits."""
        start, end = period_of(self.work, self.subscription)
        items = items_of(self.work, self.subscription)
        whole = [full(self.work, each) for each in items]
        place = [each["id"] for each in items].index(item["id"])
        net = subscription_discounts.lasting(self.work, self.subscription, whole)[place]
        line = self._line(item, portion(net, end - self.moment, end - start), "Remaining time on")
        self._wait(line)
        gross = portion(whole[place], end - self.moment, end - start)
        self.work.update(item, _debit=debit_of(line, gross))

    def usage(self, item: Obj, *, ends: bool) -> None:
        """Charge what was used at a price that goes, with its item if that `ends`: what waits.

        Only in flexible billing mode: classic forgets it ("Update prices mid-cycle").
        """
        work, subscription = self.work, self.subscription
        if subscription["billing_mode"]["type"] == "classic":
            return
        if ends:
            used = metered.final(work, subscription, item)
        else:
            used = metered.lines(work, subscription, item, item["_used_from"], work.now)
        for line in used:
            if line["quantity"]:
                self._wait({**line, "_usage": None})

    def _unused(self, item: Obj) -> int:
        """Classic billing mode credits by the current price, flexible by what was charged last.

        Either way the discounts of the last charge count.
        """
        start, end = period_of(self.work, self.subscription)
        debit = item.get("_debit")
        if self.subscription["billing_mode"]["type"] == "classic":
            paid, gross = (debit["amount"], debit["gross"]) if debit else (1, 1)
            if gross == 0:
                paid, gross = 1, 1
            amount = full(self.work, item) * paid
            return portion(amount, end - self.moment, (end - start) * gross)
        if debit is None or debit["end"] <= self.moment:
            return 0
        return portion(debit["amount"], debit["end"] - self.moment, debit["end"] - debit["start"])

    def _line(self, item: Obj, amount: int, words: str) -> Obj:
        work = self.work
        price = work.need("price", item["_price"])
        product = work.find("product", price["product"]) or {"name": "Product"}
        name = (
            product["name"] if item["quantity"] == 1 else f"{item['quantity']} × {product['name']}"
        )
        day = datetime.fromtimestamp(self.moment, UTC).strftime("%d %b %Y")
        period = (self.moment, period_of(work, self.subscription)[1])
        line = invoice_objects.line(work, item, amount, period, f"{words} {name} after {day}")
        line["discountable"] = False
        line["parent"]["subscription_item_details"]["proration"] = True
        line["pricing"]["unit_amount_decimal"] = _each(amount, item["quantity"])
        return line

    def _wait(self, line: Obj) -> None:
        invoice_items.new(self.work, self.subscription["customer"], line, self.moment)


def _each(amount: int, quantity: int) -> str:
    """The amount of one of `quantity`, to Stripe's twelve decimal places."""
    if quantity == 0 or amount % quantity == 0:
        return str(amount // (quantity or 1))
    whole, rest = divmod(abs(amount) * 10**12, quantity)
    digits = str(whole + (2 * rest >= quantity)).rjust(13, "0")
    return f"{'-' if amount < 0 else ''}{digits[:-12]}.{digits[-12:]}".rstrip("0")


def moment_of(work: Work, subscription: Obj, params: Obj) -> int:
    """The `proration_date` asked for, or now. Raises a 400 if it lies outside the period."""
    moment = int(params.get("proration_date", work.now))
    start, end = period_of(work, subscription)
    if not start <= moment <= end:
        raise invalid(
            "The subscription_proration_date must be within the current billing period: between "
            f"{start} and {end} (it is {moment}).",
            "proration_date",
        )
    return moment


def prorate(proration: Proration, changes: list[Change], *, whole: bool) -> None:
    """Credits and charges for changed items.

    `whole`: the period ends here, so every old item is credited and nothing more charged.
    """
    for change in changes:
        if not (whole or change.bills):
            continue
        if change.before and in_advance(proration.work, change.before):
            proration.credit(change.before)
        elif change.before and change.leaves:
            proration.usage(change.before, ends=change.after is None)
        if change.after and in_advance(proration.work, change.after) and not whole:
            proration.debit(change.after)

"""The catalogue of a portal configuration, as a subscription can be changed within it."""

from dataclasses import dataclass
from typing import Any

from localcloud.stripe import pricing
from localcloud.stripe.errors import invalid
from localcloud.stripe.pages import render
from localcloud.stripe.pages.portal_visit import Visit
from localcloud.stripe.resources.portal_flows import offered
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_objects import items_of

LARGEST = 999_999


@dataclass(frozen=True)
class Offer:
    """A price and quantity; `current` if the customer has just that.

    `least` and `most` bound the quantity where customers set it, else both are None.
    """

    price: str
    name: str
    text: str
    every: str
    quantity: int
    current: bool
    least: int | None
    most: int | None
    params: Obj

    @property
    def adjustable(self) -> bool:
        return self.least is not None


def offers(visit: Visit, subscription: Obj) -> list[Offer]:
    """What the customer may choose, in the order of the configuration; the current plan too."""
    item = items_of(visit.work, subscription)[0]
    feature = visit.feature("subscription_update")
    prices = [price for product in feature["products"] for price in product["prices"]]
    if "price" not in feature["default_allowed_updates"]:
        prices = [price for price in prices if price == item["_price"]]
    if item["_price"] not in prices:
        prices = [item["_price"], *prices]
    made = [_offer(visit, subscription, price, None) for price in prices]
    return [each for each in made if each is not None]


def wanted(visit: Visit, subscription: Obj, query: dict[str, str]) -> Offer:
    """The offer that a form names by `price` and `quantity`. Raises a refusal of any other."""
    item = items_of(visit.work, subscription)[0]
    price = query.get("price") or item["_price"]
    feature = visit.feature("subscription_update")
    allowed = feature["default_allowed_updates"]
    moved = price != item["_price"]
    if moved and ("price" not in allowed or offered(visit.configuration, price) is None):
        raise invalid("This plan is not on offer. Choose another one.", "price")
    text = query.get("quantity", "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise invalid("The quantity must be a whole number.", "quantity")
    offer = _offer(visit, subscription, price, int(text) if text else None)
    if offer is None:
        raise invalid("This plan is no longer sold. Choose another one.", "price")
    if offer.quantity != item["quantity"]:
        _check_quantity(offer)
    elif not moved:
        raise invalid("This is your plan already. Choose another one.", "price")
    return offer


def _check_quantity(offer: Offer) -> None:
    least, most = offer.least, offer.most
    if least is None or most is None:
        raise invalid("The quantity of this plan cannot be changed here.", "quantity")
    if not max(least, 1) <= offer.quantity <= most:
        raise invalid(f"The quantity must be from {max(least, 1)} to {most}.", "quantity")


def _offer(visit: Visit, subscription: Obj, identifier: str, quantity: int | None) -> Offer | None:
    """An offer, unless its price is not sold any more and is not the customer's own."""
    price = visit.work.need("price", identifier)
    item = items_of(visit.work, subscription)[0]
    own = identifier == item["_price"]
    if not own and not _sold(price, subscription["currency"]):
        return None
    product = visit.work.find("product", price["product"]) or {}
    count = item["quantity"] if quantity is None else quantity
    least, most = _bounds(visit, identifier)
    return Offer(
        price=identifier,
        name=str(product.get("name", "Plan")),
        text=render.money(pricing.amount(price, 1), price["currency"]),
        every=render.every(price),
        quantity=count,
        current=own and count == item["quantity"],
        least=least,
        most=most,
        params=_params(visit, subscription, {"price": identifier, "quantity": count}),
    )


def _sold(price: Obj, currency: str) -> bool:
    """Whether the portal sells a price to who pays in that currency; it sells no metered ones."""
    licensed = price["recurring"] and price["recurring"]["usage_type"] == "licensed"
    return bool(licensed and price["active"] and price["currency"] == currency)


def _bounds(visit: Visit, price: str) -> tuple[int, int] | tuple[None, None]:
    """Between which quantities customers may choose for a price, or nothing."""
    feature = visit.feature("subscription_update")
    product = offered(visit.configuration, price)
    if product is None or "quantity" not in feature["default_allowed_updates"]:
        return None, None
    rule = product["adjustable_quantity"]
    if not rule["enabled"]:
        return None, None
    return rule["minimum"], rule["maximum"] or LARGEST


def _params(visit: Visit, subscription: Obj, item: dict[str, Any]) -> Obj:
    """The change as parameters of the API."""
    feature = visit.feature("subscription_update")
    identifier = items_of(visit.work, subscription)[0]["id"]
    params: Obj = {
        "items": [{"id": identifier, **item}],
        "proration_behavior": feature["proration_behavior"],
    }
    if subscription["status"] == "trialing":
        if feature["trial_update_behavior"] == "end_trial":
            params["trial_end"] = "now"
    elif feature["billing_cycle_anchor"] == "now":
        params["billing_cycle_anchor"] = "now"
    return params

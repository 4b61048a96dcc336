"""Prices: how much a product costs and how often (https://docs.stripe.com/api/prices)."""

from localcloud.stripe.errors import invalid
from localcloud.stripe.lists import filters, page
from localcloud.stripe.params import EXPAND, Hash
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources import price_terms, products
from localcloud.stripe.resources.price_params import CREATE, LIST, UPDATE
from localcloud.stripe.store import Obj, among, equal
from localcloud.stripe.work import Work, given, merge_metadata

URL = "/v1/prices"


def create(work: Work, params: Obj) -> Obj:
    """`_id`, which no caller of the API can send, fixes the id of a price of the catalogue."""
    if ("product" in params) == ("product_data" in params):
        raise invalid(
            "You must pass either `product` or `product_data` when creating a price.", "product"
        )
    if "product_data" in params:
        product = products.create(work, params["product_data"])["id"]
    else:
        product = work.need("product", params["product"], param="product")["id"]
    recurring = price_terms.recurring(work, params.get("recurring"))
    price = work.new(
        "price",
        active=params.get("active", True),
        currency=params["currency"],
        custom_unit_amount=None,
        lookup_key=None,
        metadata=merge_metadata({}, params.get("metadata")),
        nickname=params.get("nickname"),
        product=product,
        recurring=recurring,
        tax_behavior=params.get("tax_behavior", "unspecified"),
        type="recurring" if recurring else "one_time",
        **price_terms.amounts(params, recurring),
    )
    price["id"] = params.get("_id", price["id"])
    _claim_lookup_key(work, price, params)
    work.create(price, "price.created")
    if recurring:
        work.announce(work, "plan.created", plan_of(price), None)
    return work.present(price)


def _claim_lookup_key(work: Work, price: Obj, params: Obj) -> None:
    """A lookup key belongs to one price; `transfer_lookup_key` takes it from the other."""
    key = params.get("lookup_key")
    if key:
        for holder in work.store.select("price", equal("lookup_key", key)):
            if holder["id"] == price["id"]:
                continue
            if not params.get("transfer_lookup_key"):
                raise invalid(
                    f"A price (`{holder['id']}`) already uses that lookup key.", "lookup_key"
                )
            work.update(holder, "price.updated", lookup_key=None)
    if "lookup_key" in params:
        price["lookup_key"] = key


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("price", id))


def update(work: Work, params: Obj, id: str) -> Obj:
    price = work.need("price", id)
    changes = given(price, params, "active", "nickname", "tax_behavior")
    if params.get("active") is False:
        _refuse_default(work, price)
    if "lookup_key" in params:
        _claim_lookup_key(work, {**price}, params)
        changes["lookup_key"] = params["lookup_key"]
    return work.present(work.update(price, "price.updated", **changes))


def _refuse_default(work: Work, price: Obj) -> None:
    product = work.find("product", price["product"]) or {}
    if product.get("default_price") == price["id"]:
        raise invalid(
            "This price cannot be archived because it is the default price of its product.",
            "active",
        )


def list_all(work: Work, params: Obj) -> Obj:
    wheres = filters(params, "active", "created", "currency", "product", "type")
    wheres += [
        equal(f"recurring.{name}", value) for name, value in params.get("recurring", {}).items()
    ]
    if "lookup_keys" in params:
        wheres.append(among("lookup_key", params["lookup_keys"]))
    return page(work, "price", URL, params, *wheres)


def plan_of(price: Obj) -> Obj:
    """The legacy `plan` object that Stripe still shows beside a recurring price."""
    recurring = price["recurring"]
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": price["billing_scheme"],
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "livemode": False,
        "metadata": price["metadata"],
        "meter": recurring["meter"],
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


def _tiers(work: Work, price: Obj) -> list[Obj] | None:
    """The tiers of a price, or of the price behind a plan; shown only when asked for."""
    stored = work.find("price", price["id"]) or price
    tiers: list[Obj] | None = stored.get("_tiers")
    return tiers


RESOURCE = Resource(
    kind="price",
    expandable={"product": "product"},
    included={"tiers": _tiers},
    routes=(
        Route("POST", URL, create, CREATE),
        Route("GET", URL, list_all, LIST),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, UPDATE),
    ),
)
PLAN = Resource(kind="plan", expandable={"product": "product"}, included={"tiers": _tiers})

"""Prices: how much a product costs and how often (https://docs.stripe.com/api/prices)."""

from localcloud.stripe.currency import Currency
from localcloud.stripe.errors import invalid
from localcloud.stripe.lists import page
from localcloud.stripe.params import (
    EXPAND,
    PAGE,
    Array,
    Boolean,
    Enum,
    Hash,
    Integer,
    Metadata,
    Range,
    Spec,
    Text,
    words,
)
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources import products
from localcloud.stripe.store import Obj, among, equal, within
from localcloud.stripe.work import Work, merge_metadata

URL = "/v1/prices"
LONGEST_INTERVALS = {"day": 1095, "week": 156, "month": 36, "year": 3}

RECURRING = Hash(
    {
        "interval": Enum(("day", "month", "week", "year")),
        "interval_count": Integer(1),
        "trial_period_days": Integer(0, 730),
        "usage_type": Enum(("licensed",)),
    },
    required=("interval",),
    unbuilt=("meter",),
)
FIELDS: dict[str, Spec] = {
    **EXPAND,
    "active": Boolean(),
    "lookup_key": Text(200, clearable=True),
    "metadata": Metadata(),
    "nickname": Text(clearable=True),
    "tax_behavior": Enum(("exclusive", "inclusive", "unspecified")),
    "transfer_lookup_key": Boolean(),
}
CREATE = Hash(
    {
        **FIELDS,
        "billing_scheme": Enum(("per_unit",)),
        "currency": Currency(),
        "product": Text(),
        "product_data": Hash(
            {
                "active": Boolean(),
                "id": Text(255),
                "metadata": Metadata(),
                "name": Text(),
                "statement_descriptor": Text(22),
                "unit_label": Text(12),
            },
            required=("name",),
            unbuilt=words("tax_code tax_details"),
        ),
        "recurring": RECURRING,
        "unit_amount": Integer(0, 99_999_999),
    },
    required=("currency",),
    unbuilt=words(
        """currency_options custom_unit_amount tiers tiers_mode transform_quantity
        unit_amount_decimal"""
    ),
)
UPDATE = Hash(FIELDS, unbuilt=("currency_options",))
LIST = Hash(
    {
        **PAGE,
        "active": Boolean(),
        "created": Range(),
        "currency": Currency(),
        "lookup_keys": Array(Text(), longest=10),
        "product": Text(),
        "recurring": Hash(
            {"interval": Enum(("day", "month", "week", "year")), "usage_type": Enum(("licensed",))},
            unbuilt=("meter",),
        ),
        "type": Enum(("one_time", "recurring")),
    }
)


def create(work: Work, params: Obj) -> Obj:
    """`_id`, which no caller of the API can send, fixes the id of a price of the catalogue."""
    if ("product" in params) == ("product_data" in params):
        raise invalid(
            "You must pass either `product` or `product_data` when creating a price.", "product"
        )
    if "unit_amount" not in params:
        raise invalid(
            "One of the following parameters is required when billing scheme is `per_unit`: "
            "unit_amount, unit_amount_decimal, custom_unit_amount.",
            "unit_amount",
        )
    if "product_data" in params:
        product = products.create(work, params["product_data"])["id"]
    else:
        product = work.need("product", params["product"], param="product")["id"]
    recurring = _recurring(params.get("recurring"))
    price = work.new(
        "price",
        active=params.get("active", True),
        billing_scheme="per_unit",
        currency=params["currency"],
        custom_unit_amount=None,
        lookup_key=None,
        metadata=merge_metadata({}, params.get("metadata")),
        nickname=params.get("nickname"),
        product=product,
        recurring=recurring,
        tax_behavior=params.get("tax_behavior", "unspecified"),
        tiers_mode=None,
        transform_quantity=None,
        type="recurring" if recurring else "one_time",
        unit_amount=params["unit_amount"],
        unit_amount_decimal=str(params["unit_amount"]),
    )
    price["id"] = params.get("_id", price["id"])
    _claim_lookup_key(work, price, params)
    work.create(price, "price.created")
    if recurring:
        work.announce(work, "plan.created", plan_of(price), None)
    return work.present(price)


def _recurring(params: Obj | None) -> Obj | None:
    if params is None:
        return None
    interval, count = params["interval"], params.get("interval_count", 1)
    if count > LONGEST_INTERVALS[interval]:
        raise invalid(
            "Recurring prices can be at most three years long.", "recurring[interval_count]"
        )
    return {
        "interval": interval,
        "interval_count": count,
        "meter": None,
        "trial_period_days": params.get("trial_period_days"),
        "usage_type": "licensed",
    }


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
    changes: Obj = {k: params[k] for k in ("active", "nickname", "tax_behavior") if k in params}
    if params.get("active") is False:
        _refuse_default(work, price)
    if "lookup_key" in params:
        _claim_lookup_key(work, {**price}, params)
        changes["lookup_key"] = params["lookup_key"]
    if "metadata" in params:
        changes["metadata"] = merge_metadata(price["metadata"], params["metadata"])
    return work.present(work.update(price, "price.updated", **changes))


def _refuse_default(work: Work, price: Obj) -> None:
    product = work.find("product", price["product"]) or {}
    if product.get("default_price") == price["id"]:
        raise invalid(
            "This price cannot be archived because it is the default price of its product.",
            "active",
        )


def list_all(work: Work, params: Obj) -> Obj:
    wheres = [
        equal(name, params[name])
        for name in ("active", "currency", "product", "type")
        if name in params
    ]
    wheres += [
        equal(f"recurring.{name}", value) for name, value in params.get("recurring", {}).items()
    ]
    if "lookup_keys" in params:
        wheres.append(among("lookup_key", params["lookup_keys"]))
    if "created" in params:
        wheres.append(within("created", params["created"]))
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
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": recurring["trial_period_days"],
        "usage_type": recurring["usage_type"],
    }


RESOURCE = Resource(
    kind="price",
    expandable={"product": "product"},
    routes=(
        Route("POST", URL, create, CREATE),
        Route("GET", URL, list_all, LIST),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, UPDATE),
    ),
)
PLAN = Resource(kind="plan", expandable={"product": "product"})

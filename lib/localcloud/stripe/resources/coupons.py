"""Coupons: how much is taken off, and for how long (https://docs.stripe.com/api/coupons)."""

import re
from dataclasses import dataclass
from typing import Any

from localcloud.stripe.currency import Currency
from localcloud.stripe.errors import StripeError, invalid
from localcloud.stripe.lists import filters, page
from localcloud.stripe.nouns import random_text
from localcloud.stripe.params import (
    EXPAND,
    PAGE,
    Array,
    Enum,
    Hash,
    Integer,
    Metadata,
    Range,
    Text,
)
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import EXISTS, Obj
from localcloud.stripe.work import Work, given, merge_metadata, plain

URL = "/v1/coupons"


@dataclass(frozen=True)
class Percent:
    """A number above 0 and up to 100, with at most four decimal places."""

    def parse(self, raw: Any, at: str, version: str) -> float:
        if not isinstance(raw, str) or not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", raw):
            raise invalid(f"Invalid decimal: {raw}"[:200], at)
        if not 0 < float(raw) <= 100:
            raise invalid("Coupon percent_off must be greater than 0 and at most 100.", at)
        return float(raw)


def is_valid(work: Work, coupon: Obj) -> bool:
    """Whether the coupon can still be redeemed."""
    used_up = coupon["max_redemptions"] and coupon["times_redeemed"] >= coupon["max_redemptions"]
    expired = coupon["redeem_by"] and coupon["redeem_by"] <= work.now
    return not (used_up or expired or coupon.get("_deleted"))


def present(work: Work, coupon: Obj) -> Obj:
    if coupon.get("_deleted"):
        return plain(work, coupon)
    return {**plain(work, coupon), "valid": is_valid(work, coupon)}


def is_for(coupon: Obj, product: str | None) -> bool:
    """Whether the coupon takes anything off that product."""
    products = coupon.get("_products")
    return products is None or product in products


def redeemable(work: Work, identifier: str, at: str) -> Obj:
    """The coupon named by a parameter, or a 400 if there is none or it cannot be redeemed."""
    coupon = work.need("coupon", identifier, param=at)
    if not is_valid(work, coupon):
        raise invalid(f"Coupon expired: {identifier}", at, "coupon_expired")
    return coupon


def create(work: Work, params: Obj) -> Obj:
    _check(params)
    products = params.get("applies_to", {}).get("products")
    for place, product in enumerate(products or []):
        work.need("product", product, param=f"applies_to[products][{place}]")
    identifier = params.get("id", random_text(8))
    if (old := work.find("coupon", identifier)) and not old.get("_deleted"):
        raise StripeError(400, "Coupon already exists.", code="resource_already_exists", param="id")
    coupon = work.new(
        "coupon",
        amount_off=params.get("amount_off"),
        currency=params.get("currency"),
        duration=params.get("duration", "once"),
        duration_in_months=params.get("duration_in_months"),
        max_redemptions=params.get("max_redemptions"),
        metadata=merge_metadata({}, params.get("metadata")),
        name=params.get("name"),
        percent_off=params.get("percent_off"),
        redeem_by=params.get("redeem_by"),
        times_redeemed=0,
        _products=products,
    )
    coupon["id"] = identifier
    return work.present(work.create(coupon, "coupon.created"))


def _check(params: Obj) -> None:
    if ("percent_off" in params) == ("amount_off" in params):
        raise invalid("You must pass either `percent_off` or `amount_off`, and not both.")
    if "amount_off" in params and "currency" not in params:
        raise invalid("You must pass currency when passing amount_off", "currency")
    repeating = params.get("duration") == "repeating"
    if repeating and "duration_in_months" not in params:
        raise invalid(
            "Must pass `duration_in_months` when `duration` is `repeating`.", "duration_in_months"
        )
    if not repeating and "duration_in_months" in params:
        raise invalid(
            "`duration_in_months` can only be passed when `duration` is `repeating`.",
            "duration_in_months",
        )


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("coupon", id))


def update(work: Work, params: Obj, id: str) -> Obj:
    coupon = work.need("coupon", id)
    return work.present(work.update(coupon, "coupon.updated", **given(coupon, params, "name")))


def delete(work: Work, params: Obj, id: str) -> Obj:
    """Nobody can redeem it any more; those who have keep their discount."""
    coupon = work.need("coupon", id)
    work.emit("coupon.deleted", coupon)
    return work.present(work.update(coupon, _deleted=True))


def list_all(work: Work, params: Obj) -> Obj:
    return page(work, "coupon", URL, params, EXISTS, *filters(params, "created"))


def _applies_to(work: Work, coupon: Obj) -> Obj | None:
    products = coupon.get("_products")
    return None if products is None else {"products": products}


CREATE = Hash(
    {
        **EXPAND,
        "amount_off": Integer(1),
        "applies_to": Hash({"products": Array(Text())}),
        "currency": Currency(),
        "duration": Enum(("forever", "once", "repeating")),
        "duration_in_months": Integer(1),
        "id": Text(200),
        "max_redemptions": Integer(1),
        "metadata": Metadata(),
        "name": Text(40),
        "percent_off": Percent(),
        "redeem_by": Integer(0),
    },
    unbuilt=("currency_options",),
)
RESOURCE = Resource(
    kind="coupon",
    present=present,
    included={"applies_to": _applies_to},
    routes=(
        Route("POST", URL, create, CREATE),
        Route("GET", URL, list_all, Hash({**PAGE, "created": Range()})),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route(
            "POST",
            URL + "/{id}",
            update,
            Hash(
                {**EXPAND, "metadata": Metadata(), "name": Text(40, clearable=True)},
                unbuilt=("currency_options",),
            ),
        ),
        Route("DELETE", URL + "/{id}", delete),
    ),
)

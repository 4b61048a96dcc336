"""Promotion codes: what customers type to redeem a coupon (https://docs.stripe.com/api/promotion_codes)."""

from localcloud.stripe.currency import Currency
from localcloud.stripe.errors import invalid, missing_param
from localcloud.stripe.lists import filters, page
from localcloud.stripe.nouns import random_text
from localcloud.stripe.params import (
    EXPAND,
    PAGE,
    Boolean,
    Enum,
    Hash,
    Integer,
    Metadata,
    Only,
    Range,
    Text,
)
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources import coupons
from localcloud.stripe.store import Obj, Where, equal
from localcloud.stripe.versions import CLOVER
from localcloud.stripe.work import Work, given, merge_metadata, plain

URL = "/v1/promotion_codes"


def is_active(work: Work, code: Obj) -> bool:
    """Whether the code can be redeemed: it and its coupon are switched on, fresh, not used up."""
    coupon = work.find("coupon", code["_coupon"])
    used_up = code["max_redemptions"] and code["times_redeemed"] >= code["max_redemptions"]
    expired = code["expires_at"] and code["expires_at"] <= work.now
    return bool(
        code["active"] and coupon and coupons.is_valid(work, coupon) and not (used_up or expired)
    )


def present(work: Work, code: Obj) -> Obj:
    """In the newest shape, and with the whole `coupon` that it had before clover."""
    coupon = work.find("coupon", code["_coupon"])
    return {
        **plain(work, code),
        "active": is_active(work, code),
        "coupon": work.present(coupon) if coupon else None,
        "promotion": {"coupon": code["_coupon"], "type": "coupon"},
    }


def find(work: Work, code: str) -> Obj | None:
    """The active promotion code with that text, in capitals or not."""
    wanted = Where("lower(json_extract(body, '$.code')) = ?", (code.lower(),))
    found = work.store.select("promotion_code", wanted)
    return next((each for each in found if is_active(work, each)), None)


def redeemable(work: Work, identifier: str, customer: Obj | None, subtotal: int, at: str) -> Obj:
    """The code named by a parameter, or a 400 if this customer cannot redeem it for `subtotal`."""
    code = work.need("promotion_code", identifier, param=at)
    if not is_active(work, code):
        raise invalid(f"The promotion code {identifier} is not active.", at)
    if code["customer"] and (customer is None or customer["id"] != code["customer"]):
        raise invalid(f"The promotion code {identifier} is for another customer.", at)
    restrictions = code["restrictions"]
    if subtotal < (restrictions["minimum_amount"] or 0):
        raise invalid(
            f"The promotion code {identifier} cannot be redeemed: the amount is below its minimum.",
            at,
        )
    if restrictions["first_time_transaction"] and customer and _has_paid(work, customer):
        raise invalid(
            "This promotion code cannot be redeemed because the associated customer has prior "
            "transactions.",
            at,
        )
    return code


def _has_paid(work: Work, customer: Obj) -> bool:
    paid = work.store.select(
        "charge", equal("customer", customer["id"]), equal("status", "succeeded"), limit=1
    )
    return bool(paid)


def create(work: Work, params: Obj) -> Obj:
    named = params.get("coupon") or params.get("promotion", {}).get("coupon")
    if named is None:
        older = work.version[:10] < CLOVER
        raise missing_param("coupon" if older else "promotion")
    coupon = coupons.redeemable(work, named, "coupon")
    text = params.get("code") or random_text(8).upper()
    if find(work, text):
        raise invalid(f"An active promotion code with `code: {text}` already exists.", "code")
    if "customer" in params:
        work.need("customer", params["customer"], param="customer")
    restrictions = {
        "first_time_transaction": False,
        "minimum_amount": None,
        "minimum_amount_currency": None,
        **params.get("restrictions", {}),
    }
    code = work.new(
        "promotion_code",
        active=params.get("active", True),
        code=text,
        customer=params.get("customer"),
        customer_account=None,
        expires_at=params.get("expires_at"),
        max_redemptions=params.get("max_redemptions"),
        metadata=merge_metadata({}, params.get("metadata")),
        restrictions=restrictions,
        times_redeemed=0,
        _coupon=coupon["id"],
    )
    return work.present(work.create(code, "promotion_code.created"))


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("promotion_code", id))


def update(work: Work, params: Obj, id: str) -> Obj:
    code = work.need("promotion_code", id)
    changes = given(code, params, "active")
    return work.present(work.update(code, "promotion_code.updated", **changes))


def list_all(work: Work, params: Obj) -> Obj:
    wheres = filters(params, "active", "code", "created", "customer", coupon="_coupon")
    return page(work, "promotion_code", URL, params, *wheres)


CREATE = Hash(
    {
        **EXPAND,
        "active": Boolean(),
        "code": Text(500),
        "coupon": Only(Text(), until=CLOVER),
        "customer": Text(),
        "expires_at": Integer(0),
        "max_redemptions": Integer(1),
        "metadata": Metadata(),
        "promotion": Only(
            Hash({"coupon": Text(), "type": Enum(("coupon",))}, required=("type",)), since=CLOVER
        ),
        "restrictions": Hash(
            {
                "first_time_transaction": Boolean(),
                "minimum_amount": Integer(1),
                "minimum_amount_currency": Currency(),
            },
            unbuilt=("currency_options",),
        ),
    },
    unbuilt=("customer_account",),
)
RESOURCE = Resource(
    kind="promotion_code",
    present=present,
    expandable={"customer": "customer", "promotion.coupon": "coupon"},
    routes=(
        Route("POST", URL, create, CREATE),
        Route(
            "GET",
            URL,
            list_all,
            Hash(
                {
                    **PAGE,
                    "active": Boolean(),
                    "code": Text(),
                    "coupon": Text(),
                    "created": Range(),
                    "customer": Text(),
                },
                unbuilt=("customer_account",),
            ),
        ),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route(
            "POST",
            URL + "/{id}",
            update,
            Hash(
                {**EXPAND, "active": Boolean(), "metadata": Metadata()}, unbuilt=("restrictions",)
            ),
        ),
    ),
)

"""Opening a Checkout Session."""

from localcloud.stripe import checkout_discounts, pricing
from localcloud.stripe.checkout_objects import blank, echo
from localcloud.stripe.errors import invalid, missing_param, not_built
from localcloud.stripe.nouns import new_id, random_text
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work, merge_metadata

LIFETIME = 24 * 3600
SHORTEST = 30 * 60


def create(work: Work, params: Obj) -> Obj:
    if params["mode"] == "setup":
        raise not_built("Checkout's setup mode")
    ui_mode = params.get("ui_mode", "hosted_page")
    _check_addresses(params, ui_mode)
    _check_pairs(params)
    customer = None
    if "customer" in params:
        customer = work.need("customer", params["customer"], param="customer")
    lines = _lines(work, params)
    total = 0 if _has_trial(params) else sum(line["amount_total"] for line in lines)
    session = work.new("checkout.session", **echo(params), **blank(params))
    secret = f"{session['id']}_secret_{random_text(48)}"
    session.update(
        amount_subtotal=total,
        amount_total=total,
        client_secret=secret if ui_mode == "embedded_page" else None,
        currency=lines[0]["currency"],
        customer_details=_customer_details(customer, params),
        expires_at=_expires_at(work, params),
        ui_mode=ui_mode,
        url=f"{work.base_url}/c/pay/{session['id']}" if ui_mode == "hosted_page" else None,
        _discounts=[],
        _lines=lines,
        _secret=secret,
        _subscription_data=_subscription_data(work, params),
        _trial=_has_trial(params),
        _version=work.version,
    )
    session["_due"] = session["expires_at"]
    if params.get("discounts"):
        checkout_discounts.reduce(work, session, params["discounts"])
    return work.present(work.create(session))


def _check_addresses(params: Obj, ui_mode: str) -> None:
    embedded = ui_mode == "embedded_page"
    if embedded:
        for name in ("success_url", "cancel_url"):
            if name in params:
                raise invalid(f"`{name}` can not be used when `ui_mode` is `embedded`.", name)
        never = params.get("redirect_on_completion") == "never"
        if never and "return_url" in params:
            raise invalid(
                "You cannot set `return_url` when `redirect_on_completion` is `never`.",
                "return_url",
            )
        if not never and "return_url" not in params:
            raise missing_param("return_url")
        return
    for name in ("return_url", "redirect_on_completion"):
        if name in params:
            raise invalid(f"`{name}` can only be used when `ui_mode` is `embedded`.", name)
    if "success_url" not in params:
        raise missing_param("success_url")


def _check_pairs(params: Obj) -> None:
    if "discounts" in params and "allow_promotion_codes" in params:
        raise invalid(
            "You may only specify one of these parameters: allow_promotion_codes, discounts."
        )
    if any(len(each) != 1 for each in params.get("discounts", [])):
        raise invalid("You must specify exactly one of coupon, promotion_code.", "discounts[0]")
    if "customer" in params and "customer_email" in params:
        raise invalid(
            "You may only specify one of these parameters: customer, customer_email.", "customer"
        )
    if "customer_update" in params and "customer" not in params:
        raise invalid("`customer_update` can only be used with `customer`.", "customer_update")
    if params["mode"] == "payment":
        for name in ("subscription_data", "payment_method_collection"):
            if name in params:
                raise invalid(f"You can not pass `{name}` in `payment` mode.", name)
    elif "customer_creation" in params:
        raise invalid(
            "`customer_creation` can only be used in `payment` mode.", "customer_creation"
        )


def _lines(work: Work, params: Obj) -> list[Obj]:
    if not params.get("line_items"):
        raise missing_param("line_items")
    lines = []
    for place, item in enumerate(params["line_items"]):
        at = f"line_items[{place}]"
        if "price" not in item:
            raise missing_param(f"{at}[price]")
        price = work.need("price", item["price"], param=f"{at}[price]")
        lines.append(_line(work, params, price, _quantity(price, item, at), at))
    if len({line["currency"] for line in lines}) > 1:
        raise invalid("You cannot combine currencies on a single Checkout Session.", "line_items")
    kinds = {work.need("price", line["_price"])["type"] for line in lines}
    if params["mode"] == "subscription" and "recurring" not in kinds:
        raise invalid(
            "You must provide at least one recurring price in `subscription` mode when using "
            "prices.",
            "mode",
        )
    if params["mode"] == "subscription" and "one_time" in kinds:
        raise not_built("one-time prices in subscription mode")
    return lines


def _quantity(price: Obj, item: Obj, at: str) -> int | None:
    """The quantity of a line item; None, and not to be named, where the price is metered."""
    if price["recurring"] and price["recurring"]["usage_type"] == "metered":
        if "quantity" in item:
            raise invalid(
                "Quantity should not be specified where usage_type is `metered`. Remove "
                f"`quantity` from `{at}`",
                f"{at}[quantity]",
            )
        return None
    if "quantity" not in item:
        raise invalid("Quantity is required. Add `quantity` to the line item.", at)
    return int(item["quantity"])


def _line(work: Work, params: Obj, price: Obj, quantity: int | None, at: str) -> Obj:
    if not price["active"]:
        raise invalid(
            "The price specified is inactive. This field only accepts active prices.",
            f"{at}[price]",
        )
    if params["mode"] == "payment" and price["recurring"]:
        raise invalid(
            "You specified `payment` mode but passed a recurring price. Either switch to "
            "`subscription` mode or use only one-time prices.",
            "mode",
        )
    product = work.find("product", price["product"]) or {}
    amount = 0 if quantity is None else pricing.amount(price, quantity)
    return {
        "id": new_id("item"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product.get("name"),
        "quantity": quantity,
        "_price": price["id"],
    }


def _has_trial(params: Obj) -> bool:
    data = params.get("subscription_data", {})
    return "trial_period_days" in data or "trial_end" in data


def _expires_at(work: Work, params: Obj) -> int:
    moment = int(params.get("expires_at", work.now + LIFETIME))
    if moment < work.now + SHORTEST - 30:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session "
            "creation.",
            "expires_at",
        )
    if moment > work.now + LIFETIME + 30:
        raise invalid(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            "expires_at",
        )
    return moment


def _subscription_data(work: Work, params: Obj) -> Obj:
    data: Obj = {**params.get("subscription_data", {})}
    data["metadata"] = merge_metadata({}, data.get("metadata", {}))
    if "trial_period_days" in data and "trial_end" in data:
        raise invalid("You may only specify one of these parameters: trial_end, trial_period_days.")
    if "trial_end" in data and data["trial_end"] < work.now + 48 * 3600:
        raise invalid(
            "The `trial_end` date has to be at least 2 days in the future.",
            "subscription_data[trial_end]",
        )
    return data


def _customer_details(customer: Obj | None, params: Obj) -> Obj | None:
    email = customer["email"] if customer else params.get("customer_email")
    if not email:
        return None
    return {
        "address": None,
        "email": email,
        "name": None,
        "phone": None,
        "tax_exempt": customer["tax_exempt"] if customer else "none",
        "tax_ids": None,
    }

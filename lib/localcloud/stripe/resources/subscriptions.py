"""Subscriptions in the API (https://docs.stripe.com/api/subscriptions); see `subscription_life`."""

from typing import Any

from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import StripeError, invalid, missing_param, no_such, not_built
from localcloud.stripe.lists import as_list, page
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
from localcloud.stripe.resources import invoices
from localcloud.stripe.store import Obj, Where, among, equal, within
from localcloud.stripe.work import Work, merge_metadata, plain

URL = "/v1/subscriptions"
PRORATION = Enum(("always_invoice", "create_prorations", "none"))
TRIAL_SETTINGS = Hash(
    {
        "end_behavior": Hash(
            {"missing_payment_method": Enum(("cancel", "create_invoice", "pause"))},
            required=("missing_payment_method",),
        )
    },
    required=("end_behavior",),
)
FEEDBACK = (
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
)
DETAILS = Hash({"comment": Text(clearable=True), "feedback": Enum(FEEDBACK, clearable=True)})
FIELDS: dict[str, Spec] = {
    **EXPAND,
    "cancel_at": Integer(0, words=("",)),
    "cancel_at_period_end": Boolean(),
    "collection_method": Enum(("charge_automatically",)),
    "default_payment_method": Text(),
    "description": Text(500, clearable=True),
    "metadata": Metadata(),
    "off_session": Boolean(),
    "payment_settings": Hash(
        {"save_default_payment_method": Enum(("off", "on_subscription"))},
        unbuilt=words("payment_method_options payment_method_types"),
    ),
    "proration_behavior": PRORATION,
    "trial_end": Integer(0, words=("now",)),
    "trial_settings": TRIAL_SETTINGS,
}
UNBUILT = words(
    """add_invoice_items application_fee_percent automatic_tax billing_cycle_anchor
    billing_schedules billing_thresholds days_until_due default_source default_tax_rates discounts
    invoice_settings on_behalf_of pending_invoice_item_interval transfer_data trial_from_plan"""
)
ITEM_UNBUILT = words("billing_thresholds discounts price_data tax_rates")
CREATE = Hash(
    {
        **FIELDS,
        "billing_mode": Hash(
            {"type": Enum(("classic", "flexible"))}, required=("type",), unbuilt=("flexible",)
        ),
        "customer": Text(),
        "items": Array(
            Hash(
                {"price": Text(), "quantity": Integer(0), "metadata": Metadata()},
                unbuilt=ITEM_UNBUILT,
            ),
            longest=20,
        ),
        "payment_behavior": Enum(("allow_incomplete", "default_incomplete", "error_if_incomplete")),
        "trial_period_days": Integer(1, 730),
    },
    required=("customer",),
    unbuilt=(
        *UNBUILT,
        *words("backdate_start_date billing_cycle_anchor_config currency customer_account"),
    ),
)
UPDATE = Hash(
    {
        **FIELDS,
        "cancellation_details": DETAILS,
        "items": Array(
            Hash(
                {"id": Text(), "price": Text(), "quantity": Integer(0), "metadata": Metadata()},
                unbuilt=(*ITEM_UNBUILT, "clear_usage", "deleted"),
            ),
            longest=20,
        ),
    },
    unbuilt=(*UNBUILT, *words("pause_collection payment_behavior proration_date")),
)
STATUSES = words("active canceled incomplete incomplete_expired past_due paused trialing unpaid")
LIST = Hash(
    {
        **PAGE,
        "collection_method": Enum(("charge_automatically", "send_invoice")),
        "created": Range(),
        "customer": Text(),
        "plan": Text(),
        "price": Text(),
        "status": Enum((*STATUSES, "all", "ended")),
    },
    unbuilt=words(
        "automatic_tax current_period_end current_period_start customer_account test_clock"
    ),
)


def create(work: Work, params: Obj) -> Obj:
    customer = work.need("customer", params["customer"], param="customer")
    if not params.get("items"):
        raise missing_param("items")
    items = [_priced(work, item, n) for n, item in enumerate(params["items"])]
    trial_end = _trial_end(work, params)
    fields = _create_fields(work, customer, params)
    subscription = life.build(work, customer, items, trial_end=trial_end, **fields)
    invoice = life.bill(work, subscription, "subscription_create")
    if error := _first_payment(work, subscription, invoice, params):
        raise error
    if params.get("cancel_at_period_end"):
        _at_period_end(work, subscription, wanted=True)
    life.save(work, subscription)
    work.emit("customer.subscription.created", subscription)
    return work.present(subscription)


def _priced(work: Work, item: Obj, place: int) -> Obj:
    at = f"items[{place}][price]"
    if "price" not in item:
        raise missing_param(at)
    price = recurring_price(work, item["price"], at)
    return {**item, "price": price, "metadata": merge_metadata({}, item.get("metadata"))}


def recurring_price(work: Work, identifier: str, at: str) -> Obj:
    """An active recurring price, or Stripe's 400."""
    price = work.need("price", identifier, param=at)
    if not price["active"]:
        raise invalid("The price specified is inactive. This field only accepts active prices.", at)
    if not price["recurring"]:
        raise invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices with "
            "`type=recurring`.",
            at,
        )
    return price


def _trial_end(work: Work, params: Obj) -> int | None:
    if "trial_period_days" in params:
        if "trial_end" in params:
            raise invalid(
                "You may only specify one of these parameters: trial_end, trial_period_days."
            )
        return work.now + int(params["trial_period_days"]) * 86400
    moment = params.get("trial_end", "now")
    if moment == "now":
        return None
    if moment <= work.now:
        raise invalid(
            "Invalid timestamp: must be an integer Unix timestamp in the future", "trial_end"
        )
    return int(moment)


def _create_fields(work: Work, customer: Obj, params: Obj) -> Obj:
    fields: Obj = {"metadata": merge_metadata({}, params.get("metadata"))}
    for name in ("description", "trial_settings"):
        if name in params:
            fields[name] = params[name]
    if "billing_mode" in params:
        fields["billing_mode"] = life.billing_mode(params["billing_mode"]["type"])
    if params.get("cancel_at"):
        fields.update(cancel_at=_future(work, params["cancel_at"]), canceled_at=work.now)
    if "default_payment_method" in params:
        fields["default_payment_method"] = _own_method(work, customer["id"], params)
    return fields


def _future(work: Work, moment: int) -> int:
    if moment <= work.now:
        raise invalid("`cancel_at` must be in the future.", "cancel_at")
    return moment


def _own_method(work: Work, customer: str, params: Obj) -> str:
    method = work.need(
        "payment_method", params["default_payment_method"], param="default_payment_method"
    )
    if method["customer"] != customer:
        raise invalid(
            f"The customer does not have a payment method with the ID {method['id']}. The payment "
            "method must be attached to the customer.",
            "default_payment_method",
            "resource_missing",
        )
    return str(method["id"])


def _first_payment(work: Work, subscription: Obj, invoice: Obj, params: Obj) -> StripeError | None:
    """Pay the first invoice, or leave the subscription incomplete; an error forbids it."""
    behavior = params.get("payment_behavior", "allow_incomplete")
    method = life.method_of(work, subscription)
    if invoice["amount_due"] == 0:
        invoices.pay(work, invoice, None, off_session=True)
        return None
    if behavior == "default_incomplete":
        invoices.pay(work, invoice, None, off_session=False)
        subscription["status"] = "incomplete"
        return None
    if method is None:
        raise invalid(
            "This customer has no attached payment source or default payment method. Please "
            "consider adding a default payment method. For more information, visit "
            "https://stripe.com/docs/billing/subscriptions/payment-methods-setting"
            "#payment-method-priority.",
            code="resource_missing",
        )
    off_session = bool(params.get("off_session"))
    error = invoices.pay(work, invoice, method, off_session=off_session)
    if invoice["status"] != "paid":
        subscription["status"] = "incomplete"
    return error if behavior == "error_if_incomplete" else None


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("subscription", id))


def update(work: Work, params: Obj, id: str) -> Obj:
    subscription = work.need("subscription", id)
    if subscription["status"] in life.ENDED and set(params) - {"metadata", "cancellation_details"}:
        raise invalid(
            "A canceled subscription can only update its cancellation_details and metadata."
        )
    before = work.present(subscription)
    _change_items(work, subscription, params)
    changes = _changes(work, subscription, params)
    subscription.update(changes)
    if "trial_end" in params:
        _move_trial(work, subscription, params["trial_end"])
    if "cancel_at_period_end" in params:
        _at_period_end(work, subscription, wanted=params["cancel_at_period_end"])
    life.save(work, subscription)
    life.announce_change(work, before, subscription)
    return work.present(subscription)


def _changes(work: Work, subscription: Obj, params: Obj) -> Obj:
    changes: Obj = {
        name: params[name] for name in ("description", "trial_settings") if name in params
    }
    if "metadata" in params:
        changes["metadata"] = merge_metadata(subscription["metadata"], params["metadata"])
    if "default_payment_method" in params:
        changes["default_payment_method"] = _own_method(work, subscription["customer"], params)
    if "payment_settings" in params:
        changes["payment_settings"] = {
            **subscription["payment_settings"],
            **params["payment_settings"],
        }
    if "cancellation_details" in params:
        changes["cancellation_details"] = {
            **subscription["cancellation_details"],
            **params["cancellation_details"],
        }
    if "cancel_at" in params:
        moment = params["cancel_at"]
        changes["cancel_at"] = _future(work, moment) if moment else None
        changes["canceled_at"] = work.now if moment else None
        changes["cancel_at_period_end"] = False
    return changes


def _at_period_end(work: Work, subscription: Obj, *, wanted: bool) -> None:
    details = subscription["cancellation_details"]
    if wanted:
        subscription.update(
            cancel_at=life.period_of(work, subscription)[1],
            cancel_at_period_end=True,
            canceled_at=subscription["canceled_at"] or work.now,
            cancellation_details={**details, "reason": "cancellation_requested"},
        )
    elif subscription["cancel_at_period_end"]:
        subscription.update(
            cancel_at=None,
            cancel_at_period_end=False,
            canceled_at=None,
            cancellation_details={**details, "reason": None},
        )


def _change_items(work: Work, subscription: Obj, params: Obj) -> None:
    """Swap prices and quantities of existing items, from the next period on."""
    for place, change in enumerate(params.get("items", [])):
        if "id" not in change:
            raise not_built("adding an item to a subscription")
        if change["id"] not in subscription["_items"]:
            raise no_such(
                "subscription_item", change["id"], param=f"items[{place}][id]", status=400
            )
        item = work.need("subscription_item", change["id"])
        billed = {name: change[name] for name in ("price", "quantity") if name in change}
        if billed and params.get("proration_behavior") != "none":
            raise not_built("prorations; pass proration_behavior=none")
        if "price" in change:
            _swap_price(work, subscription, item, change["price"], f"items[{place}][price]")
        if "quantity" in change:
            item["quantity"] = change["quantity"]
        if "metadata" in change:
            item["metadata"] = merge_metadata(item["metadata"], change["metadata"])
        work.store.put(item)


def _swap_price(work: Work, subscription: Obj, item: Obj, identifier: str, at: str) -> None:
    new, old = recurring_price(work, identifier, at), work.need("price", item["_price"])
    if new["currency"] != subscription["currency"]:
        raise invalid(f"The price specified only supports `{new['currency']}`.", at)
    interval = ("interval", "interval_count")
    if [new["recurring"][name] for name in interval] != [
        old["recurring"][name] for name in interval
    ]:
        raise not_built("a change to a price with another interval")
    prices = subscription["_prices"]
    prices[subscription["_items"].index(item["id"])] = new["id"]
    item["_price"] = new["id"]


def _move_trial(work: Work, subscription: Obj, moment: int | str) -> None:
    if subscription["status"] != "trialing":
        raise not_built("a trial in the middle of a subscription")
    end = work.now if moment == "now" else int(moment)
    if end < work.now:
        raise invalid(
            "Invalid timestamp: must be an integer Unix timestamp in the future", "trial_end"
        )
    subscription.update(trial_end=end, billing_cycle_anchor=end)
    for item in life.items_of(work, subscription):
        work.update(item, current_period_end=end)
    if end == work.now:
        life.begin_period(work, subscription, life.method_of(work, subscription))


def cancel(work: Work, params: Obj, id: str) -> Obj:
    subscription = work.need("subscription", id)
    if subscription["status"] in life.ENDED:
        raise no_such("subscription", id)
    if params.get("invoice_now") or params.get("prorate"):
        raise not_built("a final invoice with prorations")
    if subscription["status"] == "incomplete":
        return work.present(life.expire(work, subscription))
    return work.present(life.end(work, subscription, params.get("cancellation_details")))


def resume(work: Work, params: Obj, id: str) -> Obj:
    subscription = work.need("subscription", id)
    if subscription["status"] != "paused":
        raise invalid("You can only resume subscriptions that are `paused`.")
    if params.get("billing_cycle_anchor") == "unchanged":
        raise not_built("resuming with an unchanged billing cycle")
    return work.present(life.resume(work, subscription))


def list_all(work: Work, params: Obj) -> Obj:
    wheres = []
    if "customer" in params:
        if work.find("customer", params["customer"]) is None:
            raise no_such("customer", params["customer"], param="customer", status=400)
        wheres.append(equal("customer", params["customer"]))
    for name in ("price", "plan"):
        if name in params:
            work.need("price", params[name], param=name)
            has = "EXISTS (SELECT 1 FROM json_each(body, '$._prices') WHERE value = ?)"
            wheres.append(Where(has, (params[name],)))
    if "collection_method" in params:
        wheres.append(equal("collection_method", params["collection_method"]))
    if "created" in params:
        wheres.append(within("created", params["created"]))
    wheres.append(_status(params.get("status")))
    return page(work, "subscription", URL, params, *wheres)


def _status(status: str | None) -> Where:
    if status == "all":
        return Where("1")
    if status == "ended":
        return among("status", life.ENDED)
    if status is None:
        return among("status", [each for each in STATUSES if each not in life.ENDED])
    return equal("status", status)


def present(work: Work, subscription: Obj) -> Obj:
    items = [work.present(item) for item in life.items_of(work, subscription)]
    url = f"/v1/subscription_items?subscription={subscription['id']}"
    return {**plain(work, subscription), "items": as_list(url, items)}


EXPANDABLE: dict[str, str] = {
    "customer": "customer",
    "default_payment_method": "payment_method",
    "discounts": "discount",
    "latest_invoice": "invoice",
    "pending_setup_intent": "setup_intent",
    "schedule": "subscription_schedule",
    "test_clock": "test_clock",
}
CANCEL: dict[str, Any] = {
    **EXPAND,
    "cancellation_details": DETAILS,
    "invoice_now": Boolean(),
    "prorate": Boolean(),
}
RESOURCE = Resource(
    kind="subscription",
    present=present,
    on_due=life.on_due,
    expandable=EXPANDABLE,
    routes=(
        Route("POST", URL, create, CREATE),
        Route("GET", URL, list_all, LIST),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, UPDATE),
        Route("DELETE", URL + "/{id}", cancel, Hash(CANCEL)),
        Route(
            "POST",
            URL + "/{id}/resume",
            resume,
            Hash(
                {
                    **EXPAND,
                    "billing_cycle_anchor": Enum(("now", "unchanged")),
                    "proration_behavior": PRORATION,
                },
                unbuilt=("payment_behavior", "proration_date"),
            ),
        ),
    ),
)

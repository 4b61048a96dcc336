"""Creating a subscription by the API, without Checkout."""

from localcloud.stripe import invoicing, subscription_discounts
from localcloud.stripe import subscription_life as life
from localcloud.stripe.errors import StripeError, invalid, missing_param
from localcloud.stripe.store import Obj
from localcloud.stripe.subscription_checks import (
    NO_CARD,
    future,
    own_method,
    quantity_of,
    recurring_price,
    trial_moment,
)
from localcloud.stripe.subscription_ending import check_moment, end_with_period
from localcloud.stripe.subscription_invoices import begins_with_invoice, bill
from localcloud.stripe.subscription_objects import billing_mode
from localcloud.stripe.work import Work, merge_metadata


def create(work: Work, params: Obj) -> Obj:
    customer = work.need("customer", params["customer"], param="customer")
    if not params.get("items"):
        raise missing_param("items")
    items = [_priced(work, item, n) for n, item in enumerate(params["items"])]
    trial_end = _trial_end(work, params)
    fields = _create_fields(work, customer, params)
    subscription = life.build(work, customer, items, trial_end=trial_end, **fields)
    subscription_discounts.begin(work, subscription, params, params["items"], "items")
    if begins_with_invoice(work, subscription):
        invoice = bill(work, subscription, "subscription_create")
        if error := _first_payment(work, subscription, invoice, params):
            raise error
    if params.get("cancel_at_period_end"):
        end_with_period(work, subscription, wanted=True)
    if params.get("cancel_at"):
        check_moment(work, subscription, params.get("proration_behavior"))
    life.save(work, subscription)
    work.emit("customer.subscription.created", subscription)
    return work.present(subscription)


def _priced(work: Work, item: Obj, place: int) -> Obj:
    at = f"items[{place}]"
    if "price" not in item:
        raise missing_param(f"{at}[price]")
    price = recurring_price(work, item["price"], f"{at}[price]")
    metadata = merge_metadata({}, item.get("metadata"))
    return {"price": price, "metadata": metadata, **quantity_of(price, item, at)}


def _trial_end(work: Work, params: Obj) -> int | None:
    if "trial_period_days" in params:
        if "trial_end" in params:
            raise invalid(
                "You may only specify one of these parameters: trial_end, trial_period_days."
            )
        return work.now + int(params["trial_period_days"]) * 86400
    return trial_moment(work, params) if params.get("trial_end") != "now" else None


def _create_fields(work: Work, customer: Obj, params: Obj) -> Obj:
    fields: Obj = {"metadata": merge_metadata({}, params.get("metadata"))}
    for name in ("description", "trial_settings"):
        if name in params:
            fields[name] = params[name]
    if "billing_mode" in params:
        fields["billing_mode"] = billing_mode(params["billing_mode"]["type"])
    if params.get("cancel_at"):
        fields.update(cancel_at=future(work, params["cancel_at"]), canceled_at=work.now)
    if "default_payment_method" in params:
        fields["default_payment_method"] = own_method(work, customer["id"], params)
    return fields


def _first_payment(work: Work, subscription: Obj, invoice: Obj, params: Obj) -> StripeError | None:
    """Pay the first invoice, or leave the subscription incomplete; an error forbids it."""
    behavior = params.get("payment_behavior", "allow_incomplete")
    method = life.method_of(work, subscription)
    if invoice["amount_due"] == 0:
        invoicing.pay(work, invoice, None, off_session=True)
        return None
    if behavior == "default_incomplete":
        invoicing.pay(work, invoice, None, off_session=False)
        subscription["status"] = "incomplete"
        return None
    if method is None:
        raise invalid(NO_CARD, code="resource_missing")
    off_session = bool(params.get("off_session"))
    error = invoicing.pay(work, invoice, method, off_session=off_session)
    if invoice["status"] != "paid":
        subscription["status"] = "incomplete"
    return error if behavior == "error_if_incomplete" else None

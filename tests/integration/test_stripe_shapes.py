"""Every object has the fields that stripe-python's own classes declare, no more and no less."""

import importlib
import inspect
import json
import typing
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from stripe._object_classes import OBJECT_CLASSES
from stripe._request_options import RequestOptions

from localcloud.stripe.params import EXPAND, Hash, Only
from localcloud.stripe.resources.index import RESOURCES
from localcloud.stripe.versions import ADDED, GONE, KNOWN
from tests.integration.stripe_fixtures import (
    BASIL,
    ENDIVE,
    PROFESSIONAL,
    LocalStripe,
    fresh,
    local,
)

__all__ = ["fresh", "local"]
ADDED_LATER = {
    (kind, name) for release in ADDED.values() for kind in release for name in release[kind]
}
# shown in the pinned version, though the newest SDK no longer declares it
GONE_LATER = {(kind, name) for kinds in GONE.values() for kind in kinds for name in kinds[kind]}
# declared by the class of another kind of object, or for a list's own use
LIST_FIELDS = {"object", "data", "has_more", "url"}


def class_of(value: dict[str, Any]) -> type:
    module, name = OBJECT_CLASSES[value["object"]]
    found: type = getattr(importlib.import_module(module), name)
    return found


def declared(cls: type) -> dict[str, Any]:
    found = inspect.get_annotations(cls)
    return {name: kind for name, kind in found.items() if name != "OBJECT_NAME"}


def options(annotation: Any) -> Iterator[Any]:
    """The alternatives of a (nested) Union."""
    if typing.get_origin(annotation) is typing.Union:
        for each in typing.get_args(annotation):
            yield from options(each)
    else:
        yield annotation


def differences(value: Any, cls: type, at: str, version: str) -> Iterator[str]:
    """What an object (a dict) has too much, too little or in the wrong type."""
    fields = declared(cls)
    kind = value["object"] if isinstance(value.get("object"), str) else ""
    gone = {name for name in value if version == BASIL and (kind, name) in GONE_LATER}
    for name in set(value) - set(fields) - gone:
        yield f"{at}.{name} is not a field of {cls.__name__}"
    for name, annotation in fields.items():
        alternatives = list(options(annotation))
        nullable = type(None) in alternatives
        if name not in value:
            if not nullable and not (version == BASIL and (kind, name) in ADDED_LATER):
                yield f"{at}.{name} is missing"
        elif value[name] is None:
            if not nullable:
                yield f"{at}.{name} is null"
        else:
            yield from mismatch(value[name], alternatives, f"{at}.{name}", version)


def hash_mismatch(
    value: dict[str, Any], alternatives: list[Any], at: str, version: str
) -> Iterator[str]:
    if value.get("object") == "list":
        if set(value) != LIST_FIELDS:
            yield f"{at} is a list with {sorted(value)}"
        for item in value["data"]:
            yield from differences(item, class_of(item), at, version)
    elif isinstance(value.get("object"), str):
        yield from differences(value, class_of(value), at, version)
    else:
        nested = [each for each in alternatives if inspect.isclass(each) and declared(each)]
        if nested:
            yield from differences(value, nested[0], at, version)


def mismatch(value: Any, alternatives: list[Any], at: str, version: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from hash_mismatch(value, alternatives, at, version)
    elif isinstance(value, list):
        inner = [typing.get_args(each) for each in alternatives if typing.get_origin(each) is list]
        for item in value if inner else []:
            yield from mismatch(item, list(options(inner[0][0])), f"{at}[]", version)
    elif int in alternatives and (isinstance(value, bool) or not isinstance(value, int)):
        yield f"{at} is {value!r}, not an integer"
    elif bool in alternatives and not isinstance(value, bool):
        yield f"{at} is {value!r}, not a boolean"
    elif alternatives == [str] and not isinstance(value, str):
        yield f"{at} is {value!r}, not a string"


def disputed(local: LocalStripe) -> dict[str, str]:
    """An inquiry that was given up and a chargeback that was won."""
    disputes = local.client().v1.disputes
    for card in ("4000000000000259", "4000000000001976"):
        local.subscriber(card)
    inquiry, chargeback = disputes.list({"limit": 2}).data
    disputes.update(chargeback.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    disputes.close(inquiry.id)
    return {"dispute": "disputes?expand[]=data.charge"}


def by_hand(local: LocalStripe) -> dict[str, str]:
    """Invoices and items that the API made, one of them written off."""
    client = local.client()
    customer, subscription = local.subscriber()
    invoice = client.v1.invoices.create({"customer": customer.id})

    def add(**more: Any) -> None:
        params: Any = {"customer": customer.id, "amount": 700, "currency": "usd", **more}
        client.v1.invoice_items.create(params)

    add(subscription=subscription.id)
    add(invoice=invoice.id)
    late = client.v1.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 3}
    )
    add(invoice=late.id)
    client.v1.invoices.send_invoice(late.id)
    client.v1.invoices.mark_uncollectible(late.id)
    products: Any = {"products": [client.v1.products.list({"limit": 1}).data[0].id]}
    coupon = client.v1.coupons.create({"percent_off": 5, "applies_to": products})
    return {
        "coupon of products": f"coupons/{coupon.id}?expand[]=applies_to",
        "invoice made by hand": f"invoices/{invoice.id}",
        "invoice written off": f"invoices/{late.id}",
        "invoiceitem made by hand": f"invoiceitems?customer={customer.id}",
    }


@pytest.fixture(scope="module")
def everything(local: LocalStripe) -> dict[str, str]:
    """An account in which every kind of object exists; its path by kind (and situation)."""
    client = local.client()
    customer, subscription = local.subscriber()
    client.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    _, changed = local.subscriber()
    item: Any = {"id": changed["items"].data[0].id, "price": local.price(PROFESSIONAL)}
    upgraded = client.v1.subscriptions.update(
        changed.id, {"items": [item], "proration_behavior": "always_invoice"}
    )
    client.v1.customers.update(customer.id, {"balance": -500})
    declined = client.v1.customers.create({"email": "x@example.com"})
    local.pay(local.checkout(declined.id).id, "4000000000000002")
    trial = local.checkout(declined.id, subscription_data={"trial_period_days": 3})
    local.pay(trial.id)
    invoice = client.v1.invoices.retrieve(subscription.latest_invoice, {"expand": ["payments"]})
    portal = client.v1.billing_portal.sessions.create({"customer": customer.id})
    assert portal.object == "billing_portal.session"
    intents = client.v1.payment_intents.list({"customer": customer.id}).data
    coupon = client.v1.coupons.create({"percent_off": 12.5, "duration": "forever"})
    code: Any = {"coupon": coupon.id}
    promotion = client.v1.promotion_codes.create(code)
    anew: Any = {
        "billing_cycle_anchor": "now",
        "discounts": [{"promotion_code": promotion.id}],
    }
    client.v1.subscriptions.update(changed.id, anew)
    kept = client.v1.charges.list({"customer": changed.customer}).data[-1]
    client.v1.refunds.create({"charge": kept.id, "amount": 100})
    meter = client.v1.billing.meters.create(
        {
            "display_name": "Tokens",
            "event_name": "tokens",
            "default_aggregation": {"formula": "sum"},
        }
    )
    minutes = "start_time=0&end_time=60"
    tiers = [{"up_to": 5, "unit_amount": 2}, {"up_to": "inf", "unit_amount_decimal": "0.5"}]
    tiered: Any = {
        "currency": "usd",
        "recurring": {"interval": "month", "usage_type": "metered", "meter": meter.id},
        "product_data": {"name": "Tokens"},
        "billing_scheme": "tiered",
        "tiers_mode": "graduated",
        "tiers": tiers,
    }
    metered = client.v1.prices.create(tiered)
    used: Any = {"customer": customer.id, "items": [{"price": metered.id}]}
    usage = client.v1.subscriptions.create(used)
    return {
        **disputed(local),
        **by_hand(local),
        "billing.meter": "billing/meters",
        "billing.meter_event_summary": (
            f"billing/meters/{meter.id}/event_summaries?customer={customer.id}&{minutes}"
        ),
        "price metered": f"prices/{metered.id}?expand[]=tiers",
        "subscription metered": f"subscriptions/{usage.id}?expand[]=items.data.plan.tiers",
        "subscription_item metered": f"subscription_items/{usage['items'].data[0].id}",
        "invoice of usage": f"invoices/{usage.latest_invoice}",
        "charge refunded": f"charges/{kept.id}?expand[]=refunds",
        "refund": f"refunds?charge={kept.id}",
        "coupon": f"coupons/{coupon.id}",
        "promotion_code": "promotion_codes",
        "discount": f"subscriptions/{changed.id}?expand[]=discounts&expand[]=latest_invoice",
        "customer": f"customers/{customer.id}?expand[]=subscriptions",
        "customer_balance_transaction": f"customers/{customer.id}/balance_transactions",
        "subscription": f"subscriptions/{subscription.id}",
        "subscription trial": f"subscriptions?customer={declined.id}",
        "subscription_item": f"subscription_items/{subscription['items'].data[0].id}",
        "invoice": f"invoices/{invoice.id}?expand[]=payments&expand[]=confirmation_secret",
        "invoice of prorations": f"invoices/{upgraded.latest_invoice}",
        "invoiceitem": f"invoiceitems?customer={changed.customer}",
        "invoice_payment": f"invoice_payments/{invoice.payments.data[0].id}",  # type: ignore[union-attr]
        "payment_method": f"payment_methods/{subscription.default_payment_method}",
        "payment_intent": f"payment_intents/{intents[0].id}",
        "payment_intent declined": f"payment_intents?customer={declined.id}",
        "setup_intent": f"setup_intents?customer={declined.id}",
        "charge": f"charges/{intents[0].latest_charge}",
        "charge failed": "charges?limit=20",
        "price": "prices?expand[]=data.product",
        "product": "products",
        "checkout.session": "checkout/sessions?expand[]=data.line_items&limit=20",
        "event": "events?limit=100",
        "webhook_endpoint": "webhook_endpoints",
        "account": "account",
        "billing_portal.configuration": "billing_portal/configurations",
    }


@pytest.mark.parametrize("version", [BASIL, ENDIVE])
def test_fields_are_those_of_the_sdk(
    local: LocalStripe, everything: dict[str, str], version: str
) -> None:
    wrong = set()
    for path in everything.values():
        status, _, text = local.http(
            "GET", f"/v1/{path}", headers={"Stripe-Version": version}, key=True
        )
        assert status == 200, (path, text)
        found = json.loads(text)
        objects = found["data"] if found["object"] == "list" else [found]
        assert objects, path
        for each in objects:
            if each["object"] != "event":
                wrong |= set(differences(each, class_of(each), each["object"], version))
            else:  # its object is shown as the account's own version has it
                wrong |= set(differences(each, class_of(each), each["object"], BASIL))
                shown = each["data"]["object"]
                wrong |= set(differences(shown, class_of(shown), each["type"], BASIL))
    assert sorted(wrong) == []


def test_the_portal_session_too(local: LocalStripe) -> None:
    for version in (BASIL, ENDIVE):
        client = local.client(version)
        customer = client.v1.customers.create()
        made = client.v1.billing_portal.sessions.create({"customer": customer.id}).to_dict()
        cls = stripe.billing_portal.Session
        assert sorted(differences(made, cls, "portal", version)) == []


def test_meter_events_too(local: LocalStripe) -> None:
    for version in (BASIL, ENDIVE):
        client = local.client(version)
        name = f"calls-{version}"
        client.v1.billing.meters.create(
            {
                "display_name": "Calls",
                "event_name": name,
                "default_aggregation": {"formula": "count"},
            }
        )
        payload = {"stripe_customer_id": client.v1.customers.create().id, "value": "1"}
        event = client.v1.billing.meter_events.create({"event_name": name, "payload": payload})
        cls: type = stripe.billing.MeterEvent
        assert sorted(differences(event.to_dict(), cls, "event", version)) == []
        adjustment = client.v1.billing.meter_event_adjustments.create(
            {"event_name": name, "type": "cancel", "cancel": {"identifier": event.identifier}}
        )
        cls = stripe.billing.MeterEventAdjustment
        assert sorted(differences(adjustment.to_dict(), cls, "adjustment", version)) == []


def test_the_comparison_can_fail() -> None:
    wrong = {"id": 5, "object": "price", "surprise": 1, "active": "yes", "created": None}
    found = set(differences(wrong, stripe.Price, "price", ENDIVE))
    assert {
        "price.id is 5, not a string",
        "price.surprise is not a field of Price",
        "price.active is 'yes', not a boolean",
        "price.created is null",
        "price.currency is missing",
    } <= found


def test_known_versions_are_the_sdks() -> None:
    params = inspect.get_annotations(stripe.params.WebhookEndpointCreateParams)["api_version"]
    known = {
        text
        for text in _literals(params)
        if text >= "2025-03-31" and text[11:] in ("basil", "clover", "dahlia", "endive")
    }
    assert known == KNOWN


def _literals(annotation: Any) -> Iterator[str]:
    for each in typing.get_args(annotation):
        if isinstance(each, str):
            yield each
        else:
            yield from _literals(each)


PARAMS = {
    ("POST", "/v1/products"): "ProductCreateParams",
    ("POST", "/v1/products/{id}"): "ProductUpdateParams",
    ("GET", "/v1/products"): "ProductListParams",
    ("POST", "/v1/prices"): "PriceCreateParams",
    ("POST", "/v1/prices/{id}"): "PriceUpdateParams",
    ("GET", "/v1/prices"): "PriceListParams",
    ("POST", "/v1/customers"): "CustomerCreateParams",
    ("POST", "/v1/customers/{id}"): "CustomerUpdateParams",
    ("GET", "/v1/customers"): "CustomerListParams",
    (
        "POST",
        "/v1/customers/{customer}/balance_transactions",
    ): "CustomerBalanceTransactionCreateParams",
    (
        "GET",
        "/v1/customers/{customer}/balance_transactions",
    ): "CustomerBalanceTransactionListParams",
    ("POST", "/v1/checkout/sessions"): "checkout.SessionCreateParams",
    ("POST", "/v1/checkout/sessions/{id}"): "checkout.SessionUpdateParams",
    ("GET", "/v1/checkout/sessions"): "checkout.SessionListParams",
    ("POST", "/v1/subscriptions"): "SubscriptionCreateParams",
    ("POST", "/v1/subscriptions/{id}"): "SubscriptionUpdateParams",
    ("DELETE", "/v1/subscriptions/{id}"): "SubscriptionCancelParams",
    ("GET", "/v1/subscriptions"): "SubscriptionListParams",
    ("POST", "/v1/subscriptions/{id}/resume"): "SubscriptionResumeParams",
    ("POST", "/v1/subscription_items"): "SubscriptionItemCreateParams",
    ("POST", "/v1/subscription_items/{id}"): "SubscriptionItemUpdateParams",
    ("GET", "/v1/subscription_items"): "SubscriptionItemListParams",
    ("POST", "/v1/invoiceitems"): "InvoiceItemCreateParams",
    ("POST", "/v1/invoiceitems/{id}"): "InvoiceItemUpdateParams",
    ("GET", "/v1/invoiceitems"): "InvoiceItemListParams",
    ("POST", "/v1/coupons"): "CouponCreateParams",
    ("POST", "/v1/coupons/{id}"): "CouponUpdateParams",
    ("GET", "/v1/coupons"): "CouponListParams",
    ("POST", "/v1/promotion_codes"): "PromotionCodeCreateParams",
    ("POST", "/v1/promotion_codes/{id}"): "PromotionCodeUpdateParams",
    ("GET", "/v1/promotion_codes"): "PromotionCodeListParams",
    ("GET", "/v1/invoices"): "InvoiceListParams",
    ("POST", "/v1/invoices/create_preview"): "InvoiceCreatePreviewParams",
    ("POST", "/v1/invoices"): "InvoiceCreateParams",
    ("POST", "/v1/invoices/{id}"): "InvoiceUpdateParams",
    ("POST", "/v1/invoices/{id}/send"): "InvoiceSendInvoiceParams",
    ("POST", "/v1/invoices/{id}/finalize"): "InvoiceFinalizeInvoiceParams",
    ("POST", "/v1/invoices/{id}/mark_uncollectible"): "InvoiceMarkUncollectibleParams",
    ("POST", "/v1/invoices/{id}/pay"): "InvoicePayParams",
    ("POST", "/v1/invoices/{id}/void"): "InvoiceVoidInvoiceParams",
    ("GET", "/v1/invoice_payments"): "InvoicePaymentListParams",
    ("GET", "/v1/payment_methods"): "PaymentMethodListParams",
    ("POST", "/v1/payment_methods/{id}/attach"): "PaymentMethodAttachParams",
    ("GET", "/v1/payment_intents"): "PaymentIntentListParams",
    ("GET", "/v1/setup_intents"): "SetupIntentListParams",
    ("GET", "/v1/charges"): "ChargeListParams",
    ("GET", "/v1/disputes"): "DisputeListParams",
    ("POST", "/v1/disputes/{id}"): "DisputeUpdateParams",
    ("POST", "/v1/refunds"): "RefundCreateParams",
    ("POST", "/v1/refunds/{id}"): "RefundUpdateParams",
    ("GET", "/v1/refunds"): "RefundListParams",
    ("POST", "/v1/billing/meters"): "billing.MeterCreateParams",
    ("POST", "/v1/billing/meters/{id}"): "billing.MeterUpdateParams",
    ("GET", "/v1/billing/meters"): "billing.MeterListParams",
    ("GET", "/v1/billing/meters/{id}/event_summaries"): "billing.MeterListEventSummariesParams",
    ("POST", "/v1/billing/meter_events"): "billing.MeterEventCreateParams",
    (
        "POST",
        "/v1/billing/meter_event_adjustments",
    ): "billing.MeterEventAdjustmentCreateParams",
    ("POST", "/v1/billing_portal/sessions"): "billing_portal.SessionCreateParams",
    ("POST", "/v1/billing_portal/configurations"): "billing_portal.ConfigurationCreateParams",
    ("POST", "/v1/billing_portal/configurations/{id}"): "billing_portal.ConfigurationUpdateParams",
    ("GET", "/v1/billing_portal/configurations"): "billing_portal.ConfigurationListParams",
    ("GET", "/v1/events"): "EventListParams",
    ("POST", "/v1/webhook_endpoints"): "WebhookEndpointCreateParams",
    ("POST", "/v1/webhook_endpoints/{id}"): "WebhookEndpointUpdateParams",
    ("GET", "/v1/webhook_endpoints"): "WebhookEndpointListParams",
}
# gone from the newest SDK, alive in the pinned version
OLDER = {
    ("POST", "/v1/checkout/sessions"): {"payment_method_types"},
    ("POST", "/v1/promotion_codes"): {"coupon"},
}
ROUTES = {(r.method, r.template): r for resource in RESOURCES for r in resource.routes}


@pytest.mark.parametrize("route", PARAMS, ids=" ".join)
def test_parameters_are_those_of_the_sdk(route: tuple[str, str]) -> None:
    """A parameter of Stripe's is either built or honestly refused (501); no other is known."""
    module: Any = stripe.params
    for part in PARAMS[route].split("."):
        module = getattr(module, part)
    params: Hash = ROUTES[route].params
    ours = dict(params.fields)
    gone = {n for n, s in ours.items() if isinstance(s, Only) and s.until <= ENDIVE}
    assert gone == OLDER.get(route, set())
    theirs = set(inspect.get_annotations(module)) - set(RequestOptions.__annotations__)
    assert (set(ours) | set(params.unbuilt)) - gone == theirs
    assert not set(ours) & set(params.unbuilt)
    assert set(EXPAND) <= set(ours)

"""Every endpoint knows the parameters that stripe-python declares, no more and no less."""

import inspect
import typing
from collections.abc import Iterator
from typing import Any

import pytest
import stripe
from stripe._request_options import RequestOptions

from localcloud.stripe.params import EXPAND, Hash, Only
from localcloud.stripe.resources.index import RESOURCES
from localcloud.stripe.versions import KNOWN
from tests.integration.stripe_fixtures import ENDIVE


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
    (
        "POST",
        "/v1/customers/{customer}/balance_transactions/{id}",
    ): "CustomerBalanceTransactionUpdateParams",
    ("GET", "/v1/customers/{id}/payment_methods"): "CustomerPaymentMethodListParams",
    ("GET", "/v1/checkout/sessions/{id}/line_items"): "checkout.SessionLineItemListParams",
    ("GET", "/v1/invoices/{id}/lines"): "InvoiceLineItemListParams",
    ("GET", "/v1/payment_intents/{id}"): "PaymentIntentRetrieveParams",
    ("POST", "/v1/payment_intents/{id}/confirm"): "PaymentIntentConfirmParams",
    ("POST", "/v1/payment_methods"): "PaymentMethodCreateParams",
    ("POST", "/v1/payment_methods/{id}"): "PaymentMethodUpdateParams",
    ("GET", "/v1/setup_intents/{id}"): "SetupIntentRetrieveParams",
    ("DELETE", "/v1/subscription_items/{id}"): "SubscriptionItemDeleteParams",
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
    assert set(EXPAND) & theirs <= set(ours)


def test_no_parameters_are_left_out_of_the_comparison() -> None:
    own = {at for at, route in ROUTES.items() if set(route.params.fields) - set(EXPAND)}
    assert own - set(PARAMS) == set()

"""What the pages show of others' texts, who may frame them, and where they lead."""

import html
from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.integration.portal_visitor import visit
from tests.integration.stripe_fixtures import LocalStripe, local

__all__ = ["local"]
EVIL = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>"""
SITE = "https://example.com/done"
SELF = "frame-ancestors 'none'"
FEATURES: Any = {
    "customer_update": {"enabled": True, "allowed_updates": ["name", "address"]},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {"enabled": True},
}


def evil_plan(local: LocalStripe) -> tuple[Any, Any, Any]:
    """A customer, a plan and a subscription whose every text wants to run."""
    client = local.client()
    where: Any = {"line1": EVIL, "city": EVIL}
    customer = client.v1.customers.create({"name": EVIL, "email": "a@b.example", "address": where})
    card = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    product = client.v1.products.create({"name": EVIL, "unit_label": "<i>"})
    price = client.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 500,
            "recurring": {"interval": "month"},
        }
    )
    coupon = client.v1.coupons.create({"percent_off": 10, "name": EVIL[:40]})
    subscription = client.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "default_payment_method": card.id,
            "discounts": [{"coupon": coupon.id}],
            "metadata": {"note": EVIL},
        }
    )
    return customer, price, subscription


def evil_invoice(local: LocalStripe, customer: Any) -> Any:
    """One line says nothing, the other too much."""
    client = local.client()
    made = client.v1.invoices.create({"customer": customer.id, "description": EVIL})
    of: Any = {"customer": customer.id, "invoice": made.id, "amount": 700, "currency": "usd"}
    client.v1.invoice_items.create(of)
    client.v1.invoice_items.create({**of, "description": EVIL})
    return client.v1.invoices.finalize_invoice(made.id)


def test_texts_are_shown_and_never_run(local: LocalStripe) -> None:
    customer, price, subscription = evil_plan(local)
    invoice = evil_invoice(local, customer)
    session = local.client().v1.checkout.sessions.create(
        {
            "customer": customer.id,
            "mode": "subscription",
            "line_items": [{"price": price.id, "quantity": 1}],
            "success_url": SITE,
            "cancel_url": SITE + "?" + EVIL.replace(" ", ""),
        }
    )
    home = visit(local, customer.id, FEATURES).session.url
    asked = dict.fromkeys(("cancel", "card"), subscription.id)
    asked |= {"invoice": invoice.id, "details": "1"}
    pages = [home, *(f"{home}?{name}={value}" for name, value in asked.items())]
    for address in (*pages, session.url, invoice.hosted_invoice_url):
        status, headers, body = local.http("GET", str(address).removeprefix(local.url))
        text = body.decode()
        assert (status, SELF in headers["Content-Security-Policy"]) == (200, True), address
        assert html.escape(EVIL[:8]) in text, address
        for sign in ("<script>alert", "<img", "<i>", ">None<"):
            assert sign not in text, address


def test_only_embedded_checkout_may_be_framed(local: LocalStripe) -> None:
    session = local.checkout(customer_email="framed@example.com")
    for address in (f"/c/embed/{session.client_secret}", "/c/embed/cs_unknown_secret_x"):
        _, headers, _ = local.http("GET", address)
        policy = headers["Content-Security-Policy"]
        assert policy.endswith(f"frame-ancestors {' '.join(local.config.site_origins)}")
    _, headers, _ = local.http("GET", "/p/session/bps_unknown")
    assert SELF in headers["Content-Security-Policy"]


def ways_out(local: LocalStripe) -> dict[str, Callable[[str], Any]]:
    """Every parameter whose address a page links or leads to."""
    client = local.client()
    customer = client.v1.customers.create().id
    line: Any = [{"price": local.price(), "quantity": 1}]
    hosted: Any = {"mode": "subscription", "line_items": line, "success_url": SITE}
    embedded: Any = {"mode": "subscription", "line_items": line, "ui_mode": "embedded"}
    sessions: Any = client.v1.checkout.sessions.create
    portal: Any = client.v1.billing_portal.sessions.create
    configured: Any = client.v1.billing_portal.configurations.create

    def flow(url: str) -> Any:
        after = {"type": "redirect", "redirect": {"return_url": url}}
        wanted = {"type": "payment_method_update", "after_completion": after}
        return portal({"customer": customer, "flow_data": wanted})

    def business(name: str) -> Callable[[str], Any]:
        return lambda url: configured({"features": FEATURES, "business_profile": {name: url}})

    return {
        "success_url": lambda url: sessions({**hosted, "success_url": url}),
        "cancel_url": lambda url: sessions({**hosted, "cancel_url": url}),
        "embedded return_url": lambda url: sessions({**embedded, "return_url": url}),
        "portal return_url": lambda url: portal({"customer": customer, "return_url": url}),
        "after_completion": flow,
        "default_return_url": lambda url: configured(
            {"features": FEATURES, "default_return_url": url}
        ),
        "privacy_policy_url": business("privacy_policy_url"),
        "terms_of_service_url": business("terms_of_service_url"),
    }


def test_pages_lead_to_web_addresses_alone(local: LocalStripe) -> None:
    for name, create in ways_out(local).items():
        for bad in ("javascript:alert(1)", "data:text/html,x", "//evil.example", " https://a"):
            with pytest.raises(stripe.InvalidRequestError) as caught:
                create(bad)
            assert caught.value.code == "url_invalid", (name, bad)
        assert create(SITE).id, name

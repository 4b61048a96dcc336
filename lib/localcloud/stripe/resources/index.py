"""All resources of the local Stripe. A new one is added to `RESOURCES`."""

from localcloud.stripe.registry import Resource
from localcloud.stripe.resources import (
    accounts,
    charges,
    checkout_sessions,
    customers,
    events,
    invoice_payments,
    invoices,
    payment_intents,
    payment_methods,
    portal_configurations,
    portal_sessions,
    prices,
    products,
    setup_intents,
    subscription_items,
    subscriptions,
    webhook_endpoints,
)

RESOURCES: tuple[Resource, ...] = (
    accounts.RESOURCE,
    charges.RESOURCE,
    checkout_sessions.RESOURCE,
    customers.RESOURCE,
    events.RESOURCE,
    invoice_payments.RESOURCE,
    invoices.RESOURCE,
    invoices.LINE,
    payment_intents.RESOURCE,
    payment_methods.RESOURCE,
    portal_configurations.RESOURCE,
    portal_sessions.RESOURCE,
    prices.RESOURCE,
    prices.PLAN,
    products.RESOURCE,
    setup_intents.RESOURCE,
    subscription_items.RESOURCE,
    subscriptions.RESOURCE,
    webhook_endpoints.RESOURCE,
)

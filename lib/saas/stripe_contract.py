"""What the functions and the commands that set Stripe up agree on.

Our names at Stripe are `app`, `env`, `userId` in the metadata of what we create, `plan` in a
product's and `price_key` in a price's.
"""

from collections.abc import Mapping

APP = "groundwork"
# The frontend loads a basil-era Stripe.js. A webhook's payload follows its endpoint's version, not
# the client's ("Webhook endpoints", `api_version`), so both are this one.
API_VERSION = "2025-08-27.basil"
WEBHOOK_PATH = "/backend/stripe/webhook"
PORTAL_PATH = "/v1/billing_portal/configurations"

# Everything that may change what a customer has; each leads to the same sync.
HANDLED_EVENTS = (
    "checkout.session.async_payment_failed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.completed",
    "checkout.session.expired",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.pending_update_applied",
    "customer.subscription.resumed",
    "customer.subscription.trial_will_end",
    "customer.subscription.updated",
    "invoice.paid",
    "invoice.payment_failed",
)

# Statuses in which a subscription still runs at Stripe ("The Subscription object", `status`).
LIVE_STATUSES = frozenset({"active", "trialing", "past_due", "unpaid", "paused"})


def is_for(metadata: Mapping[str, str], environment: str) -> bool:
    """Whether nobody stamped an object for another product or environment than ours."""
    stamps = (metadata.get("app") or APP, metadata.get("env") or environment)
    return stamps == (APP, environment)


def is_stamped(metadata: Mapping[str, str], environment: str) -> bool:
    """Whether an object was made, or taken over, for exactly this environment."""
    return (metadata.get("app"), metadata.get("env")) == (APP, environment)

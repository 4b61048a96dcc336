"""Every type of event that is ever announced, by the kind of object that it shows.

`announce` refuses any other, so that the documentation (`reference`) and the tests, which hold an
example of each against stripe-python's types, know them all. Names: "Types of events" of Stripe's
API reference.
"""

from localcloud.stripe.params import words

EVENTS: dict[str, tuple[str, ...]] = {
    "billing.meter": words(
        """billing.meter.created billing.meter.deactivated billing.meter.reactivated
        billing.meter.updated"""
    ),
    "billing_portal.configuration": words(
        "billing_portal.configuration.created billing_portal.configuration.updated"
    ),
    "billing_portal.session": ("billing_portal.session.created",),
    "charge": words("charge.failed charge.refunded charge.succeeded"),
    "checkout.session": words("checkout.session.completed checkout.session.expired"),
    "coupon": words("coupon.created coupon.deleted coupon.updated"),
    "customer": words("customer.created customer.deleted customer.updated"),
    "discount": words("customer.discount.created customer.discount.deleted"),
    "dispute": words(
        """charge.dispute.closed charge.dispute.created charge.dispute.funds_reinstated
        charge.dispute.funds_withdrawn charge.dispute.updated"""
    ),
    "invoice": words(
        """invoice.created invoice.deleted invoice.finalized invoice.marked_uncollectible
        invoice.paid invoice.payment_action_required invoice.payment_failed
        invoice.payment_succeeded invoice.sent invoice.updated invoice.voided"""
    ),
    "invoice_payment": ("invoice_payment.paid",),
    "invoiceitem": words("invoiceitem.created invoiceitem.deleted"),
    "payment_intent": words(
        """payment_intent.canceled payment_intent.created payment_intent.payment_failed
        payment_intent.requires_action payment_intent.succeeded"""
    ),
    "payment_method": words(
        "payment_method.attached payment_method.detached payment_method.updated"
    ),
    "plan": ("plan.created",),
    "price": words("price.created price.updated"),
    "product": words("product.created product.deleted product.updated"),
    "promotion_code": words("promotion_code.created promotion_code.updated"),
    "refund": words("refund.created refund.updated"),
    "setup_intent": words(
        """setup_intent.canceled setup_intent.created setup_intent.requires_action
        setup_intent.setup_failed setup_intent.succeeded"""
    ),
    "subscription": words(
        """customer.subscription.created customer.subscription.deleted customer.subscription.paused
        customer.subscription.pending_update_applied customer.subscription.pending_update_expired
        customer.subscription.resumed customer.subscription.trial_will_end
        customer.subscription.updated"""
    ),
}


def check(event_type: str, kind: str) -> None:
    """Raise RuntimeError for a type of event that `kind` does not list."""
    if event_type not in EVENTS.get(kind, ()):
        raise RuntimeError(f"{event_type} is not listed for {kind}: add it to event_types.EVENTS")

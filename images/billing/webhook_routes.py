"""The route that Stripe calls."""

from billing import webhook
from billing.schemas import Received
from saas import bodies
from saas.auth import lower_headers
from saas.invocation import RawEvent
from saas.routing import Router

router = Router("billing")


@router.post("/stripe/webhook", summary="Stripe's events", errors=[502], public=True)
def receive(event: RawEvent) -> Received:
    """Signed by Stripe; anything but 200 makes it deliver again."""
    webhook.receive(bodies.raw(event), lower_headers(event).get("stripe-signature") or "")
    return Received()

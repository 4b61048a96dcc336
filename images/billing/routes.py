"""Routes of the billing domain that people call."""

from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from billing import checkout, portal, status
from billing.offers import offers
from billing.schemas import Checkout, CheckoutRequest, Offer, Portal, Status
from saas.auth import identify
from saas.schemas import Success

router = APIGatewayRouter()


@router.post("/stripe/checkout", summary="Open an embedded checkout", tags=["billing"])
def open_checkout(body: CheckoutRequest) -> Success[Checkout]:
    """The caller's open Checkout Session for the price: the same one however often it is asked."""
    identity = identify(router.current_event.raw_event)
    session = checkout.open_session(identity, body.price_id)
    return Success(data=Checkout(client_secret=session.client_secret, session_id=session.id))


@router.post("/stripe/portal", summary="Open the billing portal", tags=["billing"])
def open_portal() -> Success[Portal]:
    """A link to Stripe's portal, where subscriptions are changed and cancelled."""
    return Success(data=Portal(url=portal.link(identify(router.current_event.raw_event))))


@router.get("/subscription/status", summary="The caller's subscription", tags=["billing"])
def subscription_status() -> Success[Status]:
    """Right after a checkout Stripe is asked before the answer; otherwise the stored state."""
    return Success(data=status.see(identify(router.current_event.raw_event)))


@router.get("/plans", summary="What is sold", tags=["billing"])
def plans() -> Success[list[Offer]]:
    """Public."""
    return Success(data=offers())

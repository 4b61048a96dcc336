"""Routes of the billing domain that people call."""

from billing import checkout, portal, status
from billing.offers import offers
from billing.schemas import Checkout, CheckoutRequest, Offer, Portal, Status
from saas.invocation import SignedIn
from saas.routing import Router
from saas.schemas import Success

router = Router("billing")


@router.post("/stripe/checkout", summary="Open an embedded checkout", errors=[409, 429, 502])
def open_checkout(caller: SignedIn, body: CheckoutRequest) -> Success[Checkout]:
    """The caller's open Checkout Session for the price: the same one however often it is asked."""
    session = checkout.open_session(caller, body.price_id)
    return Success(data=Checkout(client_secret=session.client_secret, session_id=session.id))


@router.post("/stripe/portal", summary="Open the billing portal", errors=[409, 429, 502])
def open_portal(caller: SignedIn) -> Success[Portal]:
    """A link to Stripe's portal, where subscriptions are changed and cancelled."""
    return Success(data=Portal(url=portal.link(caller)))


@router.get("/subscription/status", summary="The caller's subscription")
def subscription_status(caller: SignedIn) -> Success[Status]:
    """Right after a checkout Stripe is asked before the answer; otherwise the stored state."""
    return Success(data=status.see(caller))


@router.get("/plans", summary="What is sold", public=True)
def plans() -> Success[list[Offer]]:
    """Public."""
    return Success(data=offers())

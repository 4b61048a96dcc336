"""The route that Stripe calls."""

from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from billing import webhook
from billing.schemas import Received
from saas.http import raw_body

router = APIGatewayRouter()


@router.post("/stripe/webhook", summary="Stripe's events", tags=["billing"])
def receive() -> Received:
    """Signed by Stripe; anything but 200 makes it deliver again."""
    event = router.current_event.raw_event
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    webhook.receive(raw_body(event), headers.get("stripe-signature") or "")
    return Received()

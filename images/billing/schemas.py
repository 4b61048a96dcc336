"""What the billing routes take and give."""

from typing import Annotated, Literal

from pydantic import Field

from saas.schemas import ApiModel, Optional


class CheckoutRequest(ApiModel):
    """Body of `POST /stripe/checkout`; `priceId` is one of our price keys."""

    price_id: Annotated[str, Field(min_length=1, max_length=200)]


class Checkout(ApiModel):
    """What the page's embedded checkout needs."""

    client_secret: str
    session_id: str


class Portal(ApiModel):
    """Where to send the browser; the address is good for minutes."""

    url: str


class SubscriptionView(ApiModel):
    """The frontend's `Subscription`; times are ISO 8601 UTC."""

    id: str
    user_id: str
    stripe_subscription_id: str
    status: Literal["active", "past_due", "cancelled", "incomplete"]
    current_period_start: str
    current_period_end: str
    plan_id: str
    cancel_at_period_end: bool
    created_at: str
    updated_at: str


class Status(ApiModel):
    """What the subscription gate reads; `subscription` is left out when there never was one."""

    subscription_status: Literal["active", "inactive", "cancelled"]
    has_active_subscription: bool
    subscription: Optional[SubscriptionView]


class Offer(ApiModel):
    """A plan as it is sold; `amount` is US cents per interval, null when sold by agreement.

    `callsInFlight` may run at the same time. `maxOutputTokens` is the longest answer that can be
    reached today, by `maxOutputTokensByModel` the one of each model.
    """

    id: str
    name: str
    price_key: str
    amount: int | None
    currency: Literal["usd"] = "usd"
    interval: str
    calls_per_month: int
    calls_in_flight: int
    models: list[str]
    max_output_tokens: int
    max_output_tokens_by_model: dict[str, int]
    contact_sales: bool


class Received(ApiModel):
    """The bare answer that tells Stripe an event was dealt with."""

    received: Literal[True] = True

"""Webhook endpoints (https://docs.stripe.com/api/webhook_endpoints); `webhooks` sends to them."""

from dataclasses import dataclass
from typing import Any

from localcloud.stripe import receivers, versions
from localcloud.stripe.errors import invalid
from localcloud.stripe.event_names import EventName
from localcloud.stripe.lists import page
from localcloud.stripe.nouns import random_text
from localcloud.stripe.params import (
    EXPAND,
    PAGE,
    Array,
    Boolean,
    Hash,
    Metadata,
    Spec,
    Text,
    Url,
)
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import EXISTS, Obj
from localcloud.stripe.work import Work, given, merge_metadata

URL = "/v1/webhook_endpoints"
MOST = 16


@dataclass(frozen=True)
class Version:
    """An API version that this stand-in can render."""

    def parse(self, raw: Any, at: str, version: str) -> str:
        if raw not in versions.KNOWN or not isinstance(raw, str):
            raise invalid(f"Invalid API version: {raw}"[:100], at)
        return raw


FIELDS: dict[str, Spec] = {
    **EXPAND,
    "description": Text(clearable=True),
    "enabled_events": Array(EventName(), longest=500),
    "metadata": Metadata(),
    "url": Url(),
}
CREATE = Hash(
    {**FIELDS, "api_version": Version()},
    required=("enabled_events", "url"),
    unbuilt=("connect",),
)
UPDATE = Hash({**FIELDS, "disabled": Boolean()})


def new(work: Work, url: str, enabled_events: list[str], secret: str, **fields: Any) -> Obj:
    """A stored endpoint. `secret` (`whsec_…`) signs what it is sent."""
    endpoint = work.new(
        "webhook_endpoint",
        api_version=None,
        application=None,
        description=None,
        enabled_events=enabled_events,
        metadata={},
        status="enabled",
        url=url,
        _secrets=[{"secret": secret, "until": None}],
    )
    endpoint.update(fields)
    return work.create(endpoint)


def create(work: Work, params: Obj) -> Obj:
    """Like Stripe's, the answer shows the secret this once."""
    if len(work.store.select("webhook_endpoint", EXISTS)) >= MOST:
        raise invalid(f"You have reached the maximum of {MOST} test webhook endpoints.")
    _require_receiver(work, params)
    secret = f"whsec_{random_text(32)}"
    endpoint = new(
        work,
        params["url"],
        params["enabled_events"],
        secret,
        api_version=params.get("api_version"),
        description=params.get("description"),
        metadata=merge_metadata({}, params.get("metadata", {})),
    )
    return {**work.present(endpoint), "secret": secret}


def _require_receiver(work: Work, params: Obj) -> None:
    """Raises StripeError for an address on another machine."""
    if "url" in params and (reason := receivers.problem(work.config, params["url"])):
        raise invalid(reason, "url", "url_invalid")


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("webhook_endpoint", id))


def update(work: Work, params: Obj, id: str) -> Obj:
    endpoint = work.need("webhook_endpoint", id)
    _require_receiver(work, params)
    changes = given(endpoint, params, "description", "enabled_events", "url")
    if "disabled" in params:
        changes["status"] = "disabled" if params["disabled"] else "enabled"
    return work.present(work.update(endpoint, **changes))


def delete(work: Work, params: Obj, id: str) -> Obj:
    endpoint = work.need("webhook_endpoint", id)
    return work.present(work.update(endpoint, _deleted=True, status="disabled"))


def list_all(work: Work, params: Obj) -> Obj:
    return page(work, "webhook_endpoint", URL, params, EXISTS)


RESOURCE = Resource(
    kind="webhook_endpoint",
    routes=(
        Route("POST", URL, create, CREATE),
        Route("GET", URL, list_all, Hash(PAGE)),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, UPDATE),
        Route("DELETE", URL + "/{id}", delete),
    ),
)

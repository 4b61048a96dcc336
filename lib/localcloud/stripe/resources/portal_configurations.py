"""Customer Portal configurations (https://docs.stripe.com/api/customer_portal/configurations)."""

from dataclasses import dataclass
from typing import Any

from localcloud.stripe.errors import not_built
from localcloud.stripe.lists import page
from localcloud.stripe.params import (
    EXPAND,
    PAGE,
    Boolean,
    Enum,
    Hash,
    Metadata,
    Spec,
    Text,
    Url,
    words,
)
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources.subscription_params import FEEDBACK
from localcloud.stripe.store import Obj, equal
from localcloud.stripe.work import Work, merge_metadata

URL = "/v1/billing_portal/configurations"
ON_OFF = Hash({"enabled": Boolean()}, required=("enabled",))


@dataclass(frozen=True)
class Off:
    """The switch of a feature that our portal page has not: it can only be off."""

    def parse(self, raw: Any, at: str, version: str) -> bool:
        if Boolean().parse(raw, at, version):
            raise not_built(f"the parameter {at}")
        return False


CANCEL = Hash(
    {"enabled": Boolean(), "mode": Enum(("at_period_end", "immediately"))},
    required=("enabled",),
    unbuilt=words("cancellation_reason proration_behavior"),
)
FIELDS: dict[str, Spec] = {
    **EXPAND,
    "business_profile": Hash(
        {
            "headline": Text(60, clearable=True),
            "privacy_policy_url": Url(clearable=True),
            "terms_of_service_url": Url(clearable=True),
        }
    ),
    "default_return_url": Url(clearable=True),
    "features": Hash(
        {
            "invoice_history": ON_OFF,
            "payment_method_update": ON_OFF,
            "subscription_cancel": CANCEL,
            "subscription_pause": Hash({"enabled": Off()}),
            "subscription_update": Hash(
                {"enabled": Off()},
                required=("enabled",),
                unbuilt=words(
                    """billing_cycle_anchor default_allowed_updates products proration_behavior
                    schedule_at_period_end trial_update_behavior"""
                ),
            ),
        },
        unbuilt=("customer_update",),
    ),
    "metadata": Metadata(),
    "name": Text(clearable=True),
}
CREATE = Hash(FIELDS, required=("features",), unbuilt=("login_page",))
UPDATE = Hash({**FIELDS, "active": Boolean()}, unbuilt=("login_page",))


def new(work: Work, features: Obj, **fields: Any) -> Obj:
    """A stored configuration; `features` switches things on, everything else is off."""
    configuration = work.new(
        "billing_portal.configuration",
        active=True,
        application=None,
        business_profile={
            "headline": None,
            "privacy_policy_url": None,
            "terms_of_service_url": None,
        },
        default_return_url=None,
        features=_merge(_all_off(), features),
        is_default=False,
        login_page={"enabled": False, "url": None},
        metadata={},
        name=None,
        updated=work.now,
    )
    configuration.update(fields)
    return work.create(configuration, "billing_portal.configuration.created")


def _all_off() -> Obj:
    return {
        "customer_update": {"allowed_updates": [], "enabled": False},
        "invoice_history": {"enabled": False},
        "payment_method_update": {"enabled": False, "payment_method_configuration": None},
        "subscription_cancel": {
            "cancellation_reason": {"enabled": False, "options": list(FEEDBACK)},
            "enabled": False,
            "mode": "at_period_end",
            "proration_behavior": "none",
        },
        "subscription_pause": {
            "duration": {"interval_options": [], "type": "indefinite"},
            "enabled": False,
        },
        "subscription_update": {
            "billing_cycle_anchor": None,
            "default_allowed_updates": [],
            "enabled": False,
            "products": [],
            "proration_behavior": "none",
            "schedule_at_period_end": {"conditions": []},
            "trial_update_behavior": "end_trial",
        },
    }


def _merge(old: Obj, new: Obj) -> Obj:
    return {**old, **{name: {**old[name], **value} for name, value in new.items()}}


def create(work: Work, params: Obj) -> Obj:
    fields = {k: params[k] for k in ("default_return_url", "name") if k in params}
    configuration = new(
        work, params["features"], metadata=merge_metadata({}, params.get("metadata", {})), **fields
    )
    configuration["business_profile"].update(params.get("business_profile", {}))
    return work.present(work.update(configuration))


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    return work.present(work.need("billing_portal.configuration", id))


def update(work: Work, params: Obj, id: str) -> Obj:
    configuration = work.need("billing_portal.configuration", id)
    changes: Obj = {k: params[k] for k in ("active", "default_return_url", "name") if k in params}
    if "metadata" in params:
        changes["metadata"] = merge_metadata(configuration["metadata"], params["metadata"])
    for name in ("business_profile", "features"):
        if name in params and name == "features":
            changes[name] = _merge(configuration[name], params[name])
        elif name in params:
            changes[name] = {**configuration[name], **params[name]}
    changes["updated"] = work.now
    event = "billing_portal.configuration.updated"
    return work.present(work.update(configuration, event, **changes))


def list_all(work: Work, params: Obj) -> Obj:
    wheres = [equal(name, params[name]) for name in ("active", "is_default") if name in params]
    return page(work, "billing_portal.configuration", URL, params, *wheres)


RESOURCE = Resource(
    kind="billing_portal.configuration",
    routes=(
        Route("POST", URL, create, CREATE),
        Route("GET", URL, list_all, Hash({**PAGE, "active": Boolean(), "is_default": Boolean()})),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, UPDATE),
    ),
)

"""Customer Portal configurations (https://docs.stripe.com/api/customer_portal/configurations)."""

from typing import Any

from localcloud.stripe.lists import filters, page
from localcloud.stripe.params import EXPAND, PAGE, Boolean, Hash, Metadata, Spec, Text, Url
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources import portal_features
from localcloud.stripe.store import Obj
from localcloud.stripe.work import Work, given, merge_metadata, plain

URL = "/v1/billing_portal/configurations"
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
    "metadata": Metadata(),
    "name": Text(clearable=True),
}
CREATE = Hash(
    {**FIELDS, "features": portal_features.CREATE}, required=("features",), unbuilt=("login_page",)
)
UPDATE = Hash(
    {**FIELDS, "active": Boolean(), "features": portal_features.UPDATE}, unbuilt=("login_page",)
)


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
        features=portal_features.merge(work, portal_features.ALL_OFF, features),
        is_default=False,
        login_page={"enabled": False, "url": None},
        metadata={},
        name=None,
        updated=work.now,
    )
    configuration.update(fields)
    return work.create(configuration, "billing_portal.configuration.created")


def present(work: Work, configuration: Obj) -> Obj:
    """Without the products of plan changes, which Stripe shows when they are expanded."""
    shown = plain(work, configuration)
    update = dict(shown["features"]["subscription_update"])
    del update["products"]
    return {**shown, "features": {**shown["features"], "subscription_update": update}}


def _products(work: Work, configuration: Obj) -> list[Obj]:
    products: list[Obj] = configuration["features"]["subscription_update"]["products"]
    return products


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
    changes = given(configuration, params, "active", "default_return_url", "name")
    if "business_profile" in params:
        profile = {**configuration["business_profile"], **params["business_profile"]}
        changes["business_profile"] = profile
    if "features" in params:
        features = portal_features.merge(work, configuration["features"], params["features"])
        changes["features"] = features
    changes["updated"] = work.now
    event = "billing_portal.configuration.updated"
    return work.present(work.update(configuration, event, **changes))


def list_all(work: Work, params: Obj) -> Obj:
    wheres = filters(params, "active", "is_default")
    return page(work, "billing_portal.configuration", URL, params, *wheres)


RESOURCE = Resource(
    kind="billing_portal.configuration",
    present=present,
    included={"features.subscription_update.products": _products},
    routes=(
        Route("POST", URL, create, CREATE),
        Route("GET", URL, list_all, Hash({**PAGE, "active": Boolean(), "is_default": Boolean()})),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, UPDATE),
    ),
)

"""Customer Portal sessions (https://docs.stripe.com/api/customer_portal/sessions)."""

from localcloud.stripe.errors import invalid, missing_param
from localcloud.stripe.nouns import random_text
from localcloud.stripe.params import EXPAND, Hash, Text, Url
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.resources import portal_flows
from localcloud.stripe.store import Obj, equal
from localcloud.stripe.work import Work

URL = "/v1/billing_portal/sessions"
CREATE = Hash(
    {
        **EXPAND,
        "configuration": Text(),
        "customer": Text(),
        "flow_data": portal_flows.PARAMS,
        "locale": Text(10),
        "return_url": Url(),
    },
    unbuilt=("after_expiration", "customer_account", "on_behalf_of"),
)


def create(work: Work, params: Obj) -> Obj:
    if "customer" not in params:
        raise missing_param("customer")
    customer = work.need("customer", params["customer"], param="customer")
    configuration = _configuration(work, params)
    flow = None
    if "flow_data" in params:
        flow = portal_flows.flow(work, customer, configuration, params["flow_data"])
    session = work.new(
        "billing_portal.session",
        configuration=configuration["id"],
        customer=customer["id"],
        customer_account=None,
        flow=flow,
        locale=params.get("locale"),
        on_behalf_of=None,
        return_url=params.get("return_url", configuration["default_return_url"]),
        _secret=random_text(40),
        _seen=None,
    )
    session["url"] = f"{work.base_url}/p/session/{session['id']}"
    return work.present(work.create(session, "billing_portal.session.created"))


def _configuration(work: Work, params: Obj) -> Obj:
    """The configuration named, or the account's default; a 400 if there is no active one."""
    kind = "billing_portal.configuration"
    if "configuration" in params:
        named = work.need(kind, params["configuration"], param="configuration")
        if not named["active"]:
            raise invalid(
                f"The configuration {named['id']} is inactive. Activate it, or name another one.",
                "configuration",
            )
        return named
    found = work.store.select(kind, equal("is_default", True), limit=1)
    if not found or not found[0]["active"]:
        raise invalid(
            "You can't create a portal session in test mode until you save your customer portal "
            "settings in test mode at https://dashboard.stripe.com/test/settings/billing/portal.",
            "configuration",
        )
    return found[0]


RESOURCE = Resource(
    kind="billing_portal.session",
    expandable={"configuration": "billing_portal.configuration"},
    routes=(Route("POST", URL, create, CREATE),),
)

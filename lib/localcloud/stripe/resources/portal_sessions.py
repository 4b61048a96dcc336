"""Customer Portal sessions (https://docs.stripe.com/api/customer_portal/sessions)."""

from localcloud.stripe.errors import invalid, missing_param
from localcloud.stripe.nouns import random_text
from localcloud.stripe.params import EXPAND, Hash, Text, Url
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import Obj, equal
from localcloud.stripe.work import Work

URL = "/v1/billing_portal/sessions"
CREATE = Hash(
    {
        **EXPAND,
        "configuration": Text(),
        "customer": Text(),
        "locale": Text(10),
        "return_url": Url(),
    },
    unbuilt=("after_expiration", "customer_account", "flow_data", "on_behalf_of"),
)


def create(work: Work, params: Obj) -> Obj:
    if "customer" not in params:
        raise missing_param("customer")
    customer = work.need("customer", params["customer"], param="customer")
    kind = "billing_portal.configuration"
    if "configuration" in params:
        configuration: Obj | None = work.need(kind, params["configuration"], param="configuration")
    else:
        configuration = next(
            iter(work.store.select(kind, equal("is_default", True), limit=1)), None
        )
    if configuration is None or not configuration["active"]:
        raise invalid(
            "You can't create a portal session in test mode until you save your customer portal "
            "settings in test mode at https://dashboard.stripe.com/test/settings/billing/portal.",
            "configuration",
        )
    session = work.new(
        "billing_portal.session",
        configuration=configuration["id"],
        customer=customer["id"],
        customer_account=None,
        flow=None,
        locale=params.get("locale"),
        on_behalf_of=None,
        return_url=params.get("return_url", configuration["default_return_url"]),
        _secret=random_text(40),
    )
    session["url"] = f"{work.base_url}/p/session/{session['id']}"
    return work.present(work.create(session, "billing_portal.session.created"))


RESOURCE = Resource(
    kind="billing_portal.session",
    expandable={"configuration": "billing_portal.configuration"},
    routes=(Route("POST", URL, create, CREATE),),
)

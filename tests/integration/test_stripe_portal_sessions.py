"""Portal sessions and their flows as a developer makes them with stripe-python."""

from typing import Any

import stripe

from tests.integration.portal_visitor import configured, refused, switching
from tests.integration.stripe_fixtures import BASIL, ENDIVE, PROFESSIONAL, LocalStripe, local
from tests.integration.stripe_shapes import differences

__all__ = ["local"]


def test_an_inactive_configuration_opens_no_portal(local: LocalStripe) -> None:
    client = local.client()
    made = configured(local, invoice_history={"enabled": True})
    client.v1.billing_portal.configurations.update(made.id, {"active": False})
    customer = client.v1.customers.create()
    error = refused(local, "session", {"customer": customer.id, "configuration": made.id})
    assert "is inactive" in str(error)
    assert "No such customer" in str(refused(local, "session", {"customer": "cus_x"}))
    assert "Missing required param: customer." in str(refused(local, "session", {}))


def test_a_flow_has_the_fields_of_the_sdk(local: LocalStripe) -> None:
    customer, subscription = local.subscriber()
    made = configured(local, **switching(local))
    confirm = {
        "subscription": subscription.id,
        "items": [{"id": subscription["items"].data[0].id, "price": local.price(PROFESSIONAL)}],
    }
    redirect = {"type": "redirect", "redirect": {"return_url": "https://example.com/done"}}
    params: Any = {
        "customer": customer.id,
        "configuration": made.id,
        "flow_data": {
            "type": "subscription_update_confirm",
            "subscription_update_confirm": confirm,
            "after_completion": redirect,
        },
    }
    for version in (BASIL, ENDIVE):
        session = local.client(version).v1.billing_portal.sessions.create(params)
        shown = session.to_dict()
        cls = stripe.billing_portal.Session
        assert sorted(differences(shown, cls, "session", version)) == []
        assert session.flow is not None
        assert session.flow.after_completion.redirect is not None
        assert session.flow.after_completion.redirect.return_url == "https://example.com/done"
        assert session.flow.subscription_update_confirm is not None
        assert session.flow.subscription_update_confirm.items[0].price == local.price(PROFESSIONAL)


class Asker:
    """A subscriber for whom flows are asked in vain."""

    def __init__(self, local: LocalStripe, features: Any) -> None:
        self.local = local
        customer, self.subscription = local.subscriber()
        self.configuration = configured(local, **features)
        self.params = {"customer": customer.id, "configuration": self.configuration.id}

    @property
    def own(self) -> dict[str, Any]:
        return {"subscription": self.subscription.id}

    def error(self, kind: str, **data: Any) -> str:
        """Stripe's message for a flow."""
        found = refused(self.local, "session", {**self.params, "flow_data": {"type": kind, **data}})
        assert found.http_status == 400, found
        return str(found)


def test_a_flow_needs_its_feature(local: LocalStripe) -> None:
    asker = Asker(local, {"invoice_history": {"enabled": True}})
    assert asker.error("subscription_update", subscription_update=asker.own).endswith(
        "cannot be updated because the subscription update feature in the portal configuration is "
        "disabled."
    )
    assert "cancellation feature" in asker.error(
        "subscription_cancel", subscription_cancel=asker.own
    )
    assert "payment method update" in asker.error("payment_method_update")


def test_a_flow_is_about_the_customers_own_subscription(local: LocalStripe) -> None:
    asker = Asker(local, {"subscription_cancel": {"enabled": True}})
    _, foreign = local.subscriber()
    assert "Missing required param: flow_data[subscription_cancel]." in asker.error(
        "subscription_cancel"
    )
    assert "No such subscription" in asker.error(
        "subscription_cancel", subscription_cancel={"subscription": foreign.id}
    )
    local.client().v1.subscriptions.update(asker.subscription.id, {"cancel_at_period_end": True})
    assert "already set to be canceled" in asker.error(
        "subscription_cancel", subscription_cancel=asker.own
    )


def test_a_flow_confirms_what_the_catalogue_holds(local: LocalStripe) -> None:
    asker = Asker(local, switching(local, products=[]))
    item = asker.subscription["items"].data[0].id
    price = local.price(PROFESSIONAL)
    kind = "subscription_update_confirm"
    wanted = {**asker.own, "items": [{"id": item, "price": price}]}
    assert (
        f"The item `{item}` cannot be updated to price `{price}` because the configuration "
        f"`{asker.configuration.id}` does not include the price in its "
        "`features[subscription_update][products]`."
    ) in asker.error(kind, subscription_update_confirm=wanted)
    _, foreign = local.subscriber()
    other = {**asker.own, "items": [{"id": foreign["items"].data[0].id}]}
    assert "No such subscription" in asker.error(kind, subscription_update_confirm=other)
    assert "Missing required param: flow_data[after_completion][redirect]" in asker.error(
        "payment_method_update", after_completion={"type": "redirect"}
    )
    local.client().v1.subscriptions.update(asker.subscription.id, {"cancel_at_period_end": True})
    assert "Renew it first" in asker.error("subscription_update", subscription_update=asker.own)


def test_later_flows_are_not_built(local: LocalStripe) -> None:
    customer = local.client().v1.customers.create()
    for kind in ("customer_update", "subscription_pause"):
        error = refused(local, "session", {"customer": customer.id, "flow_data": {"type": kind}})
        assert (error.http_status, kind in str(error)) == (501, True)

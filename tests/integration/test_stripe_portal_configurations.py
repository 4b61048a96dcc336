"""Portal configurations as a developer makes them with stripe-python."""

from typing import Any

import pytest
import stripe

from tests.integration.portal_visitor import catalogue, configured, refused, switching
from tests.integration.stripe_fixtures import (
    BASIL,
    ENDIVE,
    PROFESSIONAL,
    STARTER,
    LocalStripe,
    local,
)
from tests.integration.stripe_shapes import differences

__all__ = ["local"]


def test_a_configuration_says_everything_it_was_not_told(local: LocalStripe) -> None:
    made = configured(local, subscription_cancel={"enabled": True})
    cancel = made.features.subscription_cancel
    assert (cancel.mode, cancel.proration_behavior) == ("at_period_end", "none")
    assert cancel.cancellation_reason.enabled is False
    assert made.features.customer_update.to_dict() == {"allowed_updates": [], "enabled": False}
    assert (made.is_default, made.active, made.livemode) == (False, True, False)
    assert [event.type for event in local.events(made.id)] == [
        "billing_portal.configuration.created"
    ]


def test_its_products_are_shown_when_expanded(local: LocalStripe) -> None:
    client = local.client()
    made = configured(local, **switching(local))
    assert "products" not in made.features.subscription_update.to_dict()
    path = "features.subscription_update.products"
    shown = client.v1.billing_portal.configurations.retrieve(made.id, {"expand": [path]})
    products = shown.features.subscription_update.products
    assert products is not None
    assert {each.prices[0] for each in products} == {
        local.price(STARTER),
        local.price(PROFESSIONAL),
    }
    for version in (BASIL, ENDIVE):
        found = local.client(version).v1.billing_portal.configurations.retrieve(
            made.id, {"expand": [path]}
        )
        cls = stripe.billing_portal.Configuration
        assert sorted(differences(found.to_dict(), cls, "configuration", version)) == []


def test_an_update_keeps_what_it_does_not_name(local: LocalStripe) -> None:
    made = configured(local, **switching(local))
    change: Any = {
        "features": {
            "customer_update": {"enabled": True, "allowed_updates": ["email", "name"]},
            "subscription_cancel": {
                "enabled": True,
                "cancellation_reason": {"enabled": True, "options": ["unused", "other"]},
            },
            "subscription_update": {"proration_behavior": "none"},
        },
        "business_profile": {"headline": "Groundwork"},
    }
    update = local.client().v1.billing_portal.configurations.update
    features = update(made.id, change).features
    assert features.subscription_update.enabled is True
    assert features.subscription_update.default_allowed_updates == ["price"]
    assert features.subscription_cancel.cancellation_reason.options == ["unused", "other"]
    event = local.events(made.id)[-1]
    assert event.type == "billing_portal.configuration.updated"
    before = event.data.previous_attributes["features"]
    assert before["subscription_update"].to_dict() == {"proration_behavior": "always_invoice"}


@pytest.mark.parametrize(
    ("features", "status", "message"),
    [
        (
            {"subscription_update": {"enabled": True}},
            400,
            "Cannot enable subscription updates while payment method update is disabled.",
        ),
        ({"subscription_cancel": {"mode": "immediately"}}, 400, "Missing required param"),
        (
            {"subscription_cancel": {"enabled": True, "cancellation_reason": {"enabled": True}}},
            400,
            "features[subscription_cancel][cancellation_reason][options]",
        ),
        (
            {"subscription_cancel": {"enabled": True, "proration_behavior": "always_invoice"}},
            400,
            "must be one of none or create_prorations",
        ),
        (
            {"subscription_cancel": {"enabled": True, "proration_behavior": "create_prorations"}},
            400,
            "only compatible with the mode `immediately`",
        ),
        ({"subscription_cancel": {"enabled": True, "mode": "soon"}}, 400, "at_period_end"),
        ({"customer_update": {"enabled": True, "allowed_updates": ["age"]}}, 400, "must be one of"),
        ({"customer_update": {"enabled": True, "allowed_updates": ["tax_id"]}}, 501, "tax_id"),
        ({"subscription_pause": {"enabled": True}}, 501, "subscription_pause"),
        ({"subscription_pauses": {"enabled": True}}, 400, "unknown parameter"),
    ],
)
def test_what_a_configuration_may_not_say(
    local: LocalStripe, features: Any, status: int, message: str
) -> None:
    error = refused(local, "configuration", {"features": features})
    assert error.http_status == status
    assert message in str(error)


def test_a_catalogue_holds_prices_of_its_products(local: LocalStripe) -> None:
    starter, professional = catalogue(local, STARTER, PROFESSIONAL)
    mixed = {"product": starter["product"], "prices": professional["prices"]}
    error = refused(local, "configuration", {"features": switching(local, products=[mixed])})
    assert "does not belong to the product" in str(error)
    client = local.client()
    once = client.v1.prices.create(
        {"product": starter["product"], "currency": "usd", "unit_amount": 500}
    )
    features = switching(local, products=[{**starter, "prices": [once.id]}])
    assert "type=one_time" in str(refused(local, "configuration", {"features": features}))
    features = switching(local, products=[starter] * 11)
    assert "maximum of 10" in str(refused(local, "configuration", {"features": features}))


def test_later_parameters_are_unknown_to_the_pinned_version(local: LocalStripe) -> None:
    features: Any = switching(local, trial_update_behavior="continue_trial")
    error = refused(local, "configuration", {"features": features})
    assert "trial_update_behavior" in str(error)
    made = local.client(ENDIVE).v1.billing_portal.configurations.create({"features": features})
    assert made.features.subscription_update.trial_update_behavior == "continue_trial"

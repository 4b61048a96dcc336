"""`docs/local-stripe.md` is what the local Stripe's registries say."""

import inspect
import typing
from pathlib import Path

import pytest
import stripe

from localcloud.stripe import event_names, event_types, reference
from localcloud.stripe.cards import CARDS, TOKENS
from localcloud.stripe.resources.index import RESOURCES


def test_the_file_is_up_to_date() -> None:
    assert reference.PATH.read_text(encoding="utf-8") == reference.generate(), "run `make fix`"


def test_it_names_every_endpoint_parameter_event_card_and_lever() -> None:
    text = reference.generate()
    routes = [route for resource in RESOURCES for route in resource.routes]
    for route in routes:
        row = next(r for r in text.splitlines() if f"| `{route.method} {route.template}` |" in r)
        for name in (*route.params.fields, *route.params.unbuilt):
            assert name in reference.PAGE or f"`{name}" in row, (route, name)
    for names in (CARDS, TOKENS, *event_types.EVENTS.values()):
        assert all(f"`{name}`" in text for name in names)
    assert "`POST /_local/clock`" in text
    assert "\n- items with different billing intervals\n" in text


def test_refused_values_and_nested_parameters_have_their_full_names() -> None:
    text = reference.generate()
    row = next(r for r in text.splitlines() if "| `POST /v1/subscriptions/{id}` |" in r)
    assert "`items[].price_data`" in row
    portal = next(r for r in text.splitlines() if "| `POST /v1/billing_portal/sessions` |" in r)
    assert "`flow_data.type=customer_update`" in portal
    discounts = "discounts[]{coupon, discount, promotion_code}"
    assert f"`items[]{{deleted, {discounts}, id, metadata, price, quantity}}`" in row


def test_events_are_stripes_own() -> None:
    fields = inspect.get_annotations(stripe.params.WebhookEndpointCreateParams)
    known = set(typing.get_args(typing.get_args(fields["enabled_events"])[0]))
    ours = [name for names in event_types.EVENTS.values() for name in names]
    assert set(ours) <= known
    assert known - {"*"} == event_names.KNOWN, "what an endpoint may ask for"
    assert len(ours) == len(set(ours))


def test_an_unlisted_event_is_refused() -> None:
    event_types.check("price.created", "price")
    with pytest.raises(RuntimeError, match="created is not listed for price"):
        event_types.check("plan.created", "price")


def test_drift_is_noticed_and_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "local-stripe.md"
    stale.write_text("# Old", encoding="utf-8")
    monkeypatch.setattr(reference, "PATH", stale)
    assert reference.main(check=True) == 1
    assert "make fix" in capsys.readouterr().err
    assert stale.read_text(encoding="utf-8") == "# Old"
    assert reference.main(check=False) == 0
    assert reference.main(check=True) == 0

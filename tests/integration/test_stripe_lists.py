"""Lists, filters and expansion of the local Stripe."""

from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import (
    PROFESSIONAL,
    STARTER,
    LocalStripe,
    local,
)

__all__ = ["local"]


@pytest.fixture(scope="module")
def seven(local: LocalStripe) -> list[str]:
    """Seven customers of one address, newest first."""
    customers = local.client().v1.customers
    return [customers.create({"email": "seven@example.com"}).id for _ in range(7)][::-1]


def test_pages_forward(local: LocalStripe, seven: list[str]) -> None:
    customers = local.client().v1.customers
    first = customers.list({"email": "seven@example.com", "limit": 3})
    assert [c.id for c in first.data] == seven[:3]
    assert (first.has_more, first.url, first.object) == (True, "/v1/customers", "list")
    rest = customers.list(
        {"email": "seven@example.com", "limit": 10, "starting_after": first.data[-1].id}
    )
    assert [c.id for c in rest.data] == seven[3:]
    assert rest.has_more is False


def test_pages_backward(local: LocalStripe, seven: list[str]) -> None:
    customers = local.client().v1.customers
    page = customers.list({"email": "seven@example.com", "limit": 2, "ending_before": seven[4]})
    assert [c.id for c in page.data] == seven[2:4]
    assert page.has_more is True
    page = customers.list({"email": "seven@example.com", "limit": 2, "ending_before": seven[2]})
    assert [c.id for c in page.data] == seven[:2]
    assert page.has_more is False


def test_automatic_paging_visits_each_once(local: LocalStripe, seven: list[str]) -> None:
    pages = local.client().v1.customers.list({"email": "seven@example.com", "limit": 2})
    assert [c.id for c in pages.auto_paging_iter()] == seven


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_limit_has_bounds(local: LocalStripe, limit: int) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"This value must be (less|greater)"):
        local.client().v1.customers.list({"limit": limit})


def test_cursor_must_exist_and_be_single(local: LocalStripe, seven: list[str]) -> None:
    customers = local.client().v1.customers
    with pytest.raises(stripe.InvalidRequestError, match="No such customer: 'cus_gone'"):
        customers.list({"starting_after": "cus_gone"})
    with pytest.raises(stripe.InvalidRequestError, match="only specify one of"):
        customers.list({"starting_after": seven[0], "ending_before": seven[1]})


def test_filters_of_prices(local: LocalStripe) -> None:
    client = local.client()
    both = client.v1.prices.list({"lookup_keys": [STARTER, PROFESSIONAL]}).data
    assert {price.lookup_key for price in both} == {STARTER, PROFESSIONAL}
    product = client.v1.products.create({"name": "Filtered"})
    base: Any = {"product": product.id, "currency": "usd", "unit_amount": 500}
    once = client.v1.prices.create(base)
    monthly = client.v1.prices.create({**base, "recurring": {"interval": "month"}})
    client.v1.prices.update(once.id, {"active": False})
    of_product: Any = {"product": product.id}
    ids = lambda **more: [p.id for p in client.v1.prices.list({**of_product, **more}).data]  # noqa: E731
    assert ids() == [monthly.id, once.id]
    assert ids(active=True) == [monthly.id]
    assert ids(type="one_time") == [once.id]
    assert ids(recurring={"interval": "year"}) == []


def test_lookup_key_moves_only_when_told(local: LocalStripe) -> None:
    client = local.client()
    product = client.v1.products.create({"name": "Keyed"})
    base: Any = {
        "product": product.id,
        "currency": "usd",
        "unit_amount": 500,
        "lookup_key": "the_key",
    }
    old = client.v1.prices.create(base)
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        client.v1.prices.create(base)
    new = client.v1.prices.create({**base, "transfer_lookup_key": True})
    assert client.v1.prices.retrieve(old.id).lookup_key is None
    assert [p.id for p in client.v1.prices.list({"lookup_keys": ["the_key"]}).data] == [new.id]


def test_filters_of_subscriptions(local: LocalStripe) -> None:
    client = local.client()
    customer, first = local.subscriber()
    client.v1.subscriptions.cancel(first.id)
    second = client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": local.price(PROFESSIONAL)}]}
        | {"default_payment_method": _card(client, customer.id)}  # type: ignore[arg-type]
    )
    third = client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": local.price(STARTER)}]}
        | {"default_payment_method": _card(client, customer.id)}  # type: ignore[arg-type]
    )

    def ids(**more: Any) -> list[str]:
        found = client.v1.subscriptions.list({"customer": customer.id, **more})
        return [subscription.id for subscription in found.data]

    assert ids() == [third.id, second.id]
    assert ids(status="all") == [third.id, second.id, first.id]
    assert ids(status="canceled") == ids(status="ended") == [first.id]
    assert ids(status="all", price=local.price(PROFESSIONAL)) == [second.id]
    assert ids(status="all", created={"gt": third.created + 5}) == []
    assert ids(status="all", limit=1, starting_after=third.id) == [second.id]


def _card(client: stripe.StripeClient, customer: str, name: str = "pm_card_visa") -> str:
    return client.v1.payment_methods.attach(name, {"customer": customer}).id


def test_expand_nested_and_in_lists(local: LocalStripe) -> None:
    client = local.client()
    customer, subscription = local.subscriber()
    found = client.v1.subscriptions.retrieve(
        subscription.id,
        {
            "expand": [
                "customer.invoice_settings.default_payment_method",
                "latest_invoice.payments",
                "default_payment_method",
                "items.data.price.product",
            ]
        },
    )
    assert found.customer.email == customer.email  # type: ignore[union-attr]
    assert found.latest_invoice.status == "paid"  # type: ignore[union-attr]
    assert found.default_payment_method.card.last4 == "4242"  # type: ignore[union-attr]
    assert found["items"].data[0].price.product.name == "Starter"
    listed = client.v1.subscriptions.list(
        {"customer": customer.id, "expand": ["data.customer", "data.latest_invoice.customer"]}
    ).data[0]
    assert listed.latest_invoice.customer.id == listed.customer.id == customer.id  # type: ignore[union-attr]
    made = client.v1.checkout.sessions.list(
        {"customer": customer.id, "expand": ["data.line_items", "data.subscription"]}
    ).data[0]
    assert made.line_items is not None
    assert made.line_items.data[0].price.id == local.price()  # type: ignore[union-attr]
    assert made.subscription.id == subscription.id  # type: ignore[union-attr]


def test_expand_on_create(local: LocalStripe) -> None:
    customer = local.client().v1.customers.create({"email": "new@example.com"})
    session = local.checkout(customer.id, expand=["customer", "line_items"])
    assert session.customer.email == "new@example.com"
    assert session.line_items.data[0].quantity == 1


def test_payments_of_an_invoice_lead_to_the_intent(local: LocalStripe) -> None:
    _, subscription = local.subscriber()
    invoice = local.client().v1.invoices.retrieve(
        subscription.latest_invoice, {"expand": ["payments.data.payment.payment_intent"]}
    )
    assert invoice.payments is not None
    intent = invoice.payments.data[0].payment.payment_intent
    assert intent.status == "succeeded"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("expand", "message"),
    [
        ("metadata", r"This property cannot be expanded \(metadata\)"),
        ("nothing", r"This property cannot be expanded \(nothing\)"),
        ("items.data.id", r"This property cannot be expanded \(items\.data\.id\)"),
        ("a.b.c.d.e", "cannot expand more than 4 levels"),
    ],
)
def test_expand_refuses(local: LocalStripe, expand: str, message: str) -> None:
    _, subscription = local.subscriber()
    with pytest.raises(stripe.InvalidRequestError, match=message):
        local.client().v1.subscriptions.retrieve(subscription.id, {"expand": [expand]})


def test_expand_on_a_list_wants_data(local: LocalStripe) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=r"try expanding 'data\.customer' instead"):
        local.client().v1.subscriptions.list({"expand": ["customer"]})


def test_filters_of_events(local: LocalStripe) -> None:
    client = local.client()
    customer = client.v1.customers.create({"name": "Eve"})
    client.v1.customers.update(customer.id, {"name": "Eva"})
    types = ["customer.created", "customer.updated"]
    found = client.v1.events.list({"types": types, "limit": 2}).data
    assert [event.type for event in found] == types[::-1]
    assert {event.data.object["id"] for event in found} == {customer.id}
    newest = client.v1.events.list({"type": "customer.*", "limit": 1}).data[0]
    assert newest.id == found[0].id
    assert client.v1.events.retrieve(newest.id).data.previous_attributes.to_dict() == {  # type: ignore[union-attr]
        "name": "Eve"
    }
    later: Any = {"created": {"gt": newest.created + 1}}
    assert client.v1.events.list(later).data == []
    with pytest.raises(stripe.InvalidRequestError, match="only specify one of"):
        client.v1.events.list({"type": "x", "types": ["y"]})


def test_deleted_customer_is_a_stub_and_unlisted(local: LocalStripe) -> None:
    client = local.client()
    customer, subscription = local.subscriber()
    gone = client.v1.customers.delete(customer.id)
    assert gone.deleted is True
    assert client.v1.customers.retrieve(customer.id).to_dict() == {
        "id": customer.id,
        "object": "customer",
        "deleted": True,
    }
    assert customer.id not in [c.id for c in client.v1.customers.list({"limit": 100}).data]
    ended = client.v1.subscriptions.list({"customer": customer.id, "status": "all"}).data
    assert [(s.id, s.status) for s in ended] == [(subscription.id, "canceled")]
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        client.v1.customers.update(customer.id, {"name": "Back"})
    newest = client.v1.events.list({"limit": 3}).data
    assert [event.type for event in newest] == [
        "customer.deleted",
        "payment_method.detached",
        "customer.subscription.deleted",
    ]
    assert newest[1].data.previous_attributes.to_dict() == {"customer": customer.id}  # type: ignore[union-attr]

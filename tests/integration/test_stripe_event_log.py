"""What became of events: the filtered list, one event, and sending one again."""

from typing import Any

import pytest

from tests.integration.stripe_fixtures import LocalStripe, Receiver, fresh, receiver, until

__all__ = ["fresh", "receiver"]


def _listening(fresh: LocalStripe, receiver: Receiver) -> None:
    client = fresh.client()
    for other in client.v1.webhook_endpoints.list({"limit": 100}).data:
        client.v1.webhook_endpoints.delete(other.id)
    client.v1.webhook_endpoints.create(
        {"url": receiver.url, "enabled_events": ["customer.created"]}
    )


def _types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


def test_the_list_is_filtered_by_customer_and_type(fresh: LocalStripe) -> None:
    customer, _ = fresh.subscriber()
    other = fresh.client().v1.customers.create({"name": "Somebody else"})
    mine = fresh.control(f"/_local/events?customer={customer.id}")
    assert "customer.created" in _types(mine)
    assert "customer.subscription.created" in _types(mine)
    assert not any(other.id in str(event) for event in mine)
    invoices = fresh.control(f"/_local/events?customer={customer.id}&type=invoice.*")
    assert "invoice.paid" in _types(invoices)
    assert all(name.startswith("invoice.") for name in _types(invoices))
    exact = fresh.control(f"/_local/events?type=customer.created&customer={customer.id}")
    assert _types(exact) == ["customer.created"]


def test_the_list_goes_on_where_it_ended(fresh: LocalStripe) -> None:
    for number in range(4):
        fresh.client().v1.customers.create({"name": f"Customer {number}"})
    newest = fresh.control("/_local/events?limit=2")
    older = fresh.control(f"/_local/events?limit=2&before={newest[-1]['id']}")
    names = [event["data"]["object"]["name"] for event in [*newest, *older]]
    assert names == ["Customer 3", "Customer 2", "Customer 1", "Customer 0"]


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=x", "before=evt_none"])
def test_what_the_list_does_not_know_is_refused(fresh: LocalStripe, query: str) -> None:
    status, _, _ = fresh.http("GET", f"/_local/events?{query}")
    assert status == 400


def test_an_acknowledged_event_is_sent_again(fresh: LocalStripe, receiver: Receiver) -> None:
    _listening(fresh, receiver)
    fresh.client().v1.customers.create({"name": "Twice"})
    [event] = until(lambda: receiver.events("customer.created"))

    def statuses() -> list[int]:
        [delivery] = fresh.control(f"/_local/events/{event['id']}")["deliveries"]
        return [attempt["status"] for attempt in delivery["attempts"]]

    until(lambda: statuses() == [200])
    answer = fresh.control(f"/_local/events/{event['id']}/resend", {})
    assert answer == {"event": event["id"], "queued": 1}
    until(lambda: statuses() == [200, 200])
    assert [each["id"] for each in receiver.events("customer.created")] == [event["id"]] * 2


def test_an_event_reaches_an_endpoint_made_after_it(fresh: LocalStripe, receiver: Receiver) -> None:
    made = fresh.client().v1.customers.create({"name": "Early"})
    [event] = fresh.control(f"/_local/events?customer={made.id}")
    _listening(fresh, receiver)
    fresh.control(f"/_local/events/{event['id']}/resend", {})
    [received] = until(lambda: receiver.events("customer.created"))
    assert received["id"] == event["id"]


def test_nobody_to_send_to_is_said(fresh: LocalStripe, receiver: Receiver) -> None:
    _listening(fresh, receiver)
    fresh.client().v1.products.create({"name": "Unheard"})
    [event] = fresh.control("/_local/events?type=product.created&limit=1")
    status, _, body = fresh.http("POST", f"/_local/events/{event['id']}/resend", b"")
    assert (status, b"product.created" in body) == (409, True)
    assert fresh.http("POST", "/_local/events/evt_none/resend", b"")[0] == 404

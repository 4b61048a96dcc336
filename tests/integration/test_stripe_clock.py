"""Moving local Stripe's time: everything due happens in order, stamped with its own time."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import (
    DAY,
    HOUR,
    LocalStripe,
    Receiver,
    config_for,
    fresh,
    receiver,
    running,
    until,
)

__all__ = ["fresh", "receiver"]


def move(local: LocalStripe, **body: Any) -> tuple[int, dict[str, Any]]:
    status, _, text = local.http("POST", "/_local/clock", json.dumps(body).encode())
    return status, json.loads(text)


def test_a_quarter_passes_with_its_renewals_in_order(fresh: LocalStripe) -> None:
    customer, subscription = fresh.subscriber()
    anchor = subscription.billing_cycle_anchor
    status, answer = move(fresh, by="93 days")
    assert (status, answer["moving"]) == (200, False)
    assert answer["deadlines"] == 6, "three periods, and the hour of each one's invoice"
    assert abs(answer["epoch"] - time.time() - answer["offset"]) < 3
    renewals = [e for e in fresh.events(customer.id) if e.type == "invoice.paid"][1:]
    starts = [e.data.object["lines"]["data"][0]["period"]["start"] for e in renewals]
    # Each renewal is stamped with its own time, not with that of the move: an hour after the end of
    # the period before it.
    assert [e.created - HOUR for e in renewals] == starts
    assert len(starts) == 3
    assert starts[0] - anchor in {28 * DAY, 29 * DAY, 30 * DAY, 31 * DAY}
    created = [event.created for event in fresh.events(customer.id)]
    assert created == sorted(created)
    later = fresh.client().v1.customers.create({})
    assert abs(later.created - answer["epoch"]) < 5


def test_deadlines_of_different_objects_happen_in_the_order_of_their_times(
    fresh: LocalStripe,
) -> None:
    client = fresh.client()
    names = {}
    for days in (9, 2, 5):
        customer = client.v1.customers.create({"email": f"{days}@example.com"})
        paid = fresh.pay(
            fresh.checkout(customer.id, subscription_data={"trial_period_days": days}).id
        )
        names[paid["session"]["subscription"]] = days
    move(fresh, by="10d")
    listed = client.v1.events.list({"type": "customer.subscription.updated", "limit": 20}).data
    moved = [e for e in reversed(listed) if e.data.object["status"] == "active"]
    assert [names[e.data.object["id"]] for e in moved] == [2, 5, 9]


@pytest.mark.parametrize("body", [{"by": -1}, {"to": "2020-01-01"}, {}, {"by": "soon"}])
def test_it_never_goes_back(fresh: LocalStripe, body: dict[str, Any]) -> None:
    before = fresh.control("/_local/clock")["offset"]
    status, answer = move(fresh, **body)
    assert status == 400
    assert answer["error"]["message"].endswith(".")
    assert fresh.control("/_local/clock")["offset"] == before == 0


def test_a_page_of_another_site_cannot_move_it(fresh: LocalStripe) -> None:
    headers = {"Origin": "http://evil.test"}
    assert fresh.http("POST", "/_local/clock", b'{"by": "1d"}', headers)[0] == 403
    assert fresh.control("/_local/clock")["offset"] == 0


def test_it_stays_moved_after_a_restart_until_a_reset(tmp_path: Path) -> None:
    config = config_for(tmp_path)
    with running(config) as local:
        move(local, by="40d")
    with running(config) as local:
        assert local.control("/_local/clock")["offset"] == 40 * DAY
        local.control("/_local/reset", {})
        assert local.control("/_local/clock")["offset"] == 0
        assert abs(local.client().v1.customers.create({}).created - time.time()) < 5


def test_questions_are_answered_while_it_moves(fresh: LocalStripe) -> None:
    """The clock stands at the deadline under way, so that time and state belong together."""
    for _ in range(3):
        fresh.subscriber()
    seen: list[tuple[int, int]] = []
    stop = threading.Event()

    def ask() -> None:
        client = fresh.client()
        while not stop.is_set():
            newest = client.v1.events.list({"limit": 1}).data[0]
            made = client.v1.customers.create({})
            seen.append((newest.created, made.created))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        assert move(fresh, by="2 years")[0] == 200
    finally:
        stop.set()
        asking.join()
    assert all(newest <= made for newest, made in seen)
    assert len({made // (30 * DAY) for _, made in seen}) > 2, "nobody was answered in between"


def test_two_moves_at_once_are_refused(fresh: LocalStripe) -> None:
    fresh.subscriber()
    fresh.account.moving = True
    status, answer = move(fresh, by="1d")
    fresh.account.moving = False
    assert (status, "being moved already" in answer["error"]["message"]) == (409, True)


def test_a_receiver_of_its_own_time_gets_signatures_of_its_own_time(
    fresh: LocalStripe, receiver: Receiver
) -> None:
    endpoint = fresh.client().v1.webhook_endpoints.create(
        {"url": receiver.url, "enabled_events": ["customer.created"]}
    )
    move(fresh, by="1 year")
    fresh.client().v1.customers.create({"email": "late@example.com"})
    signature, body = until(lambda: list(receiver.received))[0]
    event = stripe.Webhook.construct_event(body, signature, endpoint.secret, tolerance=60)
    assert event.created > time.time() + 300 * DAY


@pytest.mark.parametrize("followed", [True, False])
def test_functions_that_follow_get_signatures_of_the_moved_time(
    tmp_path: Path, receiver: Receiver, followed: bool
) -> None:
    with running(config_for(tmp_path, receiver.port)) as local:
        local.account.clock.followed = followed
        move(local, by="1 year")
        local.client().v1.customers.create({"email": "late@example.com"})
        signature, body = until(lambda: list(receiver.received))[0]
        dated = int(signature.partition(",")[0].removeprefix("t="))
        assert abs(dated - (local.account.clock.now() if followed else time.time())) < 10
        stripe.WebhookSignature.verify_header(body.decode(), signature, local.config.webhook_secret)

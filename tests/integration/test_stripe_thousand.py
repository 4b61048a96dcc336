"""A thousand customers live through a month in seconds."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.stripe import control
from localcloud.stripe.account import Account
from localcloud.stripe.api import Request, answer
from localcloud.stripe.store import Store, equal
from saas.stripe_contract import HANDLED_EVENTS
from tests.integration.stripe_fixtures import (
    STARTER,
    LocalStripe,
    Receiver,
    config_for,
    receiver,
    running,
    until,
)

__all__ = ["receiver"]
CUSTOMERS = 1000
SECONDS = 30.0


def fill(account: Account) -> None:
    """Customers with saved cards and active subscriptions: one made by API calls, and its copies.

    Webhooks go out for the events that billing listens for, as from an endpoint of
    `make stripe-setup`. What was announced until here is forgotten.
    """
    control.prepare(account)
    store = account.store
    price = store.select("price", equal("lookup_key", STARTER))[0]["id"]
    endpoint = store.select("webhook_endpoint")[0]["id"]
    known = "SELECT id FROM objects"
    before = {row["id"] for row in store.db.execute(known)}
    listened = "&".join(f"enabled_events[]={each}" for each in HANDLED_EVENTS)
    call(account, f"webhook_endpoints/{endpoint}", listened)
    customer = call(account, "customers", "email=ada@example.com")
    card = call(account, "payment_methods/pm_card_visa/attach", f"customer={customer}")
    paying = f"customer={customer}&default_payment_method={card}"
    call(account, "subscriptions", f"{paying}&items[0][price]={price}")
    with store.transaction():
        store.db.execute("DELETE FROM deliveries")
        store.db.execute("DELETE FROM objects WHERE kind = 'event'")
        made = [row["id"] for row in store.db.execute(known) if row["id"] not in before]
        copy(store, made)


def call(account: Account, path: str, body: str) -> str:
    headers = {"authorization": f"Bearer {account.secret_key}"}
    made = answer(account, Request("POST", f"/v1/{path}", "", headers, body.encode()))
    assert made.status == 200, made.body
    return made.body.partition('"id": "')[2].partition('"')[0]


def copy(store: Store, made: list[str]) -> None:
    """The same objects for each other customer, under ids of their own."""
    ids = re.compile("|".join(map(re.escape, made)))
    marks = ", ".join("?" * len(made))
    rows = store.db.execute(
        f"SELECT id, kind, due, body FROM objects WHERE id IN ({marks}) ORDER BY seq",
        made,
    ).fetchall()
    for number in range(1, CUSTOMERS):

        def own(text: str, number: int = number) -> str:
            return ids.sub(lambda found: f"{found[0][:-4]}{number:04}", text)

        store.db.executemany(
            "INSERT INTO objects (id, kind, due, body) VALUES (?, ?, ?, ?)",
            [(own(row["id"]), row["kind"], row["due"], own(row["body"])) for row in rows],
        )


@pytest.fixture
def crowd(tmp_path: Path, receiver: Receiver) -> Iterator[LocalStripe]:
    config = config_for(tmp_path, receiver.port)
    account = Account(config)
    fill(account)
    account.store.close()
    with running(config) as local:
        yield local


def test_a_month_of_a_thousand_customers_takes_seconds(
    crowd: LocalStripe, receiver: Receiver
) -> None:
    started = time.monotonic()
    status, _, body = crowd.http("POST", "/_local/clock", b'{"by": "32 days"}', seconds=120)
    took = time.monotonic() - started
    assert status == 200, body
    assert took <= SECONDS, f"{took:.1f} s"
    assert crowd.control("/_local/clock")["moving"] is False
    store = Store(crowd.config.state_dir / "stripe.sqlite")
    renewed = store.select("invoice", equal("billing_reason", "subscription_cycle"))
    assert len(renewed) == len({invoice["customer"] for invoice in renewed}) == CUSTOMERS
    assert {(invoice["status"], invoice["amount_paid"]) for invoice in renewed} == {("paid", 2900)}
    until(lambda: _pending(store) == 0, 60)
    store.close()
    paid = {event["data"]["object"]["id"] for event in receiver.events("invoice.paid")}
    assert paid == {invoice["id"] for invoice in renewed}


def _pending(store: Store) -> int:
    pending = "SELECT count(*) FROM deliveries WHERE state = 'pending'"
    return int(store.db.execute(pending).fetchone()[0])

"""A thousand customers live through a month in seconds."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.stripe import control
from localcloud.stripe.account import Account
from localcloud.stripe.api import Request, answer
from localcloud.stripe.store import Store, equal
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
    """Customers with saved cards and active subscriptions; what was announced is forgotten."""
    control.prepare(account)
    price = account.store.select("price", equal("lookup_key", STARTER))[0]["id"]

    def call(path: str, body: str) -> str:
        headers = {"authorization": f"Bearer {account.secret_key}"}
        made = answer(account, Request("POST", f"/v1/{path}", "", headers, body.encode()))
        assert made.status == 200, made.body
        return made.body.partition('"id": "')[2].partition('"')[0]

    for number in range(CUSTOMERS):
        customer = call("customers", f"email=customer-{number}@example.com")
        card = call("payment_methods/pm_card_visa/attach", f"customer={customer}")
        call(
            "subscriptions",
            f"customer={customer}&default_payment_method={card}&items[0][price]={price}",
        )
    with account.store.transaction():
        account.store.db.execute("DELETE FROM deliveries")


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
    assert crowd.control("/_local/clock")["moving"] is False
    store = Store(crowd.config.state_dir / "stripe.sqlite")
    renewed = store.select("invoice", equal("billing_reason", "subscription_cycle"))
    assert len({invoice["customer"] for invoice in renewed}) == CUSTOMERS
    assert {invoice["status"] for invoice in renewed} == {"paid"}
    assert took <= SECONDS, f"{took:.1f} s"
    until(lambda: _pending(store) == 0, 180)
    store.close()
    paid = {event["data"]["object"]["id"] for event in receiver.events("invoice.paid")}
    assert paid == {invoice["id"] for invoice in renewed}


def _pending(store: Store) -> int:
    pending = "SELECT count(*) FROM deliveries WHERE state = 'pending'"
    return int(store.db.execute(pending).fetchone()[0])

"""Kill -9 in the middle: nothing that was answered is lost, nothing happens twice.

The real process, as the supervisor starts it, is driven by stripe-python from several threads and
killed at a moment that a seed chooses: among requests, while its clock is being moved, or with
webhooks under way. Its successor on the same file is held against what its clients know.
"""

import json
import os
import random
import signal
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
import stripe

from localcloud.config import StackConfig
from localcloud.stack import PARTS, Stack, StackError
from localcloud.stripe.periods import shift
from tests.integration.stripe_fixtures import (
    BASIL,
    DAY,
    PROFESSIONAL,
    STARTER,
    Receiver,
    config_for,
    receiver,
    until,
)

__all__ = ["receiver"]
THREADS = 4
MONTHS = 2
RENEWALS = """SELECT count(*) FROM objects WHERE kind = 'invoice'
    AND json_extract(body, '$.billing_reason') = 'subscription_cycle'"""

LOGGED = """SELECT id FROM objects WHERE kind = 'event'
    AND seq > (SELECT min(seq) FROM objects WHERE kind = 'webhook_endpoint')"""


@dataclass
class Call:
    """A request under an idempotency key, and its answer, None while there is none."""

    send: Callable[[], Any]
    params: dict[str, Any]
    answer: dict[str, Any] | None = None

    def __call__(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.send().to_dict()
        return answer


@dataclass
class Story:
    """One customer: creation, card, subscription, then changes of it, in the order of asking."""

    name: str
    calls: list[Call] = field(default_factory=list)

    @property
    def subscription(self) -> str | None:
        return self.calls[2].answer["id"] if len(self.calls) > 2 and self.calls[2].answer else None


class Driver:
    """A client that tells story after story until the server is gone."""

    def __init__(self, client: stripe.StripeClient, name: str, count: Callable[[], None]) -> None:
        self.stories: list[Story] = []
        self._client, self._name, self._count = client, name, count
        found = client.v1.prices.list({"lookup_keys": [STARTER, PROFESSIONAL]}).data
        self._prices = {price.lookup_key: price.id for price in found}
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            while True:
                self._tell(Story(f"{self._name}-{len(self.stories)}"))
        except stripe.APIConnectionError:
            pass

    def _ask(self, story: Story, send: Callable[..., Any], *ids: str, **params: Any) -> Any:
        options = {"idempotency_key": f"{story.name}-{len(story.calls)}"}
        call = Call(lambda: send(*ids, params, options), params)
        story.calls.append(call)
        call.answer = call()
        self._count()
        return call.answer

    def _tell(self, story: Story) -> None:
        v1, prices = self._client.v1, self._prices
        self.stories.append(story)
        customer = self._ask(story, v1.customers.create, metadata={"story": story.name})["id"]
        card = self._ask(story, v1.payment_methods.attach, "pm_card_visa", customer=customer)["id"]
        items = [{"price": prices[STARTER]}]
        paying = {"customer": customer, "default_payment_method": card}
        made = self._ask(story, v1.subscriptions.create, items=items, **paying)
        item, change = made["items"]["data"][0]["id"], v1.subscriptions.update
        self._ask(story, change, made["id"], items=[{"id": item, "quantity": 2}])
        more: dict[str, Any] = {"id": item, "price": prices[PROFESSIONAL], "quantity": 1}
        self._ask(story, change, made["id"], items=[more], proration_behavior="always_invoice")


class Killed:
    """The process, its clients and everything they know at the moment of its death."""

    def __init__(self, config: StackConfig, receiver: Receiver, seed: int) -> None:
        self.config, self.receiver, self.chance = config, receiver, random.Random(seed)
        self.answered = 0
        self._counting = threading.Lock()
        self.client = stripe.StripeClient(
            config.stripe_secret_key,
            stripe_version=BASIL,
            base_addresses={"api": config.stripe_url},
            max_network_retries=0,
        )
        self.stack = self.start()
        self.target = shift(self.clock()["epoch"], "month", MONTHS) + 5 * DAY
        self.drivers = [
            Driver(self.client, f"{seed}-{n}", self._count_answer) for n in range(THREADS)
        ]

    def start(self) -> Stack:
        stack = Stack(config=self.config, parts={"stripe": PARTS["stripe"]})
        stack.start()
        return stack

    def _count_answer(self) -> None:
        with self._counting:
            self.answered += 1

    @property
    def stories(self) -> list[Story]:
        return [story for driver in self.drivers for story in driver.stories]

    def clock(self, **body: Any) -> dict[str, Any]:
        """Read the clock, or move it."""
        data = json.dumps(body).encode() if body else None
        with urllib.request.urlopen(f"{self.config.stripe_url}/_local/clock", data, 60) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def among_requests(self) -> None:
        wanted = self.chance.randint(30, 90)
        until(lambda: self.answered >= wanted, 30)
        self.kill()

    def with_webhooks_under_way(self) -> None:
        """The endpoint refuses all of them, so that its successor owes every event."""
        self.among_requests()
        time.sleep(3 * self.receiver.delay)  # what the endpoint is busy with was sent before
        assert self.receiver.received
        self.receiver.received.clear()

    def while_the_clock_moves(self) -> None:
        until(lambda: self.answered >= 80, 30)
        wanted = self.chance.randint(3, 20)
        with ThreadPoolExecutor() as pool:
            move = pool.submit(self.clock, to=self.target)
            until(lambda: self.rows(RENEWALS)[0][0] >= wanted, 30)
            assert not move.done(), "the move was over before the kill"
            self.kill()
            assert isinstance(move.exception(), (OSError, HTTPException))

    def kill(self) -> None:
        """SIGKILL; what the clients were waiting for is never answered."""
        os.kill(self.stack.pids["stripe"], signal.SIGKILL)
        for driver in self.drivers:
            driver.thread.join(10)
        with pytest.raises(StackError, match="'stripe' ended with exit status -9"):
            until(self.stack.check)
        self.stack.stop()
        assert all(driver.stories[-1].calls[-1].answer is None for driver in self.drivers)

    def rows(self, sql: str) -> list[Any]:
        """What the file holds, read without the process."""
        with sqlite3.connect(self.config.state_dir / "stripe.sqlite") as db:
            found = db.execute(sql).fetchall()
        db.close()
        return found


MOMENTS = {
    "among requests": Killed.among_requests,
    "with webhooks under way": Killed.with_webhooks_under_way,
    "while the clock moves": Killed.while_the_clock_moves,
}


@pytest.fixture(
    params=[(m, s) for m, seeds in zip(MOMENTS, ("12", "3", "45"), strict=True) for s in seeds],
    ids=lambda each: f"{each[0]}, seed {each[1]}",
)
def killed(request: pytest.FixtureRequest, tmp_path: Path, receiver: Receiver) -> Iterator[Killed]:
    moment, seed = request.param
    if moment == "with webhooks under way":  # from the very first on
        receiver.delay, receiver.answer = 0.1, lambda _: 500
    found = Killed(config_for(tmp_path, receiver.port), receiver, int(seed))
    try:
        MOMENTS[moment](found)
        assert found.rows("SELECT 1 FROM deliveries WHERE state = 'pending'")
        receiver.delay, receiver.answer = 0, lambda _: 200
        found.stack = found.start()
        yield found
    finally:
        found.stack.stop()


def test_kill_9_loses_nothing_and_repeats_nothing(killed: Killed) -> None:
    what_was_answered_is_there(killed)
    keys_replay_to_one_object(killed)
    every_period_is_billed_once(killed)
    every_event_arrives(killed)


def what_was_answered_is_there(killed: Killed) -> None:
    """Before anything is repeated: each answer holds, or the unanswered change after it."""
    v1 = killed.client.v1
    for story in killed.stories:
        answers = [call.answer for call in story.calls if call.answer]
        for made, service in zip(
            answers, (v1.customers, v1.payment_methods, v1.subscriptions), strict=False
        ):
            there = service.retrieve(made["id"]).to_dict()  # type: ignore[attr-defined]
            names = ("id", "object", "created", "metadata", "livemode")
            assert {n: there[n] for n in names} == {n: made[n] for n in names}
        if len(answers) > 1:
            assert v1.payment_methods.retrieve(answers[1]["id"]).customer == answers[0]["id"]
        for made in answers[2:]:
            assert v1.invoices.retrieve(made["latest_invoice"]).status == "paid"
        if story.subscription:
            there = v1.subscriptions.retrieve(story.subscription)
            asked = [call.params["items"][0] for call in story.calls[2:]]
            held = there["items"].data[0]
            possible = asked[len(answers) - 3 :]  # the last one answered, and one that was not
            assert any(is_as_asked(held, each) for each in possible), (held, possible)


def is_as_asked(item: Any, asked: dict[str, Any]) -> bool:
    price = asked.get("price")
    return item.quantity == asked.get("quantity", 1) and price in (None, item.price.id)


def keys_replay_to_one_object(killed: Killed) -> None:
    for story in killed.stories:
        for call in story.calls:
            again = call()
            assert again == call() == (call.answer or again)
            call.answer = again
        if story.subscription:
            held = killed.client.v1.subscriptions.retrieve(story.subscription)["items"].data[0]
            assert is_as_asked(held, story.calls[-1].params["items"][0])
    customers = killed.client.v1.customers.list({"limit": 100}).auto_paging_iter()
    told = [customer.metadata["story"] for customer in customers]  # type: ignore[index]
    assert sorted(told) == sorted(story.name for story in killed.stories)
    begun = killed.client.v1.subscriptions.list({"limit": 100}).auto_paging_iter()
    expected = [story.subscription for story in killed.stories if story.subscription]
    assert sorted(each.id for each in begun) == sorted(expected)


def every_period_is_billed_once(killed: Killed) -> None:
    """The move that was killed (or never begun) is made again, to the same moment."""
    assert killed.clock()["epoch"] < killed.target
    assert killed.clock(to=killed.target)["moving"] is False
    v1 = killed.client.v1
    for story in killed.stories:
        if not story.subscription:
            continue
        subscription = v1.subscriptions.retrieve(story.subscription)
        anchor = subscription.billing_cycle_anchor
        months = [shift(anchor, "month", n) for n in range(1, MONTHS + 2)]
        due = [month for month in months if month <= killed.target]
        of_it = v1.invoices.list({"subscription": subscription.id, "limit": 100}).data
        cycles = [each for each in of_it if each.billing_reason == "subscription_cycle"]
        assert sorted(map(beginning, cycles)) == due
        assert {invoice.status for invoice in cycles} <= {"paid"}
        assert subscription["items"].data[0].current_period_start == max([anchor, *due])


def beginning(invoice: Any) -> int:
    """When the period that a renewal sells begins; prorations of the one before lie beside it."""
    starts = [line.period.start for line in invoice.lines.data if not is_proration(line)]
    assert len(starts) == 1, invoice
    return int(starts[0])


def is_proration(line: Any) -> bool:
    return bool(line.parent[line.parent.type].proration)


def every_event_arrives(killed: Killed) -> None:
    """At least once, with a signature that holds; and nothing arrives that is not in the log."""
    pending = "SELECT 1 FROM deliveries WHERE state <> 'succeeded' LIMIT 1"
    until(lambda: not killed.rows(pending), 60)
    arrived: dict[str, Any] = {}
    for signature, body in killed.receiver.received:
        event = stripe.Webhook.construct_event(body, signature, killed.config.webhook_secret)
        arrived[event.id] = event
    logged = killed.rows(LOGGED)
    assert set(arrived) == {row[0] for row in logged}
    stored = {row[0] for row in killed.rows("SELECT id FROM objects")}
    about = {event.data.object.id for event in arrived.values()}
    assert about <= stored
    assert {story.subscription for story in killed.stories if story.subscription} <= about

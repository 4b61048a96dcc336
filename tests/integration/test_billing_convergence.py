"""Whatever failed and whatever was lost: one reconcile, and the table says what Stripe says."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest

from billing import reconcile, store
from saas.stripe_contract import LIVE_STATUSES
from tests.factories import LambdaContext
from tests.integration.billing_stage import STARTER, Stage, stage
from tests.integration.breaking import Breaker, breaker
from tests.integration.convergence_faults import arm, shaken
from tests.integration.convergence_stage import Person, pass_time, reconciled, told, truth
from tests.integration.webhook_wire import Wire, local

__all__ = ["breaker", "stage"]
SEEDS = (1, 2)
PEOPLE, STEPS = 4, 120


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for others to recover waits as often, but not as long."""
    monkeypatch.setattr("saas.aws_http.FIRST_PAUSE", 0.001)
    monkeypatch.setattr("saas.table._pause", lambda _: time.sleep(0.001))
    monkeypatch.setattr("billing.checkout.WAIT_SECONDS", 0.2)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_lives_under_random_faults_end_in_stripes_state(
    stage: Stage, breaker: Breaker, seed: int
) -> None:
    random = Random(seed)
    people = [Person(stage, f"user-{uuid.uuid4().hex}", random) for _ in range(PEOPLE)]
    steps: list[str] = []
    try:
        with shaking(stage, breaker, seed):
            for _ in range(STEPS):
                steps.append(step(stage, people, random))
            assert shaken(stage, breaker) == {"stripe", "webhooks", "aws"}
        reconcile.reconcile({}, LambdaContext(remaining_ms=300_000))
        for person in people:
            check(person)
    except BaseException as error:
        error.add_note(f"seed {seed}: {' '.join(steps)}")
        raise
    finally:
        stage.reset_stripe()


@contextmanager
def shaking(stage: Stage, breaker: Breaker, seed: int) -> Iterator[None]:
    """An empty Stripe that tells the webhook function, while everything fails now and then."""
    stage.reset_stripe()
    for name in ("events", "subscriptions"):
        store.move_cursor(name)
    wire = Wire(stage)
    arm(stage, breaker, seed)
    try:
        yield
    finally:
        local(stage, "/_local/faults", method="DELETE")
        breaker.disarm()
        stage.stripe.webhook_endpoints.delete(wire.id)
        wire.close()
    assert set(wire.statuses) <= {200, 400, 503}


def step(stage: Stage, people: list[Person], random: Random) -> str:
    """Somebody does something, or time passes, or the schedule runs."""
    chance = random.random()
    if chance < 0.1:
        pass_time(stage, random.choice([0.05, 1, 4, 12]))
        return "time"
    if chance < 0.15:
        reconciled()
        return "reconcile"
    if chance < 0.25 and (events := local(stage, "/_local/events?limit=500")):
        again = random.choice(events)["id"]
        local(stage, f"/_local/events/{again}/resend", method="POST")
        return "resend"
    number = random.randrange(len(people))
    return f"{number}.{people[number].live()}"


def check(person: Person) -> None:
    """The table agrees with Stripe, and nobody is shut out of what they paid or could buy."""
    expected, stored = truth(person), told(person)
    if expected is None:
        assert stored is None or stored[0] == "canceled", stored
    else:
        assert stored == expected
    assert person.used_customers() <= {person.customer_id}
    status = person.call("GET", "/subscription/status")["data"]
    granted = expected is not None and expected[0] in ("active", "trialing", "past_due")
    assert status["hasActiveSubscription"] is granted
    if expected and expected[0] in LIVE_STATUSES:
        assert person.call("POST", "/stripe/portal")["success"]
    else:
        answer = person.call("POST", "/stripe/checkout", {"priceId": STARTER})
        assert answer["success"] or answer["code"] == "checkout_rate_limited", answer
        if answer["success"]:
            assert person.stage.pay(answer["data"]["sessionId"]) == "complete"
            assert person.call("GET", "/subscription/status")["data"]["hasActiveSubscription"]
    assert len(person.alive()) <= 1

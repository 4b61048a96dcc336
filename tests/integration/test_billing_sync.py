"""Sync against local Stripe: the state converges whatever the order of events and answers."""

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import stripe

from billing import reconcile, store, stripe_api
from billing.stripe_objects import Subscription
from billing.sync import choose, sync
from saas import accounts, clock, entitlements
from saas.errors import AppError
from saas.table import Delete, Put, Table, Update, Write, table
from tests.factories import LambdaContext, metrics
from tests.integration.billing_stage import PROFESSIONAL, STARTER, Stage, failing, stage

__all__ = ["stage"]
LIST = ("GET", "/v1/subscriptions")
EMPTY = b'{"object":"list","data":[],"has_more":false,"url":"/v1/subscriptions"}', 200, {}
DELETED, CREATED = "customer.subscription.deleted", "customer.subscription.created"


def after_first_list(act: Callable[[], Any]) -> Callable[[str, str], None]:
    """A hook that acts once, between Stripe's first answer and what is done with it."""
    pending = [act]

    def hook(method: str, path: str) -> None:
        if (method, path) == LIST and pending:
            pending.pop()()

    return hook


def test_a_late_event_of_an_old_cancelled_subscription_changes_nothing(stage: Stage) -> None:
    old = stage.buy()
    stage.stripe.subscriptions.cancel(old)
    sync(stage.customer_id)
    new = stage.buy(PROFESSIONAL)
    (late,) = stage.events(DELETED)
    assert stage.deliver(late) == 200
    assert stage.recorded(late) == "applied"
    subscription = stage.status()["subscription"]
    assert (subscription["stripeSubscriptionId"], subscription["status"]) == (new, "active")
    assert subscription["planId"] == "professional"
    assert stage.user_item["subscriptionStatus"] == "active"


def test_two_syncs_with_their_answers_swapped_end_in_the_newer_state(stage: Stage) -> None:
    subscription = stage.buy()
    outcomes = []

    def meanwhile() -> None:
        stage.stripe.subscriptions.cancel(subscription)
        outcomes.append(sync(stage.customer_id).outcome)

    stage.after = after_first_list(meanwhile)
    older = sync(stage.customer_id)
    assert (older.outcome, older.seen and older.seen.status) == ("superseded", "active")
    assert outcomes == ["applied"]
    assert stage.entitlement
    assert stage.entitlement.stripe_status == "canceled"
    assert stage.user_item["subscriptionStatus"] == "cancelled"
    assert stage.status()["hasActiveSubscription"] is False


def test_a_superseded_sync_still_records_its_event(stage: Stage) -> None:
    stage.buy()
    event = stage.events(CREATED)[0]
    stage.after = after_first_list(lambda: sync(stage.customer_id))
    assert stage.deliver(event) == 200
    assert stage.recorded(event) == "superseded"


def test_a_sync_that_saw_nothing_does_not_lose_to_an_older_one_that_saw_something(
    stage: Stage,
) -> None:
    """The newer answer is written first although it changes no entitlement."""
    stage.pay(stage.session_id())

    def newer_sees_nothing() -> None:
        stage.before = lambda method, path: EMPTY if (method, path) == LIST else None
        assert sync(stage.customer_id).outcome == "applied"
        stage.before = None

    stage.after = after_first_list(newer_sees_nothing)
    assert sync(stage.customer_id).outcome == "superseded"
    assert stage.entitlement is None


@pytest.mark.parametrize("known", [True, False])
def test_an_older_answer_that_lands_before_a_newer_empty_one_is_ended_by_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """The older sync writes between the newer one's read of the row and its own write."""
    stage.buy()
    where = entitlements.key(stage.user_id)
    row = table().get(where)
    older = store.take_turn(stage.customer_id)
    assert older
    assert row
    if not known:
        table().write(Delete(where))
    stage.before = lambda method, path: EMPTY if (method, path) == LIST else None
    other = {**row, "stripeSubscriptionId": "sub_other", "appliedSeq": older.seq}
    late = [store.advance(older), Put(other)]
    transact = Table.transact

    def overtaken(self: Table, *writes: Write) -> None:
        if late:
            transact(self, late.pop(), late.pop())
        transact(self, *writes)

    monkeypatch.setattr(Table, "transact", overtaken)
    assert sync(stage.customer_id).outcome == "applied"
    ended = stage.entitlement
    assert ended
    assert (ended.stripe_status, ended.applied_seq) == ("canceled", older.seq + 1)
    assert ended.stripe_subscription_id == "sub_other"


def test_events_in_any_order_and_twice_end_in_the_same_state(stage: Stage) -> None:
    subscription = stage.buy()
    stage.stripe.subscriptions.update(subscription, {"cancel_at_period_end": True})
    stage.stripe.subscriptions.update(subscription, {"cancel_at_period_end": False})
    stage.stripe.subscriptions.cancel(subscription)
    events = stage.events()
    for event in [*reversed(events), *events]:
        assert stage.deliver(event) == 200
    assert stage.entitlement
    assert stage.entitlement.stripe_status == "canceled"
    assert stage.entitlement.cancel_at_period_end is False
    assert stage.status()["subscriptionStatus"] == "cancelled"


def test_concurrent_syncs_of_one_customer_agree(stage: Stage) -> None:
    stage.pay(stage.session_id())
    with ThreadPoolExecutor(8) as pool:
        outcomes = [each.outcome for each in pool.map(sync, [stage.customer_id] * 16)]
    assert set(outcomes) <= {"applied", "superseded"}
    item = table().get(store.customer_key(stage.customer_id)) or {}
    assert item["syncSeq"] == 16
    assert stage.entitlement
    assert stage.entitlement.applied_seq == item["appliedSeq"]
    assert stage.status()["hasActiveSubscription"] is True


def test_an_unbound_customer_is_foreign(stage: Stage) -> None:
    customer = stage.stripe.customers.create({"metadata": {"userId": stage.user_id}})
    with stage.counted():
        assert sync(customer.id).outcome == "foreign"
    assert stage.stripe_requests == []
    assert table().get(store.customer_key(customer.id)) is None


def test_a_sync_neither_resurrects_nor_touches_a_tombstone(stage: Stage) -> None:
    subscription = stage.buy()
    table().write(Update(accounts.key(stage.user_id), set={"barred": "deleted"}))
    before = stage.user_item
    stage.stripe.subscriptions.cancel(subscription)
    (event,) = stage.events(DELETED)
    assert stage.deliver(event) == 200
    assert stage.user_item == before
    assert stage.entitlement
    assert stage.entitlement.stripe_status == "canceled"
    status, body = stage.call("GET", "/subscription/status")
    assert (status, body["code"]) == (403, "account_disabled")


def test_a_sync_does_not_create_a_user_that_is_gone(stage: Stage) -> None:
    stage.buy()
    table().write(Delete(accounts.key(stage.user_id)))
    customer = table().get(entitlements.key(stage.user_id))
    assert customer
    assert sync(customer["stripeCustomerId"]).outcome == "superseded"
    assert table().get(accounts.key(stage.user_id)) is None


def test_a_forged_row_of_the_old_table_is_replaced_by_the_truth(stage: Stage) -> None:
    forged = {
        "pk": f"USER#{stage.user_id}",
        "sk": f"SUBSCRIPTION#{stage.user_id}",
        "status": "active",
        "subscriptionStatus": "active",
        "stripeSubscriptionId": "sub_forged",
        "planId": "professional",
    }
    table().write(Put(forged))
    flagged = accounts.new_user(stage.user_id, email="a@example.com", name="Ada")
    table().write(Put(flagged | {"subscriptionStatus": "active"}))
    assert stage.status() == {"subscriptionStatus": "inactive", "hasActiveSubscription": False}
    subscription = stage.buy(STARTER)
    stored = table().get(entitlements.key(stage.user_id)) or {}
    assert (stored["stripeSubscriptionId"], stored["planId"]) == (subscription, "starter")
    assert "subscriptionStatus" not in stored


def test_subscriptions_of_other_products_and_deployments_give_nothing(stage: Stage) -> None:
    stage.session_id()
    product = stage.stripe.products.create({"name": "Something else"})
    price = stage.stripe.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 100,
            "recurring": {"interval": "month"},
        }
    )
    ours = stage.stripe.prices.list({"lookup_keys": ["groundwork_starter_monthly"]}).data[0]
    _subscribe(stage, price.id, {})
    _subscribe(stage, ours.id, {"env": "prod"})
    _subscribe(stage, ours.id, {"app": "another"})
    assert sync(stage.customer_id).seen is None
    assert stage.status()["hasActiveSubscription"] is False
    _subscribe(stage, ours.id, {})
    assert stage.status()["hasActiveSubscription"] is True


def test_a_price_sold_by_agreement_counts_by_its_metadata(stage: Stage) -> None:
    stage.session_id()
    product = stage.stripe.products.create({"name": "Enterprise for one"})
    price = stage.stripe.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "unit_amount": 1_000_000,
            "recurring": {"interval": "year"},
            "metadata": {"price_key": "price_enterprise_monthly"},
        }
    )
    _subscribe(stage, price.id, {})
    assert stage.status()["subscription"]["planId"] == "enterprise"


def _subscribe(stage: Stage, price: str, metadata: dict[str, str]) -> str:
    """A subscription made by hand for the user's customer, paid by a card."""
    method = stage.stripe.payment_methods.attach("pm_card_visa", {"customer": stage.customer_id})
    made = stage.stripe.subscriptions.create(
        {
            "customer": stage.customer_id,
            "items": [{"price": price}],
            "default_payment_method": method.id,
            "metadata": metadata,
        }
    )
    return str(made.id)


def test_a_customer_with_many_subscriptions_is_read_to_the_last_page(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = stage.buy()
    ours = stage.stripe.prices.list({"lookup_keys": ["groundwork_starter_monthly"]}).data[0]
    for _ in range(3):
        stage.stripe.subscriptions.cancel(_subscribe(stage, ours.id, {}))
    real = stripe.SubscriptionService.list
    monkeypatch.setattr(
        stripe.SubscriptionService,
        "list",
        lambda self, params=None, options=None: real(self, {**params, "limit": 1}, options),
    )
    seen = sync(stage.customer_id).seen
    assert seen
    assert (seen.id, seen.status) == (subscription, "active")


def test_a_deleted_customer_ends_access_and_frees_the_user(stage: Stage) -> None:
    stage.buy()
    old = stage.customer_id
    stage.stripe.customers.delete(old)
    events = stage.events("customer.deleted", DELETED)
    for event in reversed(events):
        assert stage.deliver(event) == 200
        assert stage.recorded(event)
    assert stage.entitlement
    assert stage.entitlement.stripe_status == "canceled"
    assert "stripeCustomerId" not in stage.user_item
    assert store.bound_user(old) == stage.user_id
    stage.buy()
    assert stage.customer_id != old
    for event in events:
        assert stage.deliver({**event, "id": f"{event['id']}again"}) == 200
    assert stage.status()["hasActiveSubscription"] is True


def test_an_event_alone_deletes_no_customer(stage: Stage) -> None:
    """The event only names a customer; whether it was deleted is Stripe's to say."""
    stage.buy()
    other = stage.events("customer.created", stage.customer_id)[0]
    lying = {**other, "id": "evt_lie", "type": "customer.deleted"}
    assert stage.deliver(lying) == 200
    assert stage.user_item["stripeCustomerId"] == stage.customer_id
    assert stage.status()["hasActiveSubscription"] is True
    stage.stripe.subscriptions.cancel(stage.entitlement.stripe_subscription_id)  # type: ignore[union-attr]
    sync(stage.customer_id)
    assert stage.status()["hasActiveSubscription"] is False


@pytest.mark.parametrize("version", [stripe_api.API_VERSION, stripe.api_version])
def test_pinned_and_newest_shapes_are_both_understood(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """An upgrade of the SDK, or an endpoint of another version, must not change what is stored."""
    assert version
    subscription = stage.buy()
    expected = stage.entitlement
    monkeypatch.setattr(stripe_api, "API_VERSION", version)
    stripe_api._for_key.cache_clear()
    stage.stripe.subscriptions.update(subscription, {"cancel_at_period_end": True})
    rendered = stripe.StripeClient(
        stage.aws.config.stripe_secret_key,
        stripe_version=version,
        base_addresses={"api": stage.aws.config.stripe_url},
    ).v1
    found = rendered.subscriptions.retrieve(subscription).to_dict(for_json=True)
    (event,) = stage.events("customer.subscription.updated")
    newest = {**event, "api_version": version, "data": {"object": found}}
    assert stage.deliver(newest) == 200
    assert stage.recorded(event) == "applied"
    assert stage.entitlement
    assert expected
    assert stage.entitlement.cancel_at_period_end is True
    assert stage.entitlement.current_period_end == expected.current_period_end


def test_a_failing_stripe_leaves_the_stored_state_and_records_nothing(stage: Stage) -> None:
    stage.buy()
    before = stage.entitlement
    stage.before = lambda method, path: failing(500) if (method, path) == LIST else None
    with pytest.raises(AppError):
        sync(stage.customer_id)
    assert stage.entitlement == before


@pytest.fixture
def alone(stage: Stage) -> Stage:
    """A Stripe account without what other tests left, never reconciled."""
    stage.reset_stripe()
    for name in ("events", "subscriptions"):
        store.move_cursor(name)
    return stage


def test_reconcile_finds_what_no_webhook_told(alone: Stage) -> None:
    subscription = alone.buy()
    for event in alone.events():
        alone.deliver(event)
    alone.stripe.subscriptions.cancel(subscription)
    report = reconcile.reconcile({}, LambdaContext(remaining_ms=300_000))
    assert report["finished"] is True
    assert alone.entitlement
    assert alone.entitlement.stripe_status == "canceled"
    (missed,) = alone.events(DELETED)
    assert alone.recorded(missed) == "applied"


def test_reconcile_asks_nothing_about_what_was_recorded(alone: Stage) -> None:
    alone.buy()
    reconcile.reconcile({}, LambdaContext(remaining_ms=300_000))
    with alone.counted():
        report = reconcile.reconcile({}, LambdaContext(remaining_ms=300_000))
    assert report == {"missedEvents": 0, "customers": 0, "failed": 0, "finished": True}
    assert {path for _, path in alone.stripe_requests} == {"/v1/events"}


def test_reconcile_walks_all_subscriptions_once_a_day(alone: Stage) -> None:
    """An event that never existed for us: the walk over subscriptions finds the change."""
    subscription = alone.buy()
    alone.stripe.subscriptions.cancel(subscription)
    for event in alone.events():
        store.record([stripe_api.stripe_objects.event(event)], "lost")
    with alone.counted():
        reconcile.reconcile({}, LambdaContext(remaining_ms=300_000))
    assert alone.entitlement
    assert alone.entitlement.stripe_status == "canceled"
    today = clock.now().date().isoformat()
    assert store.cursor("subscriptions")["finished"] == today


def test_reconcile_stops_in_time_and_goes_on_in_the_next_run(alone: Stage) -> None:
    alone.buy()
    before = store.cursor("events")
    report = reconcile.reconcile({}, LambdaContext(remaining_ms=1_000))
    assert (report["finished"], report["customers"]) == (False, 0)
    assert store.cursor("events") == before
    report = reconcile.reconcile({}, LambdaContext(remaining_ms=300_000))
    assert report["finished"] is True
    assert all(alone.recorded(event) for event in alone.events(CREATED))


def test_one_failing_customer_neither_stops_reconcile_nor_lets_the_cursor_pass(
    alone: Stage,
) -> None:
    alone.buy()
    before = store.cursor("events")
    alone.before = lambda method, path: failing(500) if (method, path) == LIST else None
    with pytest.raises((RuntimeError, AppError)):
        reconcile.reconcile({}, LambdaContext(remaining_ms=300_000))
    assert store.cursor("events") == before
    alone.before = None
    assert reconcile.reconcile({}, LambdaContext(remaining_ms=300_000))["finished"] is True


def test_a_customer_that_no_sync_survives_is_no_bar_to_the_others(
    alone: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong with one: what comes before and after it is brought up to date."""
    bought = {}
    for user_id in ("a", "b", "c"):
        alone.user_id = f"{user_id}-{uuid.uuid4().hex}"
        assert alone.pay(alone.session_id()) == "complete"
        bought[alone.user_id] = alone.customer_id
    poison = list(bought.values())[1]
    real = choose

    def breaks(found: Sequence[Subscription]) -> Subscription | None:
        if any(each.customer_id == poison for each in found):
            raise KeyError("items")
        return real(found)

    monkeypatch.setattr("billing.sync.choose", breaks)
    with pytest.raises(RuntimeError, match="1 customers could not be synced"):
        reconcile.reconcile({}, LambdaContext(remaining_ms=300_000))
    for user_id, customer_id in bought.items():
        alone.user_id = user_id
        assert (alone.entitlement is None) == (customer_id == poison)


def test_reconcile_gets_over_a_cursor_that_stripe_does_not_know(alone: Stage) -> None:
    today = clock.now().date().isoformat()
    store.move_cursor("subscriptions", day=today, after="sub_unknown")
    assert reconcile.reconcile({}, LambdaContext(remaining_ms=300_000))["finished"] is True


def test_the_cursors_age_is_measured_whatever_becomes_of_a_run(
    alone: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    def run() -> list[tuple[str, float]]:
        capsys.readouterr()
        with suppress(AppError):
            reconcile.reconcile({}, LambdaContext(remaining_ms=300_000))
        return metrics(capsys.readouterr().out)

    def outage(method: str, path: str) -> Any:
        return failing(500) if path == "/v1/events" else None

    alone.before = outage
    assert run() == [("ReconcileFailed", 1), ("ReconcileCursorAge", reconcile.LONGEST_SECONDS)]
    alone.before = None
    ((name, age),) = run()
    assert (name, 0 <= age < 60) == ("ReconcileCursorAge", True)
    alone.before = outage
    alone.move_clock(7200)
    failed, (name, age) = run()
    assert failed == ("ReconcileFailed", 1)
    assert (name, 7200 <= age < 7260) == ("ReconcileCursorAge", True)

"""Checkout against local Stripe: one open session, whatever happens at the same time."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from billing import checkout, customers, store
from billing.checkout import CHECKS_PER_MINUTE
from billing.checkout_state import ATTEMPTS_PER_MINUTE, CREATIONS, LEASE_SECONDS
from saas import accounts, clock
from saas.errors import AppError
from saas.table import Put, Update, table
from tests.integration.billing_stage import (
    CARD,
    PROFESSIONAL,
    STARTER,
    Stage,
    failing,
    stage,
)

__all__ = ["stage"]
CREATE = ("POST", "/v1/checkout/sessions")


class Crash(BaseException):
    """The process dies: nothing that only catches errors runs."""


def once(wanted: tuple[str, str], act: Callable[[], Any]) -> Callable[[str, str], Any]:
    """A hook that acts on the first request of that method and path."""
    pending = [act]

    def hook(method: str, path: str) -> Any:
        return pending.pop()() if (method, path) == wanted and pending else None

    return hook


def crash() -> None:
    raise Crash


def count(stage: Stage, wanted: tuple[str, str]) -> int:
    return stage.stripe_requests.count(wanted)


def test_the_first_checkout_opens_a_session_of_a_bound_customer(stage: Stage) -> None:
    status, body = stage.checkout()
    assert status == 200
    data = body["data"]
    session = stage.stripe.checkout.sessions.retrieve(data["sessionId"], {"expand": ["line_items"]})
    assert data == {"clientSecret": session.client_secret, "sessionId": session.id}
    assert (session.ui_mode, session.mode, session.status) == ("embedded", "subscription", "open")
    assert session.return_url == (
        f"{stage.aws.config.site_url}/dashboard?session_id={{CHECKOUT_SESSION_ID}}"
    )
    stamp = {"userId": stage.user_id, "env": "local", "app": "groundwork"}
    assert session.metadata.to_dict() == stamp
    assert session.client_reference_id == stage.user_id
    assert session.line_items.data[0].price.lookup_key == "groundwork_starter_monthly"
    customer = stage.stripe.customers.retrieve(session.customer)
    assert (customer.email, customer.name) == ("ada@example.com", "Ada")
    assert customer.metadata.to_dict() == stamp
    assert stage.user_item["stripeCustomerId"] == session.customer
    assert store.bound_user(session.customer) == stage.user_id
    until = clock.parse(stage.user_item["checkoutFreshUntil"])
    assert until.timestamp() == session.expires_at


def test_the_subscription_carries_our_stamp(stage: Stage) -> None:
    subscription = stage.stripe.subscriptions.retrieve(stage.buy())
    assert subscription.metadata.to_dict() == {
        "userId": stage.user_id,
        "env": "local",
        "app": "groundwork",
    }


def test_asking_again_returns_the_same_session_and_is_never_limited(stage: Stage) -> None:
    first = stage.session_id()
    with stage.counted():
        answers = [stage.checkout() for _ in range(3 * CREATIONS)]
    assert {(status, body["data"]["sessionId"]) for status, body in answers} == {(200, first)}
    assert count(stage, CREATE) == 0
    assert stage.open_sessions() == [first]


def test_many_checkouts_at_once_end_in_one_open_session(stage: Stage) -> None:
    with ThreadPoolExecutor(12) as pool:
        calls = [pool.submit(checkout.open_session, stage.caller(), STARTER) for _ in range(12)]
        sessions = [call.result() for call in calls]
    assert len({session.id for session in sessions}) == 1
    assert len({session.client_secret for session in sessions}) == 1
    assert stage.open_sessions() == [sessions[0].id]
    assert count(stage, CREATE) == 1
    assert count(stage, ("POST", "/v1/customers")) == 1


def test_a_checkout_for_another_price_expires_the_first(stage: Stage) -> None:
    starter = stage.session_id(STARTER)
    professional = stage.session_id(PROFESSIONAL)
    assert professional != starter
    assert stage.stripe.checkout.sessions.retrieve(starter).status == "expired"
    assert stage.open_sessions() == [professional]


def test_two_prices_at_once_end_in_one_open_session(stage: Stage) -> None:
    prices = [STARTER, PROFESSIONAL] * 3
    with ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(checkout.open_session, stage.caller(), each) for each in prices]
        sessions = {call.result().id for call in calls}
    (left,) = stage.open_sessions()
    assert left in sessions
    assert stage.pay(left) == "complete"
    assert stage.status()["hasActiveSubscription"] is True


def test_cancel_and_buy_again_within_the_life_of_the_idempotency_key(stage: Stage) -> None:
    first = stage.buy()
    stage.stripe.subscriptions.cancel(first)
    assert stage.deliver(stage.events("customer.subscription.deleted")[0]) == 200
    assert stage.status()["hasActiveSubscription"] is False
    second = stage.buy()
    assert second != first
    assert stage.status()["subscription"]["stripeSubscriptionId"] == second


def test_a_live_subscription_refuses_a_second_checkout(stage: Stage) -> None:
    stage.buy()
    with stage.counted():
        status, body = stage.checkout(PROFESSIONAL)
    assert (status, body["code"]) == (409, "subscription_exists")
    assert body["error"] == (
        "You already have an active subscription. Manage it in the billing portal."
    )
    assert stage.stripe_requests == []
    assert stage.open_sessions() == []


@pytest.mark.parametrize("price", [STARTER, PROFESSIONAL])
def test_a_payment_nobody_told_us_of_refuses_a_second_checkout(stage: Stage, price: str) -> None:
    assert stage.pay(stage.session_id(STARTER)) == "complete"
    status, body = stage.checkout(price)
    assert (status, body["code"]) == (409, "subscription_exists")
    assert stage.open_sessions() == []
    assert stage.status()["hasActiveSubscription"] is True


def test_paying_while_another_price_is_prepared_leaves_nothing_to_pay_twice(stage: Stage) -> None:
    first = stage.session_id(STARTER)
    stage.after = once(CREATE, lambda: stage.pay(first))
    status, body = stage.checkout(PROFESSIONAL)
    assert (status, body["code"]) == (409, "subscription_exists")
    assert stage.open_sessions() == []
    assert stage.status()["subscription"]["planId"] == "starter"


def test_a_winner_that_dies_leaves_its_session_to_the_next_caller(stage: Stage) -> None:
    stage.after = once(CREATE, crash)
    with pytest.raises(Crash):
        checkout.open_session(stage.caller(), STARTER)
    (orphan,) = stage.open_sessions()
    stage.move_clock(LEASE_SECONDS + 1)
    assert stage.session_id() == orphan
    assert stage.open_sessions() == [orphan]
    assert stage.session_id() == orphan


def test_the_next_caller_with_another_price_expires_a_dead_winners_session(stage: Stage) -> None:
    stage.after = once(CREATE, crash)
    with pytest.raises(Crash):
        checkout.open_session(stage.caller(), STARTER)
    (orphan,) = stage.open_sessions()
    stage.move_clock(LEASE_SECONDS + 1)
    other = stage.session_id(PROFESSIONAL)
    assert other != orphan
    assert stage.open_sessions() == [other]


def test_waiting_for_a_dead_winner_ends_in_503(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.after = once(CREATE, crash)
    with pytest.raises(Crash):
        checkout.open_session(stage.caller(), STARTER)
    monkeypatch.setattr(checkout, "WAIT_SECONDS", 0.3)
    status, body = stage.checkout()
    assert (status, body["code"]) == (503, "checkout_busy")


def test_a_replayed_session_that_is_no_longer_open_is_not_handed_out(stage: Stage) -> None:
    first = stage.session_id()
    stage.stripe.checkout.sessions.expire(first)
    table().write(Put(_forgotten(stage)))
    second = stage.session_id()
    assert second != first
    assert stage.open_sessions() == [second]


def _forgotten(stage: Stage) -> dict[str, Any]:
    """The checkout item as if the winner of the present generation had died before storing."""
    item = table().get(store.checkout_key(stage.user_id)) or {}
    return {**item, "phase": "creating", "leaseUntil": 0}


def test_a_key_used_with_other_parameters_is_given_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = stage.session_id()
    table().write(Put(_forgotten(stage)))
    monkeypatch.setattr("billing.customers.APP", "renamed")
    second = stage.session_id()
    assert second != first
    assert stage.open_sessions() == [second]


def test_an_expired_session_is_replaced(stage: Stage) -> None:
    first = stage.session_id()
    stage.stripe.checkout.sessions.expire(first)
    second = stage.session_id()
    assert second != first
    assert stage.open_sessions() == [second]


def test_only_creation_is_limited(stage: Stage) -> None:
    prices = [STARTER, PROFESSIONAL]
    for number in range(CREATIONS):
        last = stage.session_id(prices[number % 2])
    status, body = stage.checkout(prices[CREATIONS % 2])
    assert (status, body["code"]) == (429, "checkout_rate_limited")
    assert 0 < body["retryAfter"] <= 3600
    assert stage.session_id(prices[(CREATIONS - 1) % 2]) == last
    stage.move_clock(3601)
    assert stage.session_id(prices[CREATIONS % 2]) != last


def test_an_outage_costs_no_creation_and_the_same_key_goes_on(stage: Stage) -> None:
    stage.before = lambda method, path: failing(429) if (method, path) == CREATE else None
    for _ in range(CREATIONS + 2):
        status, body = stage.checkout()
        assert (status, body["code"]) == (503, "billing_unavailable")
        assert "secret text" not in str(body)
    stage.before = None
    assert [stage.session_id()] == stage.open_sessions()
    item = table().get(store.checkout_key(stage.user_id)) or {}
    assert (item["generation"], item["windowCount"]) == (1, 1)


def test_a_stored_failure_is_not_replayed(stage: Stage) -> None:
    """Stripe keeps a 500 under its key, so the next attempt takes another key."""
    stage.before = lambda method, path: failing(500) if (method, path) == CREATE else None
    assert stage.checkout()[0] == 503
    stage.before = None
    assert [stage.session_id()] == stage.open_sessions()
    assert (table().get(store.checkout_key(stage.user_id)) or {})["generation"] == 2


def test_a_refusal_is_a_502_without_stripes_words(stage: Stage) -> None:
    refusal = failing(400, type="invalid_request_error", param="line_items")
    stage.before = lambda method, path: refusal if (method, path) == CREATE else None
    status, body = stage.checkout()
    assert (status, body["code"]) == (502, "billing_failed")
    assert "secret text" not in str(body)


def test_losers_go_on_at_once_when_the_winner_fails(stage: Stage) -> None:
    """The lease is given back, so that one of those who wait succeeds where the first failed."""
    stage.before = once(CREATE, lambda: failing(400, type="invalid_request_error"))
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(checkout.open_session, stage.caller(), STARTER) for _ in range(4)]
        failed = [call.exception() for call in calls if call.exception()]
        sessions = {call.result().id for call in calls if not call.exception()}
    assert [type(error).__name__ for error in failed] == ["StripeRefused"]
    assert stage.open_sessions() == list(sessions)


def test_a_deleted_customer_is_replaced_and_never_bound_again(stage: Stage) -> None:
    stage.session_id()
    old = stage.customer_id
    stage.stripe.customers.delete(old)
    stage.stripe.checkout.sessions.expire(
        stage.stripe.checkout.sessions.list({"customer": old, "status": "open"}).data[0].id
    )
    session = stage.session_id()
    assert stage.customer_id != old
    assert stage.stripe.checkout.sessions.retrieve(session).customer == stage.customer_id
    assert store.bound_user(old) == store.bound_user(stage.customer_id) == stage.user_id
    assert stage.pay(session) == "complete"
    assert stage.status()["hasActiveSubscription"] is True


def test_customer_metadata_re_binds_nobody(stage: Stage) -> None:
    stage.buy()
    thief = f"user-{uuid.uuid4().hex}"
    stage.stripe.customers.update(stage.customer_id, {"metadata": {"userId": thief}})
    subscription = stage.status()["subscription"]["stripeSubscriptionId"]
    stage.stripe.subscriptions.update(subscription, {"metadata": {"userId": thief}})
    for event in stage.events():
        assert stage.deliver(event) == 200
    assert stage.status()["hasActiveSubscription"] is True
    _, body = stage.call("GET", "/subscription/status", user_id=thief)
    assert body["data"] == {"subscriptionStatus": "inactive", "hasActiveSubscription": False}


def test_a_planted_customer_id_is_not_believed(stage: Stage) -> None:
    """Rows of the earlier backend could name anybody's customer."""
    stage.buy()
    victims_customer = stage.customer_id
    thief = f"user-{uuid.uuid4().hex}"
    planted = accounts.new_user(thief, email="", name="")
    table().write(Put({**planted, "stripeCustomerId": victims_customer}))
    status, body = stage.call("POST", "/stripe/portal", user_id=thief)
    assert (status, body["code"]) == (409, "no_customer")
    assert checkout.open_session(stage.caller(thief), STARTER).status == "open"
    item = table().get(accounts.key(thief)) or {}
    assert item["stripeCustomerId"] != victims_customer
    assert store.bound_user(victims_customer) == stage.user_id


def test_a_customer_of_somebody_else_is_never_bound(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.session_id()
    other = f"user-{uuid.uuid4().hex}"
    monkeypatch.setattr(
        "billing.stripe_api.StripeApi.create_customer", lambda *_: (stage.customer_id, True)
    )
    with pytest.raises(AppError) as refused:
        checkout.open_session(stage.caller(other), STARTER)
    assert refused.value.code == "customer_conflict"
    assert "stripeCustomerId" not in (table().get(accounts.key(other)) or {})


def test_racing_first_sights_bind_one_customer(stage: Stage) -> None:
    user = accounts.ensure(stage.identity(), None)
    with ThreadPoolExecutor(6) as pool:
        ids = {each.id for each in pool.map(customers.ensure, [user] * 6)}
    assert ids == {stage.customer_id}


def test_a_disabled_account_gets_no_checkout(stage: Stage) -> None:
    stage.session_id()
    table().write(Update(accounts.key(stage.user_id), set={"barred": "blocked"}))
    status, body = stage.checkout()
    assert (status, body["code"]) == (403, "account_disabled")


def test_an_account_disabled_meanwhile_gets_nothing_to_pay(stage: Stage) -> None:
    bar = Update(accounts.key(stage.user_id), set={"barred": "deleted"})
    stage.after = once(CREATE, lambda: table().write(bar))
    status, body = stage.checkout()
    assert (status, body["code"]) == (403, "account_disabled")
    assert stage.open_sessions() == []
    assert "checkoutFreshUntil" not in stage.user_item


@pytest.mark.parametrize(
    ("body", "code", "sentence"),
    [
        ({}, "validation_failed", "Price ID is required"),
        ({"priceId": ""}, "validation_failed", "Price ID is required"),
        ({"priceId": None}, "validation_failed", "Price ID is required"),
        ({"priceId": "price_gold"}, "unknown_price", "There is no such price"),
        (
            {"priceId": "price_enterprise_monthly"},
            "price_not_available",
            "The Enterprise plan is sold by agreement, please contact sales",
        ),
    ],
)
def test_prices_that_cannot_be_bought(
    stage: Stage, body: dict[str, Any], code: str, sentence: str
) -> None:
    status, answer = stage.call("POST", "/stripe/checkout", body)
    assert (status, answer["code"], answer["error"]) == (400, code, sentence)
    assert stage.stripe_requests == []


@pytest.mark.parametrize("body", [{"priceId": 7}, {"priceId": ["x"]}, {"priceId": "x" * 201}, "[]"])
def test_malformed_orders_are_400(stage: Stage, body: Any) -> None:
    status, answer = stage.call("POST", "/stripe/checkout", body)
    assert status == 400
    assert answer["success"] is False


def test_odd_user_ids_work(stage: Stage) -> None:
    stage.user_id = f"auth0|ü {uuid.uuid4().hex} " + "x" * 200
    session = stage.session_id()
    assert stage.pay(session, CARD) == "complete"
    assert stage.status()["hasActiveSubscription"] is True
    found = stage.stripe.checkout.sessions.retrieve(session)
    assert found.metadata["userId"] == stage.user_id
    assert found.client_reference_id.startswith("sha256-")


def test_a_missing_catalogue_counts_for_no_limit(stage: Stage) -> None:
    empty = b'{"object": "list", "data": [], "has_more": false, "url": "/v1/prices"}', 200, {}
    stage.before = lambda _, path: empty if path == "/v1/prices" else None
    for _ in range(CREATIONS + 1):
        assert stage.checkout()[0] == 502
    stage.before = None
    assert stage.checkout()[0] == 200


def test_attempts_that_fail_at_stripe_have_an_end(stage: Stage) -> None:
    stage.before = lambda method, _: (b"{}", 400, {}) if method == "POST" else None
    answers = [stage.checkout() for _ in range(2 * ATTEMPTS_PER_MINUTE + 5)]
    assert {status for status, _ in answers} <= {502, 503}
    assert answers[-1][1]["code"] == "checkout_busy"
    assert count(stage, ("POST", "/v1/customers")) <= 2 * ATTEMPTS_PER_MINUTE


def test_a_page_that_asks_without_end_is_answered_from_our_row(stage: Stage) -> None:
    first = stage.checkout()[1]["data"]
    with stage.counted():
        answers = [stage.checkout() for _ in range(CHECKS_PER_MINUTE + 20)]
    assert {status for status, _ in answers} == {200}
    assert {body["data"]["clientSecret"] for _, body in answers} == {first["clientSecret"]}
    # The window of a minute may turn over in between.
    assert CHECKS_PER_MINUTE <= len(stage.stripe_requests) <= 2 * CHECKS_PER_MINUTE

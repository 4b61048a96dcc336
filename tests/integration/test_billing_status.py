"""Status, portal and price list: what is answered, and how many requests it costs."""

import json
import subprocess
import sys
import urllib.request
import uuid
from datetime import timedelta
from typing import Any

import pytest

from billing import status, store, stripe_api
from billing.portal import LINKS_PER_MINUTE
from billing.stripe_api import StripeApi
from localcloud.config import ROOT
from localcloud.functions.manifest import environment_table
from saas import accounts, clock, entitlements
from saas.table import Put, Update, table
from tests.credentials import V4_COOKIE, claims, v4_token
from tests.factories import LambdaContext, body_of, http_event
from tests.integration.billing_stage import STARTER, Stage, failing, stage

__all__ = ["stage"]
LIST = ("GET", "/v1/subscriptions")
NOBODY = {"subscriptionStatus": "inactive", "hasActiveSubscription": False}
SYNCED = [
    "BatchGetItem",
    "UpdateItem",
    "UpdateItem",
    "TransactWriteItems",
    "BatchGetItem",
]


def test_an_unknown_user_is_inactive_and_created(stage: Stage) -> None:
    with stage.counted():
        assert stage.status() == NOBODY
    assert (stage.stripe_requests, stage.dynamodb_requests) == ([], ["BatchGetItem", "PutItem"])
    assert stage.user_item["email"] == "ada@example.com"


def test_a_settled_user_costs_one_request_and_none_to_stripe(stage: Stage) -> None:
    stage.status()
    with stage.counted():
        assert stage.status() == NOBODY
    assert (stage.stripe_requests, stage.dynamodb_requests) == ([], ["BatchGetItem"])
    stage.buy()
    with stage.counted():
        assert stage.status()["hasActiveSubscription"] is True
    assert (stage.stripe_requests, stage.dynamodb_requests) == ([], ["BatchGetItem"])


def test_the_gate_opens_right_after_the_payment_before_any_webhook(stage: Stage) -> None:
    session = stage.session_id()
    stage.pay(session)
    with stage.counted():
        answer = stage.status()
    assert answer["hasActiveSubscription"] is True
    assert (stage.stripe_requests, stage.dynamodb_requests) == ([LIST], SYNCED)


def test_the_subscription_has_the_frontends_shape(stage: Stage) -> None:
    subscription_id = stage.buy()
    found = stage.stripe.subscriptions.retrieve(subscription_id)
    (item,) = found["items"].data
    subscription = stage.status()["subscription"]
    updated_at = subscription.pop("updatedAt")
    assert clock.parse(updated_at) <= clock.now()
    assert subscription == {
        "id": subscription_id,
        "userId": stage.user_id,
        "stripeSubscriptionId": subscription_id,
        "status": "active",
        "planId": "starter",
        "cancelAtPeriodEnd": False,
        "currentPeriodStart": clock.iso(clock.from_epoch(item.current_period_start)),
        "currentPeriodEnd": clock.iso(clock.from_epoch(item.current_period_end)),
        "createdAt": clock.iso(clock.from_epoch(found.created)),
    }


def test_while_a_checkout_is_open_each_status_asks_stripe_but_not_endlessly(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.session_id()
    monkeypatch.setattr(status, "FRESH_SYNCS_PER_MINUTE", 3)
    halfway = clock.now().replace(second=30)
    monkeypatch.setattr(clock, "now", lambda: halfway)
    with stage.counted():
        for _ in range(6):
            assert stage.status() == NOBODY
    assert stage.stripe_requests == [LIST] * 3
    monkeypatch.setattr(clock, "now", lambda: halfway + timedelta(minutes=1))
    with stage.counted():
        stage.status()
    assert stage.stripe_requests == [LIST]


def test_a_checkout_that_is_over_is_no_reason_to_ask(stage: Stage) -> None:
    stage.session_id()
    stage.move_clock(86_400 + 60)
    with stage.counted():
        assert stage.status() == NOBODY
    assert (stage.stripe_requests, stage.dynamodb_requests) == ([], ["BatchGetItem"])


@pytest.mark.parametrize("answer", [failing(500), failing(429), failing(401), failing(400)])
def test_while_stripe_fails_the_stored_state_is_the_answer(
    stage: Stage, answer: tuple[bytes, int, dict[str, str]]
) -> None:
    stage.pay(stage.session_id())
    stage.before = lambda *_: answer
    assert stage.status() == NOBODY
    stage.before = None
    assert stage.status()["hasActiveSubscription"] is True


def test_a_period_that_is_over_is_checked_once_a_minute_and_access_kept(stage: Stage) -> None:
    stage.buy()
    period_end = clock.parse(stage.status()["subscription"]["currentPeriodEnd"])
    stage.move_clock((period_end - clock.now()).total_seconds() + 3600)
    with stage.counted():
        for _ in range(3):
            assert stage.status()["hasActiveSubscription"] is True
    assert 1 <= len(stage.stripe_requests) <= 2  # two, when a minute begins in between


def test_a_renewal_nobody_told_us_of_is_found_by_reading(stage: Stage) -> None:
    stage.buy()
    end = stage.status()["subscription"]["currentPeriodEnd"]
    later = (clock.parse(end) - clock.now()).total_seconds() + 3600
    stage.account.clock.offset = int(later)
    stage.move_clock(later)
    renewed = stage.status()
    assert renewed["hasActiveSubscription"] is True
    assert clock.parse(renewed["subscription"]["currentPeriodEnd"]) > clock.now()


def test_access_ends_with_the_grace_when_stripe_says_nothing_new(stage: Stage) -> None:
    stage.buy()
    end = clock.parse(stage.status()["subscription"]["currentPeriodEnd"])
    stage.before = lambda *_: failing(500)
    stage.move_clock((end - clock.now()).total_seconds() + 24 * 3600 + 60)
    answer = stage.status()
    assert (answer["subscriptionStatus"], answer["hasActiveSubscription"]) == ("inactive", False)


def test_cancelling_at_the_periods_end_keeps_access_and_says_so(stage: Stage) -> None:
    subscription = stage.buy()
    stage.stripe.subscriptions.update(subscription, {"cancel_at_period_end": True})
    assert stage.deliver(stage.events("customer.subscription.updated")[0]) == 200
    answer = stage.status()
    assert answer["hasActiveSubscription"] is True
    assert answer["subscription"]["cancelAtPeriodEnd"] is True


def test_a_cancelled_subscription_is_cancelled_in_the_frontends_spelling(stage: Stage) -> None:
    stage.stripe.subscriptions.cancel(stage.buy())
    assert stage.deliver(stage.events("customer.subscription.deleted")[0]) == 200
    answer = stage.status()
    assert answer["subscriptionStatus"] == "cancelled"
    assert answer["hasActiveSubscription"] is False
    assert answer["subscription"]["status"] == "cancelled"


def test_a_forged_active_flag_gives_no_access(stage: Stage) -> None:
    forged = accounts.new_user(stage.user_id, email="a@example.com", name="A")
    table().write(Put({**forged, "subscriptionStatus": "active", "subscriptionId": "sub_x"}))
    where = entitlements.key(stage.user_id)
    row = {"pk": where.pk, "sk": where.sk, "status": "active", "stripeSubscriptionId": "sub_x"}
    table().write(Put({**row, "planId": "professional"}))
    assert stage.status() == NOBODY


@pytest.mark.parametrize("claim", ["{id}", "", "undefined"])
def test_the_callers_own_claim_is_fine(stage: Stage, claim: str) -> None:
    query = f"userId={claim.format(id=stage.user_id)}"
    assert stage.call("GET", "/subscription/status", query=query)[0] == 200


def test_a_claim_on_somebody_else_is_403(stage: Stage) -> None:
    answer, body = stage.call("GET", "/subscription/status", query="userId=someone-else")
    assert (answer, body["code"]) == (403, "user_mismatch")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/subscription/status", None),
        ("POST", "/stripe/checkout", {"priceId": STARTER}),
        ("POST", "/stripe/portal", None),
    ],
)
def test_nobody_gets_401(stage: Stage, method: str, path: str, body: Any) -> None:
    from billing import handler

    answer = handler.api(http_event(method, path, body=body), LambdaContext())
    assert (answer["statusCode"], body_of(answer)["code"]) == (401, "authentication_required")


@pytest.mark.parametrize("path", ["/stripe/checkout", "/stripe/portal"])
def test_another_site_cannot_act_with_the_cookie(stage: Stage, path: str) -> None:
    from billing import handler

    token = v4_token(claims(stage.user_id), secret=stage.aws.config.nextauth_secret)
    event = http_event(
        "POST",
        path,
        body={"priceId": STARTER},
        headers={"origin": "https://evil.example"},
        cookies=[f"{V4_COOKIE}={token}"],
    )
    answer = handler.api(event, LambdaContext())
    assert (answer["statusCode"], body_of(answer)["code"]) == (403, "origin_not_allowed")
    assert stage.user_item == {}


def test_a_disabled_account_sees_nothing(stage: Stage) -> None:
    stage.buy()
    table().write(Update(accounts.key(stage.user_id), set={"barred": "blocked"}))
    for method, path in (("GET", "/subscription/status"), ("POST", "/stripe/portal")):
        answer, body = stage.call(method, path)
        assert (answer, body["code"]) == (403, "account_disabled")


def test_the_portal_is_the_callers_own_and_returns_to_the_site(stage: Stage) -> None:
    stage.buy()
    answer, body = stage.call("POST", "/stripe/portal")
    assert answer == 200
    assert body["data"]["url"].startswith(f"{stage.aws.config.stripe_url}/p/session/")
    with urllib.request.urlopen(body["data"]["url"]) as page:
        text = page.read().decode()
    assert "Starter" in text
    assert stage.aws.config.site_url in text


def test_the_portal_is_opened_a_few_times_a_minute(stage: Stage) -> None:
    stage.checkout()
    with stage.counted():
        answers = [stage.call("POST", "/stripe/portal") for _ in range(3 * LINKS_PER_MINUTE)]
    opened = [body for status, body in answers if status == 200]
    refused = [body for status, body in answers if status == 429]
    # The window of a minute may turn over in between.
    assert LINKS_PER_MINUTE <= len(opened) <= 2 * LINKS_PER_MINUTE
    assert len(opened) + len(refused) == len(answers)
    assert {body["code"] for body in refused} == {"portal_rate_limited"}
    assert stage.stripe_requests.count(("POST", "/v1/billing_portal/sessions")) == len(opened)


def test_the_portal_is_the_one_that_was_set_up_for_the_environment(stage: Stage) -> None:
    """Not another environment's of the same account, and not the account's default."""
    stage.buy()
    configurations = stage.stripe.billing_portal.configurations
    only_invoices = {"features": {"invoice_history": {"enabled": True}}}
    made = [
        configurations.create({**only_invoices, "metadata": {"app": "groundwork", "env": env}})
        for env in ("local", "dev")
    ]
    try:
        with stage.counted():
            urls = [stage.call("POST", "/stripe/portal")[1]["data"]["url"] for _ in range(2)]
        assert [path for method, path in stage.stripe_requests if method == "GET"] == [
            "/v1/billing_portal/configurations"
        ]
        with urllib.request.urlopen(urls[1]) as page:
            text = page.read().decode()
        assert "Starter" in text
        assert "Cancel plan" not in text
        configurations.update(made[0].id, {"active": False})
        stripe_api._for_key.cache_clear()
        with urllib.request.urlopen(stage.call("POST", "/stripe/portal")[1]["data"]["url"]) as page:
            assert "Cancel plan" in page.read().decode()
    finally:
        for each in made:
            configurations.update(each.id, {"active": False})


def test_without_a_customer_there_is_no_portal(stage: Stage) -> None:
    with stage.counted():
        answer, body = stage.call("POST", "/stripe/portal")
    assert (answer, body["code"]) == (409, "no_customer")
    assert stage.stripe_requests == []
    stage.status()
    assert stage.call("POST", "/stripe/portal")[0] == 409


def test_a_deleted_customer_has_no_portal_and_is_let_go(stage: Stage) -> None:
    stage.session_id()
    customer = stage.customer_id
    stage.stripe.customers.delete(customer)
    answer, body = stage.call("POST", "/stripe/portal")
    assert (answer, body["code"]) == (409, "no_customer")
    assert "stripeCustomerId" not in stage.user_item
    assert store.bound_user(customer) == stage.user_id


def test_stripe_failing_the_portal_is_503(stage: Stage) -> None:
    stage.session_id()
    stage.before = lambda *_: failing(503)
    answer, body = stage.call("POST", "/stripe/portal")
    assert (answer, body["code"]) == (503, "billing_unavailable")
    assert "secret text" not in json.dumps(body)


def test_a_rotated_stripe_key_is_used_without_a_restart(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from billing import stripe_api
    from saas import secrets

    stage.session_id()
    first = stripe_api.api()
    assert stripe_api.api() is first
    monkeypatch.setattr(secrets, "_fetch", lambda _: "sk_test_rotated")
    secrets.forget()
    second = stripe_api.api()
    assert isinstance(second, StripeApi)
    assert second is not first


ALONE = """
import json, sys
from billing import handler
from tests.factories import LambdaContext
answers = [handler.api(event, LambdaContext()) for event in json.load(sys.stdin)]
print("RESULT", json.dumps([[a["statusCode"] for a in answers], "stripe" in sys.modules]))
"""


def test_a_settled_status_and_the_price_list_never_import_stripe(stage: Stage) -> None:
    stage.buy()
    token = v4_token(claims(stage.user_id), secret=stage.aws.config.nextauth_secret)
    cookie = f"{V4_COOKIE}={token}"
    fresh = v4_token(claims(f"user-{uuid.uuid4().hex}"), secret=stage.aws.config.nextauth_secret)
    events = [
        http_event("GET", "/subscription/status", cookies=[cookie]),
        http_event("GET", "/subscription/status", cookies=[f"{V4_COOKIE}={fresh}"]),
        http_event("GET", "/plans"),
        http_event("GET", "/health/billing"),
    ]
    provisioned = stage.aws.provisioned
    variables = environment_table(
        stage.aws.config, issuer=provisioned.issuer, client_id=provisioned.user_pool_client_id
    )
    path = f"{ROOT / 'lib'}:{ROOT / 'images'}:{ROOT}"
    done = subprocess.run(
        [sys.executable, "-c", ALONE],
        input=json.dumps(events),
        env={**variables, **stage.aws.config.aws_environment(), "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    result = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    assert json.loads(result.removeprefix("RESULT")) == [[200, 200, 200, 200], False]

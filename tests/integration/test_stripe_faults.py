"""Faults of the API as the unmodified stripe-python suffers them, with and without retries."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import BASIL, LocalStripe, fresh, local, until

__all__ = ["fresh", "local"]
CREATE = "POST /v1/customers"


@pytest.fixture(autouse=True)
def harmless(local: LocalStripe) -> Iterator[None]:
    yield
    local.http("DELETE", "/_local/faults")


def arm(local: LocalStripe, kind: str, on: str = CREATE, **settings: Any) -> dict[str, Any]:
    armed: dict[str, Any] = local.control("/_local/faults", {"kind": kind, "on": on, **settings})
    assert armed.get("kind") == kind, armed
    return armed


def retrying(local: LocalStripe, retries: int = 2) -> Any:
    client = stripe.StripeClient(
        local.config.stripe_secret_key,
        stripe_version=BASIL,
        base_addresses={"api": local.url},
        max_network_retries=retries,
    )
    return client.v1


def made(local: LocalStripe, email: str) -> int:
    """How many customers have that address."""
    return len(local.client().v1.customers.list({"email": email}).data)


def create(client: Any, email: str) -> Any:
    return client.customers.create({"email": email}, {"idempotency_key": f"key of {email}"})


def test_a_throttled_call_changes_nothing_and_keeps_its_key_free(local: LocalStripe) -> None:
    arm(local, "throttle", reason="endpoint-rate")
    with pytest.raises(stripe.RateLimitError) as refused:
        create(retrying(local), "throttled@example.com")  # SDKs do not repeat it
    error: Any = refused.value
    said = error.json_body["error"]
    assert (error.http_status, said["type"]) == (429, "invalid_request_error")
    assert (said["code"], said["doc_url"].rpartition("/")[2]) == ("rate_limit", "rate-limit")
    assert error.headers["Stripe-Rate-Limited-Reason"] == "endpoint-rate"
    assert made(local, "throttled@example.com") == 0
    again = create(local.client().v1, "throttled@example.com")
    assert "Idempotent-Replayed" not in again.last_response.headers
    assert made(local, "throttled@example.com") == 1


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        ("lock_timeout", stripe.RateLimitError, 429),
        ("unavailable", stripe.APIError, 503),
        ("disconnect_before", stripe.APIConnectionError, None),
    ],
)
def test_what_never_reached_the_endpoint_is_repeated_with_success(
    local: LocalStripe, kind: str, error: type[stripe.StripeError], status: int | None
) -> None:
    email = f"{kind}@example.com"
    arm(local, kind)
    with pytest.raises(error) as refused:
        create(local.client().v1, email)
    assert refused.value.http_status == status
    assert "stripe-rate-limited-reason" not in (refused.value.headers or {})
    assert made(local, email) == 0
    arm(local, kind, count=2)
    create(retrying(local), email)
    assert made(local, email) == 1
    assert [each["struck"] for each in local.control("/_local/faults")["spent"]][:2] == [2, 1]


def test_a_lost_answer_is_found_again_under_the_key(local: LocalStripe) -> None:
    arm(local, "disconnect_after")
    with pytest.raises(stripe.APIConnectionError):
        create(local.client().v1, "lost@example.com")
    assert made(local, "lost@example.com") == 1
    again = create(local.client().v1, "lost@example.com")
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert made(local, "lost@example.com") == 1


def test_retries_of_a_lost_answer_make_one_object(local: LocalStripe) -> None:
    """The SDK makes a key of its own; also the answer to its first repetition is lost."""
    arm(local, "disconnect_after", count=2)
    customer = retrying(local).customers.create({"email": "thrice@example.com"})
    assert [each.id for each in local.client().v1.customers.list({"email": customer.email})] == [
        customer.id
    ]


@pytest.mark.parametrize(("kind", "objects"), [("error_before", 0), ("error_after", 1)])
def test_the_endpoints_500_is_kept_under_the_key(
    local: LocalStripe, monkeypatch: pytest.MonkeyPatch, kind: str, objects: int
) -> None:
    """So the SDK is told not to repeat it, and the same key answers the same for good."""
    email = f"{kind}@example.com"
    arm(local, kind)
    with monkeypatch.context() as patched:
        # What the SDK asks before each repetition.
        wait = "stripe._http_client.HTTPClient._sleep_time_seconds"
        patched.setattr(wait, lambda *_: pytest.fail("it is repeated"))
        with pytest.raises(stripe.APIError) as failed:
            create(retrying(local), email)
    first: Any = failed.value
    assert (first.http_status, first.json_body["error"]["type"]) == (500, "api_error")
    assert first.headers["Stripe-Should-Retry"] == "false"
    assert made(local, email) == objects
    with pytest.raises(stripe.APIError) as replayed:
        create(local.client().v1, email)
    second: Any = replayed.value
    assert second.http_body == first.http_body
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Original-Request"] == first.request_id
    assert second.headers["Stripe-Should-Retry"] == "false"
    assert made(local, email) == objects
    local.client().v1.customers.create({"email": email}, {"idempotency_key": f"another {kind}"})
    assert made(local, email) == objects + 1


def test_events_of_a_write_whose_answer_was_an_error_are_sent(local: LocalStripe) -> None:
    arm(local, "error_after")
    with pytest.raises(stripe.APIError):
        create(local.client().v1, "told@example.com")
    [customer] = local.client().v1.customers.list({"email": "told@example.com"}).data
    assert [event.type for event in local.events(customer.id)] == ["customer.created"]


def test_a_reading_call_that_failed_is_repeated(local: LocalStripe) -> None:
    """No key holds its 500, so nothing tells the SDK not to."""
    arm(local, "error_before", on="GET /v1/customers")
    assert retrying(local).customers.list({"limit": 1}).object == "list"
    assert local.control("/_local/faults")["spent"][0]["seen"] == 1


def test_a_refused_request_never_reaches_the_endpoint(local: LocalStripe) -> None:
    arm(local, "error_before")
    with pytest.raises(stripe.InvalidRequestError):
        local.client().v1.customers.create({"nonsense": "x"})  # type: ignore[arg-type]
    assert local.control("/_local/faults")["armed"][0]["seen"] == 0


def test_a_slow_call_is_slow_and_others_are_not(local: LocalStripe) -> None:
    arm(local, "latency", seconds=2)
    began = time.monotonic()
    slow = threading.Thread(target=create, args=(local.client().v1, "slow@example.com"))
    slow.start()
    until(lambda: local.control("/_local/faults")["spent"])
    local.client().v1.products.list()
    assert slow.is_alive()
    slow.join()
    assert time.monotonic() - began >= 2
    assert made(local, "slow@example.com") == 1


def test_a_client_that_waits_in_vain_finds_what_was_done(local: LocalStripe) -> None:
    arm(local, "disconnect_after", seconds=5)
    impatient = stripe.StripeClient(
        local.config.stripe_secret_key,
        stripe_version=BASIL,
        base_addresses={"api": local.url},
        http_client=stripe.RequestsClient(timeout=1),
        max_network_retries=1,
    ).v1
    create(impatient, "impatient@example.com")
    assert made(local, "impatient@example.com") == 1


def test_latency_adds_to_another_fault(local: LocalStripe) -> None:
    arm(local, "latency", seconds=0.3)
    arm(local, "throttle")
    began = time.monotonic()
    with pytest.raises(stripe.RateLimitError):
        create(local.client().v1, "both@example.com")
    assert time.monotonic() - began >= 0.3


def test_only_the_call_it_names_is_struck(local: LocalStripe) -> None:
    arm(local, "throttle", on="POST /v1/checkout/sessions", nth=2)
    first = local.checkout()
    with pytest.raises(stripe.RateLimitError):
        local.checkout()
    expired = local.client().v1.checkout.sessions.expire(first.id)
    assert expired.status == "expired"


def test_one_seed_is_one_series_of_calls(local: LocalStripe) -> None:
    def series(seed: int) -> list[bool]:
        arm(local, "throttle", on="GET /v1/products", count=None, probability=0.4, seed=seed)
        struck = []
        for _ in range(30):
            try:
                local.client().v1.products.list({"limit": 1})
                struck.append(False)
            except stripe.RateLimitError:
                struck.append(True)
        local.http("DELETE", "/_local/faults")
        return struck

    first = series(11)
    assert first == series(11)
    assert first != series(12)
    assert 4 < first.count(True) < 22


def test_threads_together_are_struck_exactly_count_times(local: LocalStripe) -> None:
    arm(local, "error_after", count=40)

    def ten(number: int) -> int:
        client, failures = local.client().v1, 0
        for each in range(10):
            try:
                client.customers.create({"email": "crowd@example.com", "name": f"{number}/{each}"})
            except stripe.APIError:
                failures += 1
        return failures

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ten, range(16))) == 40
    everyone = local.client().v1.customers.list({"email": "crowd@example.com", "limit": 100})
    assert len({customer.name for customer in everyone.auto_paging_iter()}) == 160


def test_what_is_armed_is_shown_and_taken_back(local: LocalStripe) -> None:
    one = arm(local, "throttle", count=3)
    two = arm(local, "error_after")
    shown = local.control("/_local/faults")["armed"]
    assert [each["id"] for each in shown] == [one["id"], two["id"]]
    assert json.loads(local.http("DELETE", f"/_local/faults?id={one['id']}")[2]) == {"disarmed": 1}
    with pytest.raises(stripe.APIError):
        create(local.client().v1, "shown@example.com")
    status, _, body = local.http("POST", "/_local/faults", b'{"kind": "burn"}')
    assert (status, b"kind must be one of" in body) == (400, True)
    foreign = {"Origin": "https://example.org"}
    assert local.http("POST", "/_local/faults", b"{}", foreign)[0] == 403
    assert local.http("DELETE", "/_local/faults", None, foreign)[0] == 403


def test_a_reset_forgets_every_fault(fresh: LocalStripe) -> None:
    arm(fresh, "throttle", count=None)
    fresh.control("/_local/reset", {})
    assert fresh.control("/_local/faults") == {"armed": [], "spent": []}
    create(fresh.client().v1, "after@example.com")


def test_a_slow_call_does_not_hold_up_the_servers_end(fresh: LocalStripe) -> None:
    arm(fresh, "latency", seconds=600)
    caller = threading.Thread(target=create, args=(fresh.client().v1, "waiting@example.com"))
    caller.start()
    until(lambda: fresh.control("/_local/faults")["spent"])
    began = time.monotonic()
    fresh.stop()
    caller.join()
    assert time.monotonic() - began < 5

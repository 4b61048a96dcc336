"""How the local Stripe's API fails on purpose; `localcloud.faults` says whom a fault strikes.

A call's name is its method and path as sent, such as `POST /v1/checkout/sessions`. What follows
for a retry is Stripe's rule ("Advanced error handling", "Rate limits", "Idempotent requests"): an
answer is kept under its idempotency key once the endpoint began to run, also a 500; limiters and
whatever else stands in front of the endpoint leave the key as it was.
"""

import json
from collections.abc import Callable, Mapping

from localcloud.faults import Fault, Faults, Kind, Kinds, one_of, seconds
from localcloud.stripe import webhook_faults
from localcloud.stripe.errors import StripeError

PART = "stripe"
SHOULD_RETRY = "Stripe-Should-Retry"
# The values of the header `Stripe-Rate-Limited-Reason` ("Rate limits").
REASONS = (
    "endpoint-concurrency",
    "endpoint-rate",
    "global-concurrency",
    "global-rate",
    "resource-specific",
)
ON_THE_WAY = {
    "latency": Kind("The request is read `seconds` later.", {"seconds": seconds(5)}),
}
IN_FRONT = {
    "throttle": Kind(
        "429 `rate_limit` for `reason`. Nothing runs, and the idempotency key stays free.",
        {"reason": one_of("global-rate", REASONS)},
    ),
    "lock_timeout": Kind(
        "429 `lock_timeout`, which SDKs repeat. Nothing runs, and the key stays free."
    ),
    "unavailable": Kind("503, which SDKs repeat. Nothing runs, and the key stays free."),
    "disconnect_before": Kind(
        "Nothing runs, and `seconds` later the connection ends without an answer.",
        {"seconds": seconds(0)},
    ),
    "disconnect_after": Kind(
        "The request is done, and `seconds` later the connection ends without an answer.",
        {"seconds": seconds(0)},
    ),
}
AT_ENDPOINT = {
    "error_before": Kind("The endpoint fails before it wrote anything: 500, kept under the key."),
    "error_after": Kind("The endpoint fails after all was written: 500, kept under the key."),
}
KINDS = ON_THE_WAY | IN_FRONT | AT_ENDPOINT
PARTS: Mapping[str, Kinds] = {PART: KINDS, webhook_faults.PART: webhook_faults.KINDS}

RATE_LIMIT = (
    "Testmode request rate limit exceeded, the rate limits in testmode are lower than livemode. "
    "You can learn more about rate limits here https://stripe.com/docs/rate-limits."
)
LOCK_TIMEOUT = (
    "This object cannot be accessed right now because another API request or Stripe process is "
    "currently accessing it. If you see this error intermittently, retry the request. If you see "
    "this error frequently and are making multiple concurrent requests to a single object, make "
    "your requests serially or at a lower rate."
)
UNAVAILABLE = (
    "There was an unexpected error processing this request\u2013we've been notified of this issue. "
    "We'll update our status page at https://status.stripe.com/ with more information if we're "
    "seeing systemic issues."
)
BACKEND = (
    "Error while communicating with one of our backends.  Sorry about that!  We have been notified "
    "of the problem.  If you have any questions, we can help at https://support.stripe.com/."
)


def latency(faults: Faults, call: str) -> float:
    """How many seconds later this call shall be read."""
    fault = faults.strike(PART, call, ON_THE_WAY)
    return float(fault.settings["seconds"]) if fault else 0.0


def in_front(faults: Faults, call: str) -> Fault | None:
    """The fault that cuts this call's connection, if one does.

    Raises:
        StripeError: what is answered in the endpoint's place.
    """
    fault = faults.strike(PART, call, IN_FRONT)
    if fault is None or fault.kind.startswith("disconnect"):
        return fault
    if fault.kind == "throttle":
        headers = {"Stripe-Rate-Limited-Reason": fault.settings["reason"]}
        raise StripeError(429, RATE_LIMIT, code="rate_limit", headers=headers)
    if fault.kind == "lock_timeout":
        raise StripeError(429, LOCK_TIMEOUT, code="lock_timeout", headers={SHOULD_RETRY: "true"})
    raise StripeError(503, UNAVAILABLE, kind="api_error")


def at_endpoint(faults: Faults, call: str, run: Callable[[], tuple[int, str]]) -> tuple[int, str]:
    """What running the endpoint comes to: status and JSON text."""
    fault = faults.strike(PART, call, AT_ENDPOINT)
    if fault is None:
        return run()
    if fault.kind == "error_after":
        run()
    return 500, json.dumps(StripeError(500, BACKEND, kind="api_error").body(), indent=2)

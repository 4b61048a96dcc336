"""`make smoke`, also the end of every deployment: is what was deployed what the world gets?"""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from operations import secrets
from operations.deployment import Deployment, open_environment
from operations.findings import Finding, ok, problem, problems, warning
from operations.terraform import show
from operations.web import Answer, Unreachable, request
from saas.plans import Plan, catalogue

_PATIENCE, _PAUSE = 20.0, 2.0
"""Seconds in which a wrong answer is asked for again: new routes and functions need a moment."""

_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Expected:
    """What the answers must agree with; `images` holds digest and revision by name of image.

    Answers may still be wrong until `until` (`time.monotonic()`).
    """

    env: str
    images: Mapping[str, Mapping[str, Any]]
    price_keys: frozenset[str]
    webhook_ready: bool = True
    until: float = 0.0


def run(env: str, url: str = "") -> int:
    """Check an environment as it runs now."""
    deployment = open_environment(env)
    return check(deployment, deployment.outputs(), url)


def check(deployment: Deployment, outputs: dict[str, Any], url: str = "") -> int:
    """Check over the site's address, or over `url`, which ends with /backend.

    Returns:
        The exit status: 0, or 1 when a check failed.
    """
    env = deployment.environment.name
    site = f"{outputs['site_url']}/backend"
    show(f"{env}: smoke test of {url or site}")
    wanted = expected(deployment, outputs)
    found = []
    for finding in (
        findings(url.rstrip("/"), wanted) if url else _through_site(site, outputs, wanted)
    ):
        found.append(finding)
        show(f"  {finding}")
    if not (failed := problems(found)):
        show(f"{env}: {url or site} serves this release.")
        return 0
    named = ", ".join(finding.check for finding in failed)
    show(
        f"{env}: {len(failed)} of {len(found)} checks failed ({named})."
        f"\nTo return to the release before: make rollback ENV={env}"
        f"\nTo see whether something outside the release is wrong: make doctor ENV={env}"
    )
    return 1


def expected(deployment: Deployment, outputs: dict[str, Any]) -> Expected:
    """What was deployed, by the stack's own outputs."""
    images = {each["image"]: each for each in outputs["functions"].values()}
    name = secrets.names(deployment.environment, outputs)[secrets.WEBHOOK]
    ready = secrets.read(deployment.account, name) is not None
    sold = frozenset(outputs["price_keys"])
    until = time.monotonic() + _PATIENCE
    return Expected(deployment.environment.name, images, sold, ready, until)


def _through_site(site: str, outputs: dict[str, Any], wanted: Expected) -> Iterator[Finding]:
    """Over the site; while it does not lead to the API, say so and ask the API itself."""
    host = str(urlsplit(site).hostname)
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        found = outputs.get("distribution_domain")
        target = f"a CNAME or alias record to {found}" if found else "a record for your site"
        yield warning("site address", f"{host} is not in DNS yet", f"make {target}")
        yield from findings(outputs["api_url"].rstrip("/"), wanted)
        return
    ask = partial(request, "GET", f"{site}/health/users")
    leads = _judged("site address", ask, _envelope_fault, wanted.until)
    yield leads
    yield from findings(site if leads.state == "ok" else outputs["api_url"].rstrip("/"), wanted)


def findings(base: str, expected: Expected) -> Iterator[Finding]:
    """One after the other, as they are found. All requests are anonymous and change nothing."""
    for image, wanted in sorted(expected.images.items()):
        yield _judged(
            f"health of {image}",
            partial(request, "GET", f"{base}/health/{image}"),
            partial(health_fault, wanted=wanted),
            expected.until,
        )
    yield _judged(
        "plans",
        partial(request, "GET", f"{base}/plans"),
        partial(plans_fault, expected=expected),
        expected.until,
    )
    yield _judged(
        "anonymous status",
        partial(request, "GET", f"{base}/subscription/status"),
        partial(refusal_fault, status=401, code="authentication_required"),
        expected.until,
    )
    yield _webhook(base, expected)
    yield _judged(
        "unknown address",
        partial(request, "GET", f"{base}/there-is-no-such-route"),
        partial(refusal_fault, status=404, code="route_not_found"),
        expected.until,
    )


def _webhook(base: str, expected: Expected) -> Finding:
    if not expected.webhook_ready:
        return warning(
            "unsigned webhook",
            "no webhook secret is set, so Stripe's events cannot be told from forged ones",
            f"make stripe-setup ENV={expected.env}",
        )
    return _judged(
        "unsigned webhook",
        partial(request, "POST", f"{base}/stripe/webhook", b"{}", headers=_JSON),
        partial(refusal_fault, status=400, code="invalid_signature"),
        expected.until,
    )


def _judged(
    name: str, ask: Callable[[], Answer], fault: Callable[[Answer], str | None], until: float
) -> Finding:
    """Ask until the answer is right, or it is too late for that."""
    while True:
        try:
            said = fault(ask())
        except Unreachable as error:
            said = str(error)
        if said is None:
            return ok(name, "as it should be")
        if time.monotonic() > until:
            return problem(name, said)
        time.sleep(_PAUSE)


def health_fault(answer: Answer, wanted: Mapping[str, Any]) -> str | None:
    """What is wrong with the answer of `/health/<image>`; None when nothing is."""
    if fault := _envelope_fault(answer, 200):
        return fault
    data = answer.json()["data"]
    if data.get("imageDigest") != wanted.get("digest"):
        return f"runs {data.get('imageDigest')}, but {wanted.get('digest')} was deployed"
    if data.get("version") != wanted.get("revision"):
        return f"says version {data.get('version')}, but {wanted.get('revision')} was deployed"
    return None


def plans_fault(answer: Answer, expected: Expected) -> str | None:
    """Whether the price list is what `plans.toml` says and this environment sells."""
    if fault := _envelope_fault(answer, 200):
        return fault
    sold = [plan for plan in catalogue().plans if plan.price_key in expected.price_keys]
    if answer.json()["data"] != [_offer(plan) for plan in sold]:
        return "the price list differs from lib/saas/plans.toml: were the images built from it?"
    return None


def refusal_fault(answer: Answer, status: int, code: str) -> str | None:
    """Whether a request was refused by our own code, in the envelope."""
    if fault := _envelope_fault(answer, status):
        return fault
    found = answer.json().get("code")
    return None if found == code else f"answered the code {found} instead of {code}"


def _envelope_fault(answer: Answer, status: int = 200) -> str | None:
    if answer.status != status:
        return f"answered {answer.status} instead of {status}: {answer.body[:120]!r}"
    content = answer.json()
    if not isinstance(content, dict) or content.get("success") is not (status == 200):
        return f"answered {status}, but something else than our API: {answer.body[:120]!r}"
    if answer.headers.get("cache-control") != "no-store":
        found = answer.headers.get("cache-control")
        return f"answered with Cache-Control {found} instead of no-store, so it may be cached"
    return None


def _offer(plan: Plan) -> dict[str, Any]:
    limits = catalogue().output_limits(plan)
    return {
        "id": plan.id,
        "name": plan.name,
        "priceKey": plan.price_key,
        "amount": plan.amount_cents,
        "currency": plan.currency,
        "interval": plan.interval,
        "callsPerMonth": plan.calls_per_month,
        "callsInFlight": plan.calls_in_flight,
        "models": list(plan.models),
        "maxOutputTokens": max(limits.values()),
        "maxOutputTokensByModel": limits,
        "contactSales": not plan.lookup_key,
    }

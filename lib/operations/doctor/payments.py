"""Stripe: the key's mode, the catalogue, the portal and the webhook endpoint."""

import os
from collections.abc import Iterator
from functools import partial
from typing import Any

from operations import secrets
from operations.deployment import is_production
from operations.doctor.subject import Subject, all_looked, looked
from operations.errors import OperationError
from operations.findings import Finding, ok, problem, warning
from operations.stripe import prices
from operations.stripe.account import API_BASE, LIVE, Raw, StripeAccount
from operations.stripe.endpoint import DIGEST, digest
from operations.stripe.endpoint import PATH as ENDPOINTS
from saas.plans import Plan, catalogue
from saas.stripe_contract import (
    API_VERSION,
    HANDLED_EVENTS,
    PORTAL_PATH,
    WEBHOOK_PATH,
    is_stamped,
)

_KEY, _ACCOUNT = "Stripe key", "Stripe account"
_ENDPOINT, _PORTAL = "Stripe webhook endpoint", "Stripe portal"


def check(subject: Subject) -> Iterator[Finding]:
    """With the key that the functions use; nothing is changed at Stripe."""
    name = secrets.names(subject.environment, subject.outputs)[secrets.STRIPE_KEY]
    held: list[str] = []

    def key() -> Finding:
        value = secrets.read(subject.account, name) if subject.outputs else None
        held.extend([value] if value else [])
        return mode(subject, value)

    yield looked(_KEY, key)
    if not held:
        return
    stripe = StripeAccount(held[0], os.environ.get("STRIPE_API_BASE") or API_BASE)
    yield looked(_ACCOUNT, partial(account, stripe, subject.env))
    for plan in catalogue().plans:
        sold = plan.price_key in subject.outputs.get("price_keys", [plan.price_key])
        if plan.lookup_key and sold:
            yield looked(f"price of {plan.id}", partial(price, stripe, plan, subject.env))
    yield looked(_PORTAL, partial(portal, stripe, subject.env))
    yield from all_looked(_ENDPOINT, partial(endpoint, subject, stripe))


def mode(subject: Subject, key: str | None) -> Finding:
    """Whether real money moves where it should, and nowhere else."""
    if not key:
        return warning(_KEY, "is not set: Stripe was not looked at", _set(subject.env, "secrets"))
    live = key.startswith(LIVE)
    replace = f"make secrets ENV={subject.env} STRIPE=ask"
    if live and not is_production(subject.environment):
        return problem(_KEY, f"is a live key: {subject.env} would charge real cards", replace)
    if not live and is_production(subject.environment):
        return problem(_KEY, "is a test key: nobody can pay in production", replace)
    return ok(_KEY, "is of live mode" if live else "is of test mode")


def account(stripe: StripeAccount, env: str) -> Finding:
    """Whether Stripe accepts the key at all."""
    from stripe import AuthenticationError

    try:
        return ok(_ACCOUNT, stripe.describe())
    except OperationError as error:
        if not isinstance(error.__cause__, AuthenticationError):
            raise
        remedy = f"make secrets ENV={env} STRIPE=ask"
        return problem(_ACCOUNT, "Stripe does not accept the key: rolled, deleted or cut", remedy)


def price(stripe: StripeAccount, plan: Plan, env: str) -> Finding:
    """Exactly one active price has the plan's lookup key, and costs what the plan file says."""
    name = f"price of {plan.id}"
    found = list(stripe.all("/v1/prices", lookup_keys=[plan.lookup_key], active=True))
    remedy = _set(env, "stripe-setup")
    if len(found) != 1:
        count = "no active price has" if not found else f"{len(found)} active prices have"
        return problem(name, f"{count} the lookup key {plan.lookup_key}", remedy)
    if not prices.costs(plan, found[0]):
        asked, wanted = prices.cost(found[0]), prices.cost_of(plan)
        return problem(name, f"costs {asked} at Stripe and {wanted} in plans.toml", remedy)
    key = found[0]["metadata"].get("price_key")
    if key != plan.price_key:
        return problem(name, f"has price_key {key} in its metadata, not {plan.price_key}", remedy)
    return ok(name, f"{found[0]['id']}: {prices.cost(found[0])}")


def portal(stripe: StripeAccount, env: str) -> Finding:
    """Whether subscribers can open the portal: it needs a configuration of this environment's."""
    found = [
        each for each in stripe.all(PORTAL_PATH, active=True) if is_stamped(each["metadata"], env)
    ]
    if found:
        return ok(_PORTAL, f"{found[0]['id']} is active")
    return problem(_PORTAL, f"there is no configuration for {env}", _set(env, "stripe-setup"))


def endpoint(subject: Subject, stripe: StripeAccount) -> list[Finding]:
    """One enabled endpoint at our address, in our version, with our events and a known secret."""
    url = f"{subject.outputs['site_url']}{WEBHOOK_PATH}"
    remedy = _set(subject.env, "stripe-setup")
    found = list(stripe.all(ENDPOINTS))
    here = [each for each in found if each["url"] == url]
    working = [each for each in here if each["status"] == "enabled"]
    if not here:
        elsewhere = [each["url"] for each in found if is_stamped(each["metadata"], subject.env)]
        text = f"none sends to {url}"
        text += f"; ours sends to {', '.join(elsewhere)}" if elsewhere else ""
        return [problem(_ENDPOINT, text, remedy)]
    if not working:
        return [problem(_ENDPOINT, f"{here[0]['id']} is disabled, so no event arrives", remedy)]
    name = secrets.names(subject.environment, subject.outputs)[secrets.WEBHOOK]
    stored = {digest(value) for value in secrets.read_list(subject.account, name)}
    faults = [fault for each in working for fault in endpoint_faults(each, stored)]
    if faults:
        return [problem(_ENDPOINT, fault, remedy) for fault in faults]
    return [ok(_ENDPOINT, f"{working[0]['id']} is enabled, version {API_VERSION}")]


def endpoint_faults(found: Raw, stored: set[str]) -> Iterator[str]:
    """What is wrong with an enabled endpoint at our address.

    Args:
        stored: digests of the signing secrets that the functions accept.
    """
    name = found["id"]
    if found["api_version"] != API_VERSION:
        yield f"{name} sends version {found['api_version'] or 'of the account'}, not {API_VERSION}"
    events: set[Any] = set(found["enabled_events"])
    if "*" not in events and (missing := sorted(set(HANDLED_EVENTS) - events)):
        yield f"{name} does not send {', '.join(missing)}"
    marked = found["metadata"].get(DIGEST)
    if marked is None:
        yield f"{name} was not made by us: whether its signing secret is stored cannot be told"
    elif marked not in stored:
        yield f"{name} signs with a secret that is not stored, so its events are refused"


def _set(env: str, target: str) -> str:
    return f"make {target} ENV={env}"

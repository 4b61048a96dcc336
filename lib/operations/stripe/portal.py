"""The customer portal of an environment: what people may do there by themselves.

The account's default configuration is left to the dashboard: other environments, or another
product, may share it. The functions find ours by its stamp.
"""

from functools import partial
from typing import Any

from operations.stripe.account import Raw, StripeAccount
from operations.stripe.changes import Change, Sign
from saas.stripe_contract import APP, PORTAL_PATH, is_stamped

# A plan is changed by ending one subscription and buying another: the portal offers no switching.
FEATURES: Raw = {
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
    "subscription_update": {"enabled": False},
}


def plan_portal(stripe: StripeAccount, environment: str, site_url: str) -> list[Change]:
    """One active configuration with exactly these features."""
    found = [
        each
        for each in stripe.all(PORTAL_PATH, active=True)
        if is_stamped(each.get("metadata") or {}, environment)
    ]
    wanted = {"default_return_url": site_url, "features": FEATURES}
    if not found:
        metadata = {"app": APP, "env": environment}
        act = partial(stripe.create, PORTAL_PATH, **wanted, metadata=metadata)
        text = "customer portal: cancel at the period's end, change cards, see invoices"
        return [Change(Sign.CREATED, text, act)]
    kept, *doubles = found
    return [_kept(stripe, kept, wanted), *(_retired(stripe, each) for each in doubles)]


def _kept(stripe: StripeAccount, portal: Raw, wanted: Raw) -> Change:
    name = f"customer portal {portal['id']}"
    if _covers(portal, wanted):
        return Change(Sign.LEFT, name)
    act = partial(stripe.post, f"{PORTAL_PATH}/{portal['id']}", **wanted)
    return Change(Sign.CHANGED, f"{name} gets our features and return address again", act)


def _retired(stripe: StripeAccount, portal: Raw) -> Change:
    act = partial(stripe.post, f"{PORTAL_PATH}/{portal['id']}", active=False)
    return Change(Sign.RETIRED, f"customer portal {portal['id']} is a double of ours", act)


def _covers(found: Any, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        return bool(found == wanted)
    return isinstance(found, dict) and all(
        _covers(found.get(name), value) for name, value in wanted.items()
    )

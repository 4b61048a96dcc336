"""`make secrets`: makes the session secret, takes the Stripe key, says what is missing."""

import getpass
import secrets as randomness
import sys

from operations import secrets
from operations.account import Account
from operations.deployment import Deployment, open_environment
from operations.stripe.account import check_mode
from operations.terraform import show

ASK, STDIN, KEEP = "ask", "stdin", "keep"


def run(env: str, *, rotate: bool, stripe: str = "") -> int:
    """Set what can be set here.

    Args:
        rotate: put a new session secret in front; the one before stays valid.
        stripe: where a Stripe secret key comes from: `ask` (a prompt), `stdin`, `keep` (nowhere);
            empty: a prompt, if none is set and somebody sits there.
    """
    deployment = open_environment(env)
    names = secrets.names(deployment.environment, deployment.outputs())
    _session(deployment, names[secrets.SESSION], rotate=rotate)
    _stripe(deployment, names[secrets.STRIPE_KEY], stripe)
    for kind, name in names.items():
        count = _count(deployment.account, kind, name)
        show(f"  {'unset' if not count else 'set' if count == 1 else f'{count} set':<6} {name}")
    if not secrets.read(deployment.account, names[secrets.WEBHOOK]):
        show(f"The webhook's secret comes with the endpoint: make stripe-setup ENV={env}")
    return 0


def _count(account: Account, kind: str, name: str) -> int:
    """How many values the functions can use."""
    if kind == secrets.STRIPE_KEY:
        return int(secrets.read(account, name) is not None)
    return len(secrets.read_list(account, name))


def _session(deployment: Deployment, name: str, *, rotate: bool) -> None:
    held = secrets.read_list(deployment.account, name)
    if held and not rotate:
        return
    secrets.put_first(deployment.account, name, randomness.token_urlsafe(48))
    env = deployment.environment.name
    done = "has a new first entry; sessions made with the one before stay valid" if held else "made"
    show(f"{name}: {done}.")
    show(f"Give it to the frontend: make outputs ENV={env}. Functions take it up within 5 minutes.")


def _stripe(deployment: Deployment, name: str, source: str) -> None:
    present = secrets.read(deployment.account, name)
    if not source:
        source = ASK if present is None and sys.stdin.isatty() else KEEP
    if source == KEEP:
        return
    if source == ASK:
        value = getpass.getpass("Stripe secret key (sk_… or rk_…; empty leaves it as it is): ")
    else:
        value = sys.stdin.readline()
    if not (value := value.strip()):
        return
    check_mode(value, deployment.environment.name, allow_test_mode=True)
    secrets.write(deployment.account, name, value)
    show(f"{name}: written.")

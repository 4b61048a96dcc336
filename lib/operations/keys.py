"""`make secrets`: makes the session secret, takes the Stripe key, says what is missing."""

import getpass
import secrets as randomness
import sys

from operations import secrets
from operations.deployment import Deployment, is_production, open_environment
from operations.environments import Environment
from operations.errors import OperationError
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
    for name in names.values():
        count = len(secrets.read_list(deployment.account, name))
        show(f"  {'unset' if not count else 'set' if count == 1 else f'{count} set':<6} {name}")
    if not secrets.read(deployment.account, names[secrets.WEBHOOK]):
        show(f"The webhook's secret comes with the endpoint: make stripe-setup ENV={env}")
    return 0


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
    if fault := key_fault(value, deployment.environment):
        raise OperationError(fault)
    secrets.write(deployment.account, name, value)
    show(f"{name}: written.")


def key_fault(key: str, environment: Environment) -> str | None:
    """Why a Stripe key must not be stored here; None when it may."""
    if key.startswith("pk_"):
        return "That is the publishable key, for browsers. The secret one begins with sk_ or rk_."
    if not key.startswith(("sk_test_", "rk_test_", "sk_live_", "rk_live_")):
        return "Secret keys of Stripe begin with sk_test_, rk_test_, sk_live_ or rk_live_."
    if is_live(key) and not is_production(environment):
        return (
            f"That key moves real money, and {environment.name} is not production. "
            "Take the key of Stripe's test mode or of a sandbox."
        )
    return None


def is_live(key: str) -> bool:
    """Whether a secret key belongs to live mode."""
    return key.startswith(("sk_live_", "rk_live_"))

"""`make stripe-setup` and `make adopt-stripe`: a deployment, its keys, and who has to agree."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from operations import secrets
from operations.deployment import Deployment, open_environment
from operations.errors import OperationError
from operations.place import LOCAL
from operations.stripe import adoption, proposals
from operations.stripe.account import API_BASE, StripeAccount, check_mode
from operations.stripe.changes import Change
from operations.stripe.endpoint import Webhook
from operations.stripe.people import People
from operations.stripe.proposals import Proposal
from operations.stripe.setup import Setup, mapping, pending
from operations.terraform import show

KEY_VARIABLE = "STRIPE_SECRET_KEY"
# Endpoints that were replaced go on signing with their own secrets for a while.
SIGNING_SECRETS = 4


def setup(env: str, *, apply: bool, mapped: str, url: str, allow_test_mode: bool) -> int:
    """Show what is missing at Stripe and, if that is wanted, do it.

    Args:
        apply: do it without asking; else a person at a terminal is asked.
        mapped: existing prices to take over, as `price_…=<price key>,…`.
        url: the site's address instead of the deployed one.
    """
    prices = mapping(mapped)
    deployment = open_environment(env)
    outputs = deployment.outputs()
    stripe = connect(deployment, outputs, allow_test_mode=allow_test_mode)
    site = _site(url or str(outputs["site_url"]), env)
    webhook = Webhook(stripe, env, site, _Secrets(deployment, outputs))
    wanted = Setup(stripe, webhook, env, site, prices)
    changes = wanted.plan()
    for change in changes:
        show(str(change))
    if not pending(changes):
        show("Everything is there. Nothing to do.")
        return 0
    if not (apply or _agreed(changes)):
        show(f"Nothing was changed. To do it: make stripe-setup ENV={env}{_again(mapped, url)}")
        return 0
    show("Doing it:")
    wanted.carry_out(changes, show)
    show("Done.")
    return 0


def adopt(env: str, *, apply: bool, file: str, allow_test_mode: bool) -> int:
    """List payers without a user, or bind those that were approved.

    Args:
        apply: bind the approved lines of the file; else the file is written, and nothing else.
        file: the list; by default `.local/adoption-<env>.csv`.
    """
    path = Path(file) if file else LOCAL / f"adoption-{env}.csv"
    if apply and not path.is_file():
        raise OperationError(f"{path} does not exist. First: make adopt-stripe ENV={env}")
    deployment = open_environment(env)
    outputs = deployment.outputs()
    if apply:
        return _bind(deployment, outputs, path)
    stripe = connect(deployment, outputs, allow_test_mode=allow_test_mode)
    people = People(deployment.account, str(outputs["table_name"]), str(outputs["user_pool_id"]))
    found = adoption.propose(stripe, people, env, show)
    before = proposals.read(path) if path.is_file() else []
    listed = proposals.keep_decisions(found, before)
    proposals.write(path, listed)
    for each in listed:
        show(str(each))
    show(
        f"Nothing was changed. {path} holds these {len(listed)} lines and names people: keep it to "
        "yourself. Write yes into the column approve where the user is right (or correct it), then:"
        f"\n  make adopt-stripe ENV={env} APPLY=1"
        if listed
        else "There is nobody to adopt."
    )
    return 0


def _bind(deployment: Deployment, outputs: Mapping[str, Any], path: Path) -> int:
    lines = proposals.read(path)
    chosen = proposals.approved(path, lines) or _chosen(lines)
    if not chosen:
        show(f"No line of {path} is approved: write yes into its first column. Nothing was done.")
        return 1
    function = outputs["functions"][adoption.FUNCTION]
    failed = adoption.bind(deployment.account, function, chosen, show)
    show(f"{len(chosen) - failed} of {len(chosen)} are bound.")
    return 1 if failed else 0


def _chosen(lines: Sequence[Proposal]) -> list[Proposal]:
    """Ask a person at a terminal about each line that has a user."""
    if not sys.stdin.isatty():
        return []
    chosen = []
    for each in lines:
        if each.user and input(f"{each}\n    Bind them? [y/N] ").strip().lower() in proposals.YES:
            chosen.append(each)
    return chosen


def connect(
    deployment: Deployment, outputs: Mapping[str, Any], *, allow_test_mode: bool
) -> StripeAccount:
    """The account of the environment's key, or of the one in STRIPE_SECRET_KEY.

    The functions' key may be a restricted one, which may not create prices or endpoints.

    Raises:
        OperationError: there is no key, it is of the wrong mode, or Stripe does not accept it.
    """
    env = deployment.environment.name
    name = secrets.names(deployment.environment, dict(outputs))[secrets.STRIPE_KEY]
    stored = secrets.read(deployment.account, name)
    key = os.environ.get(KEY_VARIABLE, "").strip() or stored
    if not key:
        raise OperationError(f"{env} has no Stripe key yet. Store it: make secrets ENV={env}")
    check_mode(key, env, allow_test_mode=allow_test_mode)
    stripe = StripeAccount(key, os.environ.get("STRIPE_API_BASE") or API_BASE)
    show(f"{env}: Stripe account {stripe.describe()}")
    if not stripe.livemode and allow_test_mode:
        show(f"Warning: {env} runs in test mode. Nobody can pay with real money.")
    return stripe


class _Secrets:
    """The environment's signing secrets, where the webhook function reads them."""

    def __init__(self, deployment: Deployment, outputs: Mapping[str, Any]) -> None:
        self._account = deployment.account
        self._name = secrets.names(deployment.environment, dict(outputs))[secrets.WEBHOOK]

    def values(self) -> list[str]:
        return secrets.read_list(self._account, self._name)

    def add(self, value: str) -> None:
        secrets.put_first(self._account, self._name, value, keep=SIGNING_SECRETS)


def _site(url: str, env: str) -> str:
    """The site's address; that of its API, as other commands take it, will do."""
    site = url.rstrip("/").removesuffix("/backend")
    if not site.startswith(("https://", "http://")):
        raise OperationError(f"{url} is no address. Give the site's own: URL=https://…")
    if site.startswith("http://") and env != "dev":
        raise OperationError(f"Stripe sends events of {env} to https addresses only, not to {url}")
    return site


def _agreed(changes: Sequence[Change]) -> bool:
    if not sys.stdin.isatty():
        return False
    count = len(pending(changes))
    answer = input(f"Do these {count} things at Stripe? Type yes to go on: ")
    return answer.strip().lower() == "yes"


def _again(mapped: str, url: str) -> str:
    parts = [f"MAP='{mapped}'"] if mapped else []
    parts += [f"URL={url}"] if url else []
    return " ".join(["", *parts, "APPLY=1"])

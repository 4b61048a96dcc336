"""What a fresh account holds: the plan file's products and prices, a portal, our webhook."""

import hashlib
import tomllib
from pathlib import Path
from typing import Any

from localcloud.config import ROOT, StackConfig
from localcloud.stripe import versions
from localcloud.stripe.resources import (
    portal_configurations,
    prices,
    products,
    webhook_endpoints,
)
from localcloud.stripe.store import EXISTS, Obj, equal
from localcloud.stripe.work import Work

PLANS = ROOT / "lib" / "saas" / "plans.toml"


def seed(work: Work, config: StackConfig, plans: Path = PLANS) -> None:
    """Bring the account in line with the plan file and the stack. Changes nothing the second time.

    A changed amount makes a new price that takes over the lookup key, as one would do at Stripe.
    """
    for plan in tomllib.loads(plans.read_text())["plans"]:
        product = _product(work, plan)
        if "amount_cents" in plan:
            _price(work, product, plan)
    if not work.store.select("billing_portal.configuration", equal("is_default", True), limit=1):
        on = {"enabled": True}
        features = {"invoice_history": on, "payment_method_update": on, "subscription_cancel": on}
        portal_configurations.new(work, features, is_default=True)
    _endpoint(work, config)


def _stable(*parts: object) -> str:
    """Letters and digits that are the same after a reset, since functions remember ids."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _product(work: Work, plan: dict[str, Any]) -> Obj:
    wheres = (equal("metadata.app", "groundwork"), equal("metadata.plan", plan["id"]))
    found = work.store.select("product", *wheres, EXISTS)
    if found:
        return found[-1]
    metadata = {"app": "groundwork", "plan": plan["id"]}
    name = f"prod_{_stable('product', plan['id'])[:14]}"
    if deleted := work.find("product", name):
        return work.update(deleted, _deleted=None)
    return products.create(work, {"id": name, "name": plan["name"], "metadata": metadata})


def _price(work: Work, product: Obj, plan: dict[str, Any]) -> None:
    held = work.store.select("price", equal("lookup_key", plan["lookup_key"]), limit=1)
    amount, interval = plan["amount_cents"], plan["interval"]
    if held and (held[0]["unit_amount"], held[0]["recurring"]["interval"]) == (amount, interval):
        return
    identifier = f"price_1{_stable(plan['lookup_key'], amount, interval)[:23]}"
    if work.find("price", identifier):
        change = {"lookup_key": plan["lookup_key"], "transfer_lookup_key": True}
        prices.update(work, change, identifier)
        return
    prices.create(
        work,
        {
            "_id": identifier,
            "product": product["id"],
            "currency": plan.get("currency", "usd"),
            "unit_amount": amount,
            "recurring": {"interval": interval},
            "lookup_key": plan["lookup_key"],
            "transfer_lookup_key": True,
            "metadata": {
                "app": "groundwork",
                "plan": plan["id"],
                "price_key": plan["price_key"],
                "lookup_key": plan["lookup_key"],
            },
        },
    )


def own_endpoint(work: Work) -> Obj | None:
    """The endpoint that was registered for the stack, unless it was deleted."""
    found = work.store.select("webhook_endpoint", equal("metadata.app", "groundwork"))
    return next((each for each in found if not each.get("_deleted")), None)


def _endpoint(work: Work, config: StackConfig) -> None:
    """The stack's own endpoint: it follows the stack to another port or secret."""
    if endpoint := own_endpoint(work):
        secrets = endpoint["_secrets"]
        if all(each["secret"] != config.webhook_secret for each in secrets):
            secrets = [{"secret": config.webhook_secret, "until": None}]
        work.update(endpoint, url=config.webhook_url, _secrets=secrets)
        return
    webhook_endpoints.new(
        work,
        config.webhook_url,
        ["*"],
        config.webhook_secret,
        api_version=versions.DEFAULT,
        description="Groundwork's billing webhook",
        metadata={"app": "groundwork"},
    )

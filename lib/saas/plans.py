"""What is sold, from `plans.toml`: plans, their prices and limits, models and upload limits."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PATH = Path(__file__).with_name("plans.toml")


@dataclass(frozen=True)
class Plan:
    """One subscription plan.

    `price_key` is what the frontend sends, `lookup_key` the Stripe price's (empty: sold by
    agreement), `amount_cents` cents of `currency` per `interval`. Monthly limits count in the
    windows of `Entitlement.quota_window`; costs are micro-USD. `calls_in_flight` may run at once.
    """

    id: str
    name: str
    price_key: str
    interval: str
    calls_per_month: int
    calls_in_flight: int
    models: tuple[str, ...]
    max_output_tokens: int
    max_prompt_characters: int
    tokens_per_month: int
    cost_per_month_micro_usd: int
    lookup_key: str = ""
    amount_cents: int | None = None
    currency: str = "usd"


@dataclass(frozen=True)
class Model:
    """A model behind an alias: Bedrock id, micro-USD per million tokens, a cautious speed."""

    alias: str
    id: str
    input_micro_usd_per_million: int
    output_micro_usd_per_million: int
    tokens_per_second: int
    accepts: tuple[str, ...] = ()

    def cost_micro_usd(self, input_tokens: int, output_tokens: int) -> int:
        """Cost of a call in whole micro-USD, rounded up."""
        millionths = (
            input_tokens * self.input_micro_usd_per_million
            + output_tokens * self.output_micro_usd_per_million
        )
        return -(-millionths // 1_000_000)


@dataclass(frozen=True)
class Uploads:
    """Limits of direct uploads; `daily_*` per user and UTC day, sizes in bytes."""

    max_bytes: int
    daily_count: int
    daily_bytes: int
    url_expires_seconds: int
    pending_hours: int
    content_types: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """The whole plan file."""

    plans: tuple[Plan, ...]
    models: dict[str, Model]
    uploads: Uploads
    default_model: str
    grace_hours: int
    answer_within_seconds: int

    def plan(self, plan_id: str) -> Plan | None:
        return next((plan for plan in self.plans if plan.id == plan_id), None)

    def plan_by_price_key(self, price_key: str) -> Plan | None:
        return next((plan for plan in self.plans if plan.price_key == price_key), None)

    def plan_by_lookup_key(self, lookup_key: str) -> Plan | None:
        return next((plan for plan in self.plans if plan.lookup_key == lookup_key != ""), None)

    def plan_of_price(self, metadata: Mapping[str, str], lookup_key: str) -> Plan | None:
        """The plan that a Stripe price sells, if any.

        Metadata first: a lookup key moves on to the next price when an amount changes.
        """
        plan = self.plan_by_price_key(metadata.get("price_key") or "")
        return plan or self.plan_by_lookup_key(lookup_key)

    def max_output_tokens(self, plan: Plan, model: Model) -> int:
        """The longest answer of a model: what the plan allows, as far as the time suffices."""
        return min(plan.max_output_tokens, model.tokens_per_second * self.answer_within_seconds)

    def output_limits(self, plan: Plan) -> dict[str, int]:
        """The longest answer of each model of a plan, in tokens."""
        return {alias: self.max_output_tokens(plan, self.models[alias]) for alias in plan.models}

    def model(self, name: str) -> Model | None:
        """The model for an alias, or for an id that the existing frontend may still send."""
        if name in self.models:
            return self.models[name]
        return next((model for model in self.models.values() if name in model.accepts), None)


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The plan file, read once per process.

    Raises:
        ValueError: a plan names a model that the file does not define.
    """
    raw = tomllib.loads(PATH.read_text(encoding="utf-8"))
    models = {
        alias: Model(alias=alias, **{**values, "accepts": tuple(values.get("accepts", ()))})
        for alias, values in raw["models"].items()
    }
    plans = tuple(Plan(**{**values, "models": tuple(values["models"])}) for values in raw["plans"])
    unknown = {name for plan in plans for name in plan.models} | {raw["default_model"]}
    if unknown - models.keys():
        raise ValueError(
            f"plans.toml names models that it does not define: {sorted(unknown - models.keys())}"
        )
    uploads = raw["uploads"]
    return Catalogue(
        plans=plans,
        models=models,
        uploads=Uploads(**{**uploads, "content_types": tuple(uploads["content_types"])}),
        default_model=raw["default_model"],
        grace_hours=raw["grace_hours"],
        answer_within_seconds=raw["answer_within_seconds"],
    )

"""Settings and the plan file."""

import pytest

from saas.errors import Misconfigured
from saas.plans import catalogue
from saas.settings import Settings


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("TABLE_NAME", "table")


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match="APP_ENV"):
        Settings.read()
    monkeypatch.setenv("APP_ENV", "local")
    with pytest.raises(RuntimeError, match="SITE_URL"):
        Settings.read().require("site_url")


@pytest.mark.parametrize(
    "names", ["next-auth.session-token", "__Secure-a,__Secure-b", "__Host-a,__Secure-a", "__host-a"]
)
def test_deployed_environments_refuse_unsafe_session_cookies(
    monkeypatch: pytest.MonkeyPatch, names: str
) -> None:
    monkeypatch.setenv("APP_ENV", "staging")
    monkeypatch.setenv("SESSION_COOKIE_NAMES", names)
    with pytest.raises(Misconfigured, match="SESSION_COOKIE_NAMES"):
        Settings.read()
    for name in ("__Secure-next-auth.session-token", "__Host-authjs.session-token"):
        monkeypatch.setenv("SESSION_COOKIE_NAMES", name)
        assert Settings.read().session_cookie_names == (name,)


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_ENV", "local")
    monkeypatch.setenv("ALLOWED_ORIGINS", " https://a.test , ,https://b.test")
    assert Settings.read().allowed_origins == ("https://a.test", "https://b.test")


def test_the_plans_are_what_the_frontend_shows() -> None:
    plans = {plan.id: plan for plan in catalogue().plans}
    assert list(plans) == ["starter", "professional", "enterprise"]
    assert (plans["starter"].amount_cents, plans["starter"].calls_per_month) == (2900, 1000)
    assert (plans["professional"].amount_cents, plans["professional"].calls_per_month) == (
        9900,
        10000,
    )
    assert plans["enterprise"].amount_cents is None
    for plan_id, plan in plans.items():
        assert plan.price_key == f"price_{plan_id}_monthly"
        assert catalogue().plan_by_price_key(plan.price_key) is plan
    assert catalogue().plan_by_lookup_key("") is None


def test_costs_are_whole_micro_dollars_rounded_up() -> None:
    model = catalogue().models["fast"]
    assert model.cost_micro_usd(0, 0) == 0
    assert model.cost_micro_usd(1, 0) == 1
    assert model.cost_micro_usd(1_000_000, 1_000_000) == 300_000


def test_old_model_ids_map_to_aliases() -> None:
    found = catalogue().model("anthropic.claude-3-haiku-20240307-v1:0")
    assert found is not None
    assert found.alias == "balanced"
    assert catalogue().model("gpt-4") is None

"""Setting an account up: from nothing, twice, half, and over what was there before."""

import inspect
import json
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import stripe

from operations.errors import OperationError
from operations.stripe import endpoint as endpoints
from operations.stripe.account import StripeAccount
from operations.stripe.endpoint import DIGEST, Webhook, digest
from operations.stripe.setup import Setup, pending
from saas.plans import Catalogue, catalogue
from saas.stripe_contract import API_VERSION, HANDLED_EVENTS
from tests.integration.stripe_fixtures import (
    ENDIVE,
    PROFESSIONAL,
    STARTER,
    LocalStripe,
    Receiver,
    config_for,
    new_account,
    receiver,
    running,
    until,
)

__all__ = ["receiver"]
SITE = "https://app.example.com"
URL = f"{SITE}/backend/stripe/webhook"
Client = Any


@dataclass
class Kept:
    """Signing secrets in memory; `fails` breaks the next attempt to store one."""

    stored: list[str] = field(default_factory=list)
    fails: bool = False

    def values(self) -> list[str]:
        return list(self.stored)

    def add(self, value: str) -> None:
        if self.fails:
            self.fails = False
            raise OperationError("the parameter cannot be written")
        self.stored.insert(0, value)


class Account:
    """An account as Stripe hands it out, and the command on it."""

    def __init__(self, local: LocalStripe) -> None:
        self.local = local
        self.secrets = Kept()
        self.waited: list[float] = []
        self.lines: list[str] = []

    @property
    def client(self) -> Client:
        return self.local.client().v1

    def setup(self, environment: str = "dev", site: str = SITE, **mapped: str) -> Setup:
        account = StripeAccount(self.local.config.stripe_secret_key, self.local.url)
        webhook = Webhook(account, environment, site, self.secrets, self.waited.append)
        return Setup(account, webhook, environment, site, mapped)

    def apply(self, environment: str = "dev", site: str = SITE, **mapped: str) -> list[str]:
        """Do it; returns what was done, as it was shown."""
        self.lines = []
        setup = self.setup(environment, site, **mapped)
        setup.carry_out(setup.plan(), self.lines.append)
        return self.lines

    def planned(self, environment: str = "dev", **mapped: str) -> list[str]:
        return [str(each) for each in pending(self.setup(environment, **mapped).plan())]

    def price(self, lookup_key: str = STARTER) -> Any:
        [found] = self.client.prices.list({"lookup_keys": [lookup_key]}).data
        return found

    def everything(self) -> str:
        """All that the account holds, to compare."""
        lists = (
            self.client.products,
            self.client.prices,
            self.client.billing_portal.configurations,
            self.client.webhook_endpoints,
        )
        return json.dumps([each.list({"limit": 100}).to_dict() for each in lists], default=str)


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with running(new_account(tmp_path)) as local:
        yield Account(local)


@pytest.fixture
def seeded(tmp_path: Path) -> Iterator[Account]:
    with running(replace(config_for(tmp_path), webhooks_anywhere=True)) as local:
        yield Account(local)


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Changes a plan in the plan file."""

    def change(plan_id: str, **values: Any) -> None:
        now = catalogue()
        changed = [replace(p, **values) if p.id == plan_id else p for p in now.plans]
        made: Catalogue = replace(now, plans=tuple(changed))
        for module in ("operations.stripe.catalogue", "operations.stripe.prices"):
            monkeypatch.setattr(f"{module}.catalogue", lambda: made)

    return change


def old_price(account: Account, amount: int = 2900, **more: Any) -> Any:
    """A price as somebody made it by hand, long before us."""
    product = account.client.products.create({"name": "AI SaaS"})
    params = {"product": product.id, "currency": "usd", "recurring": {"interval": "month"}}
    return account.client.prices.create({**params, "unit_amount": amount, **more})


def test_a_plan_changes_nothing(account: Account) -> None:
    before = account.everything()
    shown = "\n".join(map(str, account.setup().plan()))
    assert "+ product groundwork_starter: Starter" in shown
    assert "+ price groundwork_starter_monthly: 29.00 usd a month" in shown
    assert f"+ webhook endpoint {URL}" in shown
    assert "Enterprise is sold by agreement: no product or price is made." in shown
    assert account.everything() == before
    assert account.secrets.stored == []


def test_an_empty_account_gets_what_the_plan_file_says(account: Account) -> None:
    account.apply()
    price = account.price(PROFESSIONAL)
    assert (price.unit_amount, price.currency, price.recurring.interval) == (9900, "usd", "month")
    assert price.metadata.to_dict() == {
        "app": "groundwork",
        "plan": "professional",
        "price_key": "price_professional_monthly",
        "lookup_key": PROFESSIONAL,
    }
    product = account.client.products.retrieve(price.product)
    assert (product.id, product.name) == ("groundwork_professional", "Professional")
    assert product.metadata.to_dict() == {"app": "groundwork", "plan": "professional"}
    assert len(account.client.products.list().data) == 2
    [portal] = account.client.billing_portal.configurations.list().data
    assert portal.metadata.to_dict() == {"app": "groundwork", "env": "dev"}
    assert portal.default_return_url == SITE
    on = {n for n, feature in portal.features.to_dict().items() if feature["enabled"]}
    assert on == {"invoice_history", "payment_method_update", "subscription_cancel"}
    assert portal.features.subscription_cancel.mode == "at_period_end"


def test_the_endpoint_is_ours_in_version_events_and_secret(
    account: Account, receiver: Receiver
) -> None:
    lines = account.apply(site=receiver.url.removesuffix("/hook"))
    [endpoint] = account.client.webhook_endpoints.list().data
    assert endpoint.api_version == API_VERSION
    assert sorted(endpoint.enabled_events) == sorted(HANDLED_EVENTS)
    [secret] = account.secrets.stored
    assert endpoint.metadata.to_dict() == {
        "app": "groundwork",
        "env": "dev",
        DIGEST: digest(secret),
    }
    assert not any(secret in line for line in lines)
    customer = account.client.customers.create({})
    account.client.customers.delete(customer.id)
    until(lambda: receiver.received)
    header, body = receiver.received[0]
    event = stripe.Webhook.construct_event(body, header, secret)  # type: ignore[no-untyped-call]
    assert (event.type, event.api_version) == ("customer.deleted", API_VERSION)


def test_a_second_run_finds_nothing_to_do(account: Account) -> None:
    account.apply()
    before = account.everything()
    assert account.planned() == []
    assert account.apply() == []
    assert account.everything() == before


def test_a_seeded_local_account_lacks_only_what_is_an_environments_own(seeded: Account) -> None:
    assert [line.split()[:2] for line in seeded.planned()] == [["+", "customer"], ["+", "webhook"]]


@pytest.mark.parametrize("steps", range(8))
def test_a_run_that_is_killed_is_completed_by_the_next(account: Account, steps: int) -> None:
    """After any step; and once more between the endpoint and its secret."""
    changes = pending(account.setup().plan())
    assert len(changes) == 6
    account.secrets.fails = steps == 7
    for change in changes[: steps if steps < 7 else 5]:
        assert change.act
        change.act()
    if steps == 7:
        assert changes[5].act
        with pytest.raises(OperationError, match="cannot be written"):
            changes[5].act()
    account.apply()
    assert account.planned() == []
    assert len(account.client.products.list().data) == 2
    assert len(account.client.prices.list().data) == 2
    assert len(account.client.billing_portal.configurations.list().data) == 1
    enabled = [e for e in account.client.webhook_endpoints.list().data if e.status == "enabled"]
    assert [e.metadata[DIGEST] for e in enabled] == [digest(account.secrets.stored[0])]
    assert account.waited == []


def test_a_repeated_request_makes_no_second_price(account: Account) -> None:
    """The answer to the first was lost on the way, or two people run the command at once."""
    product, *first = pending(account.setup().plan())
    _, *second = pending(account.setup().plan())
    for step in (product, first[0], second[0], first[-2], second[-2]):
        assert step.act
        step.act()
    assert [each.lookup_key for each in account.client.prices.list().data] == [STARTER]
    assert len(account.client.billing_portal.configurations.list().data) == 1


def test_a_new_amount_is_a_new_price_and_subscribers_keep_the_old(
    account: Account, plans: Callable[..., None]
) -> None:
    account.apply()
    old = account.price()
    _, subscription = account.local.subscriber()
    plans("starter", amount_cents=3900)
    lines = account.apply()
    assert any("+ price groundwork_starter_monthly: 39.00 usd a month" in line for line in lines)
    assert any(f"- price {old.id} (29.00 usd a month) is not sold" in line for line in lines)
    new, old = account.price(), account.client.prices.retrieve(old.id)
    assert (new.unit_amount, new.active, old.active, old.lookup_key) == (3900, True, False, None)
    assert old.metadata["price_key"] == new.metadata["price_key"] == "price_starter_monthly"
    kept = account.client.subscriptions.retrieve(subscription.id)
    assert kept["items"].data[0].price.id == old.id
    assert account.planned() == []


def test_an_amount_that_returns_takes_its_old_price_again(
    account: Account, plans: Callable[..., None]
) -> None:
    account.apply()
    first = account.price()
    plans("starter", amount_cents=3900)
    account.apply()
    plans("starter", amount_cents=2900)
    account.apply()
    again = account.price()
    assert (again.id, again.active) == (first.id, True)
    assert len(account.client.prices.list({"active": True}).data) == 2
    assert account.planned() == []


def test_a_default_price_is_replaced_before_it_goes(
    account: Account, plans: Callable[..., None]
) -> None:
    account.apply()
    old = account.price()
    account.client.products.update(old.product, {"default_price": old.id})
    plans("starter", amount_cents=3900)
    account.apply()
    product = account.client.products.retrieve(old.product)
    assert product.default_price == account.price().id
    assert account.client.prices.retrieve(old.id).active is False


def test_a_price_that_lacked_our_stamp_gets_it_before_it_loses_its_key(account: Account) -> None:
    """Else its subscribers would lose their plan with it."""
    old = old_price(account, 1900, lookup_key=STARTER)
    account.apply()
    stamped = account.client.prices.retrieve(old.id)
    assert (stamped.lookup_key, stamped.active) == (None, False)
    assert stamped.metadata["price_key"] == "price_starter_monthly"
    assert account.price().unit_amount == 2900


def test_a_mapped_price_of_the_same_cost_is_sold_on(account: Account) -> None:
    old = old_price(account)
    account.apply(**{old.id: "price_starter_monthly"})
    sold = account.price()
    assert sold.id == old.id
    assert sold.metadata["price_key"] == "price_starter_monthly"
    assert len(account.client.prices.list().data) == 2  # and the professional plan's
    product = account.client.products.retrieve(old.product)
    assert (product.name, product.metadata["plan"]) == ("AI SaaS", "starter")
    assert account.planned() == []


def test_a_mapped_price_of_another_cost_stands_for_the_plan_and_is_not_sold(
    account: Account,
) -> None:
    old = old_price(account, 1500)
    account.apply(**{old.id: "price_starter_monthly"})
    old = account.client.prices.retrieve(old.id)
    assert (old.metadata["price_key"], old.lookup_key) == ("price_starter_monthly", None)
    assert old.active is True
    assert account.price().unit_amount == 2900
    assert account.planned() == []


def test_a_contracts_price_is_mapped_to_the_plan_without_a_public_price(account: Account) -> None:
    contract = old_price(account, 500_000)
    account.apply(**{contract.id: "price_enterprise_monthly"})
    contract = account.client.prices.retrieve(contract.id)
    assert contract.metadata["price_key"] == "price_enterprise_monthly"
    assert (contract.lookup_key, contract.unit_amount, contract.active) == (None, 500_000, True)


def test_one_old_product_may_hold_the_prices_of_two_plans(account: Account) -> None:
    starter = old_price(account)
    params = {"product": starter.product, "currency": "usd", "recurring": {"interval": "month"}}
    professional = account.client.prices.create({**params, "unit_amount": 9900})
    mapped = {
        starter.id: "price_starter_monthly",
        professional.id: "price_professional_monthly",
    }
    account.apply(**mapped)
    assert (account.price().id, account.price(PROFESSIONAL).id) == (starter.id, professional.id)
    assert account.planned() == []
    assert account.planned(**mapped) == []


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("price_gold_monthly", "plans.toml has no price key price_gold_monthly. It has: price_st"),
        ("price_professional_monthly", "stands for price_starter_monthly already"),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused(
    account: Account, key: str, message: str
) -> None:
    old = old_price(account, metadata={"price_key": "price_starter_monthly"})
    with pytest.raises(OperationError, match=message):
        account.planned(**{old.id: key})
    with pytest.raises(OperationError, match="no price price_missing"):
        account.planned(price_missing="price_starter_monthly")


def test_two_environments_share_prices_and_nothing_else(account: Account) -> None:
    account.apply("dev")
    dev = account.client.webhook_endpoints.list().data[0]
    secret = account.secrets.stored[0]
    other = Account(account.local)
    lines = other.apply("staging", "https://staging.example.com")
    assert [line.split()[1:3] for line in lines] == [
        ["customer", "portal:"],
        ["webhook", "endpoint"],
    ]
    assert account.planned("dev") == []
    assert account.client.webhook_endpoints.retrieve(dev.id).status == "enabled"
    assert account.secrets.stored == [secret]
    assert len(account.client.billing_portal.configurations.list().data) == 2


def test_an_endpoint_of_another_version_is_replaced_and_goes_last(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "API_VERSION", ENDIVE)
    account.apply()
    [old] = account.client.webhook_endpoints.list().data
    monkeypatch.setattr(endpoints, "API_VERSION", API_VERSION)
    lines = account.apply()
    assert [line[:4] for line in lines] == ["  + ", "  - "]
    assert f"it sends version {ENDIVE}, and that cannot be changed" in lines[1]
    new, old = account.client.webhook_endpoints.list().data
    assert (new.status, new.api_version) == ("enabled", API_VERSION)
    assert (old.status, old.api_version) == ("disabled", ENDIVE)
    assert len(account.secrets.stored) == 2  # what the old one sent last can still be checked
    assert account.waited == [pytest.approx(endpoints.OVERLAP_SECONDS, abs=5)]
    assert account.planned() == []


def test_an_interrupted_wait_leaves_both_endpoints_to_the_next_run(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "API_VERSION", ENDIVE)
    account.apply()
    monkeypatch.setattr(endpoints, "API_VERSION", API_VERSION)

    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    setup = account.setup()
    setup.webhook._sleep = interrupted
    with pytest.raises(KeyboardInterrupt):
        setup.carry_out(setup.plan(), account.lines.append)
    both = account.client.webhook_endpoints.list().data
    assert [each.status for each in both] == ["enabled", "enabled"]
    assert [line[:4] for line in account.apply()] == ["  - "]
    assert account.planned() == []


def test_an_endpoint_whose_secret_was_lost_is_replaced_at_once(account: Account) -> None:
    account.apply()
    account.secrets.stored.clear()
    lines = account.apply()
    assert "its signing secret is not stored" in lines[1]
    statuses = [each.status for each in account.client.webhook_endpoints.list().data]
    assert statuses == ["enabled", "disabled"]
    assert account.waited == []


def test_what_was_changed_by_hand_is_set_right(account: Account) -> None:
    account.apply()
    [endpoint] = account.client.webhook_endpoints.list().data
    [portal] = account.client.billing_portal.configurations.list().data
    account.client.webhook_endpoints.update(
        endpoint.id, {"disabled": True, "enabled_events": ["*"], "url": "https://elsewhere.example"}
    )
    account.client.billing_portal.configurations.update(
        portal.id, {"features": {"subscription_cancel": {"enabled": True, "mode": "immediately"}}}
    )
    account.client.prices.update(account.price().id, {"active": False})
    account.client.products.update(account.price().product, {"active": False, "name": "Begin"})
    assert len(account.apply()) == 4
    endpoint = account.client.webhook_endpoints.retrieve(endpoint.id)
    assert (endpoint.status, endpoint.url) == ("enabled", URL)
    assert sorted(endpoint.enabled_events) == sorted(HANDLED_EVENTS)
    portal = account.client.billing_portal.configurations.retrieve(portal.id)
    assert portal.features.subscription_cancel.mode == "at_period_end"
    product = account.client.products.retrieve(account.price().product)
    assert (product.active, product.name, account.price().active) == (True, "Starter", True)


def test_endpoints_and_portals_of_others_are_only_spoken_of(account: Account) -> None:
    params = {"url": URL, "enabled_events": ["*"]}
    stranger = account.client.webhook_endpoints.create(params)
    off = {"features": {"invoice_history": {"enabled": False}}}
    portal = account.client.billing_portal.configurations.create(off)
    account.apply()
    shown = [str(each) for each in account.setup().plan()]
    [note] = [line for line in shown if line.startswith("  ! ")]
    assert stranger.id in note
    assert account.client.webhook_endpoints.retrieve(stranger.id).status == "enabled"
    kept = account.client.billing_portal.configurations.retrieve(portal.id)
    assert kept.features.invoice_history.enabled is False


def test_a_double_of_our_portal_is_put_away(account: Account) -> None:
    account.apply()
    client = account.client.billing_portal.configurations
    [ours] = client.list().data
    stamped = {"metadata": ours.metadata.to_dict()}
    client.create({"features": {"invoice_history": {"enabled": True}}, **stamped})
    account.apply()
    assert len(client.list({"active": True}).data) == 1
    assert account.planned() == []


def test_stripes_refusal_is_a_sentence(account: Account) -> None:
    wrong = StripeAccount("sk_test_wrong", account.local.url)
    with pytest.raises(OperationError, match="does not accept the secret key"):
        wrong.describe()
    nobody = StripeAccount("sk_test_x", "http://127.0.0.1:9")
    with pytest.raises(OperationError, match="Stripe did not answer"):
        nobody.get("/v1/prices")


def test_the_account_is_named(account: Account) -> None:
    described = account.setup().stripe.describe()
    assert described == "acct_1GroundworkLocal (Local Stripe), test mode"


def test_the_events_we_handle_exist(account: Account) -> None:
    params = inspect.get_annotations(stripe.params.WebhookEndpointCreateParams)["enabled_events"]
    known = {text for text in _literals(params) if isinstance(text, str)}
    assert set(HANDLED_EVENTS) <= known


def _literals(annotation: Any) -> Iterator[Any]:
    for each in typing.get_args(annotation):
        yield from [each] if isinstance(each, str) else _literals(each)

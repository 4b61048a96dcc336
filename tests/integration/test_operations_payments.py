"""The doctor's look at Stripe: an account that was set up, with one thing wrong at a time."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from operations import secrets
from operations.account import Account
from operations.doctor import configuration, payments
from operations.doctor.subject import Subject
from operations.environments import Environment
from operations.findings import Finding
from operations.stripe.account import StripeAccount
from operations.stripe.endpoint import Webhook
from operations.stripe.setup import Setup
from tests.integration.aws_fixtures import LocalAws
from tests.integration.stripe_fixtures import LocalStripe, new_account, running

SITE = "https://app.example.com"
HOOK = f"{SITE}/backend/stripe/webhook"


class World:
    """An environment whose Stripe account `make stripe-setup` has set up."""

    def __init__(self, subject: Subject, local: LocalStripe) -> None:
        self.subject, self.local = subject, local
        self.client: Any = local.client().v1
        self.names = secrets.names(subject.environment)
        stripe = StripeAccount(local.config.stripe_secret_key, local.url)
        webhook = Webhook(stripe, "dev", SITE, self, lambda _seconds: None)
        setup = Setup(stripe, webhook, "dev", SITE)
        setup.carry_out(setup.plan(), lambda _line: None)

    def values(self) -> list[str]:
        return secrets.read_list(self.subject.account, self.names[secrets.WEBHOOK])

    def add(self, value: str) -> None:
        secrets.put_first(self.subject.account, self.names[secrets.WEBHOOK], value)

    def store(self, kind: str, value: str) -> None:
        secrets.write(self.subject.account, self.names[kind], value)

    @property
    def endpoint(self) -> Any:
        [found] = self.client.webhook_endpoints.list().data
        return found

    def price(self) -> Any:
        query = {"lookup_keys": ["groundwork_starter_monthly"], "active": True}
        [found] = self.client.prices.list(query).data
        return found

    def wrong(self) -> list[Finding]:
        return [each for each in payments.check(self.subject) if each.state != "ok"]


@pytest.fixture
def world(aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name, value in aws.config.aws_environment().items():
        monkeypatch.setenv(name, value)
    project = f"p{uuid.uuid4().hex[:8]}"
    environment = Environment("dev", project, aws.config.region, tmp_path / "dev.tfvars")
    for name in secrets.names(environment).values():
        aws.client("ssm").put_parameter(Name=name, Value="unset", Type="SecureString")
    session = boto3.Session(region_name=aws.config.region)
    account = Account(aws.config.account_id, "arn:me", aws.config.region, session)
    with running(new_account(tmp_path)) as local:
        monkeypatch.setenv("STRIPE_API_BASE", local.url)
        made = World(Subject(environment, account, {"site_url": SITE}), local)
        made.store(secrets.STRIPE_KEY, local.config.stripe_secret_key)
        yield made


def test_an_account_that_was_set_up_is_well(world: World) -> None:
    found = list(payments.check(world.subject))
    assert [each.check for each in found] == [
        "Stripe key",
        "Stripe account",
        "price of starter",
        "price of professional",
        "Stripe portal",
        "Stripe webhook endpoint",
    ]
    assert {each.state for each in found} == {"ok"}
    secret, key = world.values()[0], world.local.config.stripe_secret_key
    assert not any(secret in str(each) or key in str(each) for each in found)


def _no_price(world: World) -> None:
    world.client.prices.update(world.price().id, {"active": False})


def _other_amount(world: World) -> None:
    before = world.price()
    world.client.prices.create(
        {
            "product": before.product,
            "currency": "usd",
            "unit_amount": 2800,
            "recurring": {"interval": "month"},
            "lookup_key": before.lookup_key,
            "transfer_lookup_key": True,
            "metadata": before.metadata.to_dict(),
        }
    )


def _other_key(world: World) -> None:
    change = {"metadata": {"price_key": "price_professional_monthly"}}
    world.client.prices.update(world.price().id, change)


def _disabled(world: World) -> None:
    world.client.webhook_endpoints.update(world.endpoint.id, {"disabled": True})


def _elsewhere(world: World) -> None:
    world.client.webhook_endpoints.update(world.endpoint.id, {"url": "https://old.example.com/x"})


def _too_few_events(world: World) -> None:
    change = {"enabled_events": ["invoice.paid"]}
    world.client.webhook_endpoints.update(world.endpoint.id, change)


def _by_hand(version: str | None) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.client.webhook_endpoints.delete(world.endpoint.id)
        params = {"url": HOOK, "enabled_events": ["*"]}
        more = {"api_version": version} if version else {}
        world.client.webhook_endpoints.create({**params, **more})

    return change


def _other_secret(world: World) -> None:
    world.store(secrets.WEBHOOK, json.dumps(["whsec_somebody_elses"]))


def _no_portal(world: World) -> None:
    [found] = world.client.billing_portal.configurations.list().data
    world.client.billing_portal.configurations.update(found.id, {"active": False})


@pytest.mark.parametrize(
    ("break_it", "check", "said"),
    [
        (_no_price, "price of starter", "no active price has the lookup key groundwork_starter"),
        (_other_amount, "price of starter", "costs 28.00 usd a month at Stripe and 29.00 usd"),
        (_other_key, "price of starter", "has price_key price_professional_monthly"),
        (_disabled, "Stripe webhook endpoint", "is disabled, so no event arrives"),
        (_elsewhere, "Stripe webhook endpoint", "ours sends to https://old.example.com/x"),
        (_too_few_events, "Stripe webhook endpoint", "does not send checkout.session.async"),
        (_by_hand("2026-10-28.endive"), "Stripe webhook endpoint", "sends version 2026-10-28"),
        (_by_hand(None), "Stripe webhook endpoint", "sends version of the account"),
        (_other_secret, "Stripe webhook endpoint", "signs with a secret that is not stored"),
        (_no_portal, "Stripe portal", "there is no configuration for dev"),
    ],
)
def test_what_is_wrong_is_named_and_stripe_setup_repairs_it(
    world: World, break_it: Callable[[World], None], check: str, said: str
) -> None:
    break_it(world)
    found = world.wrong()
    assert {(each.check, each.state) for each in found} == {(check, "problem")}
    assert said in found[0].text
    assert found[0].remedy == "make stripe-setup ENV=dev"


@pytest.mark.parametrize(
    ("env", "key", "said"),
    [
        ("dev", "sk_live_1", "is a live key: dev would charge real cards"),
        ("staging", "rk_live_1", "is a live key: staging would charge real cards"),
        ("prod", "sk_test_1", "is a test key: nobody can pay in production"),
        ("prod", "rk_live_1", None),
        ("dev", "rk_test_1", None),
    ],
)
def test_the_keys_mode_belongs_to_the_environment(
    world: World, env: str, key: str, said: str | None
) -> None:
    subject = replace(world.subject, environment=replace(world.subject.environment, name=env))
    found = payments.mode(subject, key)
    assert found.state == ("problem" if said else "ok")
    assert (said or "mode") in found.text
    assert key not in str(found)


def test_a_key_that_stripe_does_not_know_is_a_problem(world: World) -> None:
    world.store(secrets.STRIPE_KEY, "sk_test_rolled_since")
    found = {each.check: each for each in world.wrong()}
    assert found["Stripe account"].state == "problem"
    assert found["Stripe account"].remedy == "make secrets ENV=dev STRIPE=ask"
    assert found["price of starter"].text.startswith("could not be read: ")


def test_without_a_key_stripe_is_not_asked(world: World, aws: LocalAws) -> None:
    name = world.names[secrets.STRIPE_KEY]
    aws.client("ssm").put_parameter(Name=name, Value="unset", Type="SecureString", Overwrite=True)
    [found] = payments.check(world.subject)
    assert (found.state, found.remedy) == ("warning", "make secrets ENV=dev")


def test_unset_secrets_are_problems_and_absent_ones_wait_for_a_deployment(
    world: World, aws: LocalAws
) -> None:
    found = {each.check: each for each in configuration.check(world.subject)}
    assert found["secret session-secrets"].state == "problem"
    assert found["secret session-secrets"].remedy == "make secrets ENV=dev"
    assert found["secret stripe-secret-key"].state == "ok"
    assert found["secret stripe-webhook-secrets"].state == "ok"
    aws.client("ssm").delete_parameter(Name=world.names[secrets.SESSION])
    gone = next(iter(configuration.check(world.subject)))
    assert (gone.state, gone.remedy) == ("problem", "make deploy ENV=dev")
    before = list(configuration.check(replace(world.subject, outputs={})))
    assert {each.state for each in before} == {"warning"}

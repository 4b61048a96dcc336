"""`make stripe-setup` from the outside: secrets in local AWS, an empty account at local Stripe."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from operations.__main__ import main
from operations.account import Account
from operations.environments import Environment
from operations.stripe import commands
from tests.integration.aws_fixtures import LocalAws
from tests.integration.stripe_fixtures import LocalStripe, new_account, running

SITE = "https://app.example.com"


@dataclass
class Deployed:
    """What `open_environment` gives, without Terraform."""

    environment: Environment
    account: Account
    outputs_: dict[str, Any]

    def outputs(self) -> dict[str, Any]:
        return self.outputs_


class World:
    """One environment's secrets and Stripe account."""

    def __init__(self, aws: LocalAws, local: LocalStripe, project: str) -> None:
        self.ssm, self.local = aws.client("ssm"), local
        self.client: Any = local.client().v1
        self.folder = f"/{project}/dev"
        for kind in ("session-secrets", "stripe-secret-key", "stripe-webhook-secrets"):
            self.ssm.put_parameter(Name=f"{self.folder}/{kind}", Value="unset", Type="SecureString")

    def value(self, kind: str) -> str:
        found = self.ssm.get_parameter(Name=f"{self.folder}/{kind}", WithDecryption=True)
        return str(found["Parameter"]["Value"])

    def set_value(self, kind: str, value: str) -> None:
        self.ssm.put_parameter(
            Name=f"{self.folder}/{kind}", Value=value, Type="SecureString", Overwrite=True
        )


@pytest.fixture
def world(aws: LocalAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    config = aws.config
    project = f"p{uuid.uuid4().hex[:8]}"
    with running(new_account(tmp_path)) as local:
        for name, value in config.aws_environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("STRIPE_API_BASE", local.url)
        monkeypatch.delenv(commands.KEY_VARIABLE, raising=False)
        session = boto3.Session(region_name=config.region)
        account = Account(config.account_id, "arn:me", config.region, session)

        def opened(name: str) -> Deployed:
            environment = Environment(name, project, config.region, tmp_path / "dev.tfvars")
            folder = {"secret_names": None, "site_url": SITE}
            return Deployed(environment, account, folder)

        monkeypatch.setattr(commands, "open_environment", opened)
        world = World(aws, local, project)
        world.set_value("stripe-secret-key", local.config.stripe_secret_key)
        yield world


def run(*arguments: str) -> int:
    return main(["stripe-setup", "--env", "dev", *arguments])


def test_without_being_told_it_only_shows(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--map", "") == 0
    shown = capsys.readouterr().out
    assert "dev: Stripe account acct_1GroundworkLocal (Local Stripe), test mode" in shown
    assert "+ price groundwork_starter_monthly: 29.00 usd a month" in shown
    assert "Nothing was changed. To do it: make stripe-setup ENV=dev APPLY=1" in shown
    assert world.client.products.list().data == []
    assert world.value("stripe-webhook-secrets") == "unset"


def test_applied_it_stores_the_signing_secret_and_never_shows_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--apply") == 0
    [secret] = json.loads(world.value("stripe-webhook-secrets"))
    assert secret.startswith("whsec_")
    [endpoint] = world.client.webhook_endpoints.list().data
    assert endpoint.url == f"{SITE}/backend/stripe/webhook"
    captured = capsys.readouterr()
    for hidden in (secret, world.local.config.stripe_secret_key):
        assert hidden not in captured.out + captured.err
    assert run() == 0
    assert "Everything is there. Nothing to do." in capsys.readouterr().out


def test_an_address_may_be_named_with_or_without_its_api(world: World) -> None:
    assert run("--apply", "--url", "http://127.0.0.1:8000/backend") == 0
    [endpoint] = world.client.webhook_endpoints.list().data
    assert endpoint.url == "http://127.0.0.1:8000/backend/stripe/webhook"


def test_a_key_for_this_command_alone_is_not_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The functions keep their restricted key."""
    world.set_value("stripe-secret-key", "rk_test_restricted")
    monkeypatch.setenv(commands.KEY_VARIABLE, world.local.config.stripe_secret_key)
    assert run("--apply") == 0
    assert world.value("stripe-secret-key") == "rk_test_restricted"
    assert len(world.client.prices.list().data) == 2


@pytest.mark.parametrize(
    ("stored", "arguments", "message"),
    [
        ("unset", (), "dev has no Stripe key yet. Store it: make secrets ENV=dev"),
        ("sk_live_real", (), "dev must never charge anybody"),
        ("sk_test_other", (), "Stripe does not accept the secret key"),
        (None, ("--map", "price_1"), "MAP does not say one price key for 'price_1'"),
        (None, ("--map", "price_1=price_starter_monthly"), "has no price price_1"),
        (None, ("--url", "app.example.com"), "is no address"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    world: World,
    capsys: pytest.CaptureFixture[str],
    stored: str | None,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    if stored:
        world.set_value("stripe-secret-key", stored)
    assert run("--apply", *arguments) == 1
    captured = capsys.readouterr()
    assert message in captured.err
    assert not stored or stored == "unset" or stored not in captured.err
    assert world.client.webhook_endpoints.list().data == []


def test_production_in_test_mode_is_said_and_warned_of(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("stripe-secret-key", "stripe-webhook-secrets"):
        world.ssm.put_parameter(
            Name=f"{world.folder.removesuffix('dev')}prod/{kind}",
            Value=world.value(kind),
            Type="SecureString",
        )
    assert main(["stripe-setup", "--env", "prod", "--apply"]) == 1
    assert "ALLOW_TEST_MODE=1" in capsys.readouterr().err
    assert main(["stripe-setup", "--env", "prod", "--apply", "--allow-test-mode"]) == 0
    assert "Warning: prod runs in test mode" in capsys.readouterr().out

"""Gives a domain under test the environment that the launcher would give its functions."""

import pytest

from localcloud.functions.manifest import environment_table
from saas import aws as saas_aws
from saas import bearer, secrets, settings, table
from tests.integration.aws_fixtures import LocalAws


def enter(monkeypatch: pytest.MonkeyPatch, local: LocalAws, **changes: str) -> None:
    """Set every variable of a local function, `changes` on top, and drop what was cached."""
    variables = environment_table(
        local.config,
        issuer=local.provisioned.issuer,
        client_id=local.provisioned.user_pool_client_id,
    )
    for name, value in (variables | local.config.aws_environment() | changes).items():
        monkeypatch.setenv(name, value)
    forget()


def forget() -> None:
    """Drop cached settings, secrets, keys and clients."""
    settings.settings.cache_clear()
    table.table.cache_clear()
    saas_aws.client.cache_clear()
    secrets.forget()
    bearer.forget_keys()

"""Gives a domain under test the environment that the launcher would give its functions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from localcloud.functions.manifest import environment_table
from saas import aws, aws_http, bearer, secrets, settings, table
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
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    forget()


def forget() -> None:
    """Drop cached settings, secrets, keys and clients."""
    settings.settings.cache_clear()
    table.table.cache_clear()
    settings.aws_environment.cache_clear()
    aws.s3.cache_clear()
    aws_http.forget_clients()
    secrets.forget()
    bearer.forget_keys()


@contextmanager
def requests_to(service: aws_http.Service) -> Iterator[list[str]]:
    """Names of the operations that leave for a service, each attempt counted."""
    sent: list[str] = []
    real = aws_http.Client.post

    def post(self: aws_http.Client, path: str, payload: Any, **options: Any) -> Any:
        if self._service is service:
            target = (options.get("headers") or {}).get("x-amz-target", path)
            sent.append(target.rpartition(".")[2])
        return real(self, path, payload, **options)

    with patch.object(aws_http.Client, "post", post):
        yield sent

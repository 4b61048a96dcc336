"""Secret values by name, fetched when first used and kept in memory for minutes."""

import json
import time

from pydantic import SecretStr

from saas.aws_http import SECRETS, SSM, client

CACHE_SECONDS = 300
UNSET = "unset"
"""What Terraform creates a secret with, since its real value must never pass through its state."""
_cache: dict[str, tuple[float, SecretStr]] = {}


def secret(name: str) -> SecretStr:
    """The value under `name`: an SSM parameter if it begins with `/`, else in Secrets Manager.

    A value older than five minutes is fetched again; while that fails the old one is used on,
    so that a short outage of the secret store signs nobody out.

    Raises:
        AwsError, AwsUnreachable, AwsNoAnswer: it was never fetched and cannot be now.
        RuntimeError: nobody has put a value there since it was created.
    """
    cached = _cache.get(name)
    if cached and time.monotonic() - cached[0] < CACHE_SECONDS:
        return cached[1]
    try:
        value = SecretStr(_fetch(name))
    except Exception:
        if cached is None:
            raise
        value = cached[1]
    if value.get_secret_value().strip() in ("", UNSET):
        raise RuntimeError(f"The secret {name} was never set. `make secrets ENV=…` sets it")
    _cache[name] = (time.monotonic(), value)
    return value


def secret_list(name: str) -> list[SecretStr]:
    """Values valid at the same time, newest first: a JSON list, or a single plain string."""
    text = secret(name).get_secret_value()
    if not text.lstrip().startswith("["):
        return [SecretStr(text)]
    return [SecretStr(str(value)) for value in json.loads(text)]


def forget() -> None:
    """Drop all cached values (tests)."""
    _cache.clear()


def _fetch(name: str) -> str:
    if name.startswith("/"):
        request = {"Name": name, "WithDecryption": True}
        return str(client(SSM).call("GetParameter", request)["Parameter"]["Value"])
    return str(client(SECRETS).call("GetSecretValue", {"SecretId": name})["SecretString"])

"""Secret values by name, fetched when first used and kept in memory for minutes."""

import time

from pydantic import SecretStr

from saas import observability
from saas.aws_http import SECRETS, SSM, client
from saas.errors import NoSecret
from saas.observability import logger
from saas.secret_entries import entries, fault
from saas.settings import settings

CACHE_SECONDS = 300
_cache: dict[str, tuple[float, SecretStr]] = {}
_reported: set[tuple[str, int, str]] = set()


def secret(name: str) -> SecretStr:
    """The value under `name`: an SSM parameter if it begins with `/`, else in Secrets Manager.

    For a key that we show to somebody who judges it: whatever was set is taken.

    Raises:
        AwsError, AwsUnreachable, AwsNoAnswer: it was never fetched and cannot be now.
        NoSecret: nobody has put a value there since it was created.
    """
    return _usable(name, [_text(name)], local=True)[0]


def secret_list(name: str) -> list[SecretStr]:
    """Values valid at the same time, newest first: a JSON list, or a single plain string.

    An entry that must not open anything is left out, and an alarm tells.

    Raises:
        AwsError, AwsUnreachable, AwsNoAnswer: it was never fetched and cannot be now.
        NoSecret: no entry may be used.
    """
    return _usable(name, entries(_text(name)), local=settings().app_env == "local")


def forget() -> None:
    """Drop all cached values, and what was reported (tests)."""
    _cache.clear()
    _reported.clear()


def _usable(name: str, values: list[object], *, local: bool) -> list[SecretStr]:
    usable = []
    for place, value in enumerate(values, start=1):
        why = fault(value, local=local)
        if why is None:
            usable.append(SecretStr(str(value)))
        else:
            _report(name, place, why)
    if not usable:
        _cache.pop(name, None)
        _report(name, 0, "no entry is left")
        raise NoSecret("The service is not set up correctly. Please try again later")
    return usable


def _report(name: str, place: int, why: str) -> None:
    """Once in a process, since every request meets it again. `make doctor` says what to do."""
    if (name, place, why) in _reported:
        return
    _reported.add((name, place, why))
    observability.count("SecretSkipped")
    logger.error("a secret was skipped", extra={"secret": name, "entry": place, "reason": why})


def _text(name: str) -> str:
    """A value older than five minutes is fetched again; while that fails the old one is used on,
    so that a short outage of the secret store signs nobody out.
    """
    cached = _cache.get(name)
    if cached and time.monotonic() - cached[0] < CACHE_SECONDS:
        return cached[1].get_secret_value()
    try:
        value = _fetch(name)
    except Exception:
        if cached is None:
            raise
        value = cached[1].get_secret_value()
    _cache[name] = (time.monotonic(), SecretStr(value))
    return value


def _fetch(name: str) -> str:
    if name.startswith("/"):
        request = {"Name": name, "WithDecryption": True}
        return str(client(SSM).call("GetParameter", request)["Parameter"]["Value"])
    return str(client(SECRETS).call("GetSecretValue", {"SecretId": name})["SecretString"])

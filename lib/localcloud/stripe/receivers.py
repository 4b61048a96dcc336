"""Which machines local Stripe sends events to: this one, unless the launcher was told otherwise.

An event holds names and addresses of customers, and whoever can call the API can name an endpoint.
So the address is checked when it is given, and again when it is used: what its name resolves to
then is what is connected to.
"""

import errno
import ipaddress
import socket
from collections.abc import Sequence

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver
from yarl import URL

from localcloud.config import StackConfig

ADVICE = (
    "Name localhost or 127.0.0.1, or start the stack with `--webhooks-anywhere` or "
    "GROUNDWORK_WEBHOOKS_ANYWHERE=1 to let events leave this machine."
)


def problem(config: StackConfig, url: str) -> str | None:
    """Why events are not sent to an address; None if they are. Resolves nothing."""
    try:
        host = URL(url).host or ""
    except ValueError:
        return "Not a valid URL"
    if config.webhooks_anywhere or host in ("localhost", *config.service_names):
        return None
    return None if _is_loopback(host) else f"Local Stripe sends no events to {host}. {ADVICE}"


class Resolver(AbstractResolver):
    """Resolves what `problem` lets pass. Raises PermissionError when a name leads elsewhere."""

    def __init__(self, config: StackConfig) -> None:
        self._config = config
        self._resolver = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if reason := problem(self._config, f"http://{host}"):
            raise PermissionError(errno.EACCES, reason)
        found = await self._resolver.resolve(host, port, family)
        if self._config.webhooks_anywhere or host in self._config.service_names:
            return found
        if foreign := _foreign(found):
            reason = f"{host} resolves to {foreign}, which is not this machine. {ADVICE}"
            raise PermissionError(errno.EACCES, reason)
        return found

    async def close(self) -> None:
        await self._resolver.close()


def _foreign(found: Sequence[ResolveResult]) -> str | None:
    addresses = [result["host"] for result in found]
    return next((each for each in addresses if not _is_loopback(each)), None)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

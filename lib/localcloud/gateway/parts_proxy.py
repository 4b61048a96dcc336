"""The parts behind the gateway's own port, for a stack of which only that port can be reached.

The guard of the gateway's port has been passed. Each part then guards itself as on a port of its
own: the Invoke API, for one, refuses the pages of this site, too.
"""

from collections.abc import Iterable

from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from localcloud.config import StackConfig

from .proxy import Proxy, request_target


class PartProxy(Proxy):
    """One part; `prefix` is taken off the paths that it gets."""

    def __init__(self, url: str, prefix: str) -> None:
        super().__init__(url)
        self._prefix = prefix

    def _target(self, request: web.Request) -> URL:
        rest = request_target(request).removeprefix(self._prefix)
        return URL(f"{self._url.origin()}{rest}", encoded=True)

    def _headers(self, request: web.Request, without: Iterable[str] = ()) -> CIMultiDict[str]:
        # Our own server has answered `Expect: 100-continue` already.
        return super()._headers(request, [*without, "Expect"])


class PartsProxy:
    """Everything below `/_local/{aws,stripe,bedrock,lambda}`."""

    def __init__(self, config: StackConfig) -> None:
        self._proxies = {
            # Local AWS takes its prefix off by itself: S3 clients sign the whole path.
            "aws": PartProxy(config.aws_url, prefix=""),
            "stripe": PartProxy(config.stripe_url, prefix="/_local/stripe"),
            "bedrock": PartProxy(config.bedrock_url, prefix="/_local/bedrock"),
            "lambda": PartProxy(config.control_url, prefix="/_local/lambda"),
        }

    def of(self, request: web.Request) -> PartProxy | None:
        """The part that a request's path, as it came, lies under."""
        _, first, name, *_ = [*request_target(request).partition("?")[0].split("/"), "", "", ""]
        return self._proxies.get(name) if first == "_local" else None

    async def close(self) -> None:
        for proxy in self._proxies.values():
            await proxy.close()

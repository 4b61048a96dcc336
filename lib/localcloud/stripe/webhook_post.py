"""One attempt to deliver an event: its signature, its request, what came of it."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from localcloud.config import StackConfig
from localcloud.stripe import receivers

KEPT_BODY = 2000
TIMEOUT = 30.0
HEADERS = {
    "Content-Type": "application/json; charset=utf-8",
    "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    "Accept": "*/*; q=0.5, application/xml",
    "Cache-Control": "no-cache",
}


def signature(payload: str, secrets: list[str], timestamp: int) -> str:
    """The `Stripe-Signature` header (https://docs.stripe.com/webhooks#verify-manually).

    One `v1` for each secret: there are several while an old one is being replaced.
    """
    signed = f"{timestamp}.{payload}".encode()
    marks = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={mark}" for mark in marks)])


@dataclass(frozen=True)
class Attempt:
    """What came of one attempt. `status` is the HTTP status, None if there was no answer."""

    status: int | None
    error: str | None
    body: str | None
    duration_ms: int

    @property
    def delivered(self) -> bool:
        """Only 2xx is delivered: a redirect is a failure too."""
        return self.status is not None and 200 <= self.status < 300


NEVER_SENT = Attempt(None, "Dropped on purpose: nothing was sent.", None, 0)
CUT = "Cut off on purpose: the connection ended in the middle."


def session(config: StackConfig) -> aiohttp.ClientSession:
    """Connections as Stripe makes them, short patience and no memory, to permitted machines."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=receivers.Resolver(config)),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )


async def post(
    client: aiohttp.ClientSession, url: str, payload: str, signed: str, cut_after: int | None
) -> Attempt:
    """Send an event. The connection ends after `cut_after` bytes of it (None: with the answer)."""
    body = payload.encode()
    headers = {**HEADERS, "Content-Length": str(len(body)), "Stripe-Signature": signed}
    loop = asyncio.get_running_loop()
    began = loop.time()
    status, error, said = None, None, None
    try:
        async with client.post(
            url,
            data=body if cut_after is None else _cut(body[:cut_after]),
            headers=headers,
            allow_redirects=False,
        ) as response:
            status = response.status
            said = (await response.content.read(KEPT_BODY)).decode(errors="replace")
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as failure:
        error = f"{type(failure).__name__}: {failure}"[:500] if cut_after is None else CUT
    return Attempt(status, error, said, round((loop.time() - began) * 1000))


async def _cut(beginning: bytes) -> AsyncIterator[bytes]:
    yield beginning
    raise ConnectionResetError(CUT)

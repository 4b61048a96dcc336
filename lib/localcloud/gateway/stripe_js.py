"""Puts the local Stripe.js (static/stripe.js) first into the frontend's pages.

`@stripe/stripe-js` uses the `window.Stripe` that it finds, so an unmodified frontend pays at the
local Stripe, and nothing is loaded from outside. The pages' own policies are widened for it.
"""

import base64
import hashlib
import html
import zlib
from functools import partial

from aiohttp import web
from multidict import CIMultiDict

from localcloud.config import StackConfig

from .content_policy import nonce_of, widened
from .insertion import HeadInsertion
from .meta_policy import HeadPolicies
from .templates import STATIC

PATH = "/_local/static/stripe.js"
RELEASE = "basil"
"""The release of Stripe.js that pages are told they have: the pinned API version's."""
_PAGES = ("document", "iframe", "frame")
_POLICIES = ("Content-Security-Policy", "Content-Security-Policy-Report-Only")
# True of what the frontend sent, no longer of what goes on.
_STALE = ("Content-Length", "ETag", "Last-Modified", "Accept-Ranges", "Digest", "Content-Digest")
_CONDITIONS = ("If-None-Match", "If-Modified-Since", "If-Range", "Range")
_UNPACKED = ("", "identity", "gzip", "x-gzip")


class PageChange:
    """The changed body of one page, piece by piece; a packed one goes on unpacked."""

    def __init__(self, insertion: HeadInsertion, policies: HeadPolicies, *, packed: bool) -> None:
        self._insertion = insertion
        self._policies = policies
        self._unpack = zlib.decompressobj(zlib.MAX_WBITS | 32) if packed else None

    def feed(self, chunk: bytes) -> bytes:
        """What may go on now. Raises zlib.error if the page is not packed as it says."""
        return self._changed(self._unpack.decompress(chunk) if self._unpack else chunk)

    def finish(self) -> bytes:
        rest = self._changed(self._unpack.flush()) if self._unpack else b""
        return rest + self._policies.feed(self._insertion.finish()) + self._policies.finish()

    def _changed(self, chunk: bytes) -> bytes:
        return self._policies.feed(self._insertion.feed(chunk))


class StripeJs:
    """Decides which responses are pages, and changes them."""

    def __init__(self, config: StackConfig) -> None:
        self._address = config.stripe_public_url

    def ask(self, request: web.Request, headers: CIMultiDict[str]) -> None:
        """Have the frontend send a page whole and plain."""
        if _wants_page(request) and "text/html" in request.headers.get("Accept", ""):
            for name in _CONDITIONS:
                headers.popall(name, None)
            if "Accept-Encoding" in headers:
                headers["Accept-Encoding"] = "identity"

    def change(self, request: web.Request, response: web.StreamResponse) -> PageChange | None:
        """The change of a page, its headers done already; None for everything else."""
        packing = response.headers.get("Content-Encoding", "").lower()
        if not _wants_page(request) or not _is_page(response) or packing not in _UNPACKED:
            return None
        nonce = nonce_of([v for name in _POLICIES for v in response.headers.getall(name, [])])
        digest = digest_of((STATIC / "stripe.js").read_bytes())
        widen = partial(self._widened, host=request.host, digest=digest)
        for name in _POLICIES:
            for value in response.headers.popall(name, []):
                response.headers.add(name, widen(value))
        for name in (*_STALE, "Content-Encoding"):
            response.headers.popall(name, None)
        insertion = HeadInsertion(self._tag(nonce, digest).encode())
        packed = packing not in ("", "identity")
        return PageChange(insertion, HeadPolicies(widen), packed=packed)

    def _widened(self, value: str, host: str, digest: str) -> str:
        script, frame = f"http://{host}{PATH}", f"{self._address}/c/embed/"
        return widened(value, script=script, frame=frame, digest=digest)

    def _tag(self, nonce: str, digest: str) -> str:
        address = html.escape(self._address)
        # Runs before anything else of the page: not deferred, and a page cannot be ahead of it.
        attributes = f'src="{PATH}" data-address="{address}" data-train="{RELEASE}"'
        return f'<script {attributes} integrity="{digest}"{_nonce(nonce)}></script>'


def _wants_page(request: web.Request) -> bool:
    """Whether a browser opens a page, or a program that does not say what it is for.

    A script that fetches a piece of HTML gets it as it is.
    """
    return request.headers.get("Sec-Fetch-Dest", "document") in _PAGES


def _is_page(response: web.StreamResponse) -> bool:
    """Whether a response has a body of HTML whose bytes begin as ASCII's do."""
    if response.status in (204, 206, 304) or response.content_type != "text/html":
        return False
    return not (response.charset or "").lower().startswith(("utf-16", "utf-32"))


def digest_of(script: bytes) -> str:
    """A script's digest as `integrity` and policies write it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script).digest()).decode()


def _nonce(nonce: str) -> str:
    return f' nonce="{html.escape(nonce)}"' if nonce else ""

"""The public keys of a token issuer: fetched within bounded time, by one thread at a time.

Whoever's key is known never waits. While none is known, one request waits for the issuer and the
others are refused at once; a silent issuer, or one that sends a byte now and then, holds nobody for
longer than `TIMEOUT_SECONDS`.
"""

import math
import socket
import threading
import time
from typing import Any, cast
from urllib.parse import urlsplit

import jwt
from jwt.exceptions import PyJWTError

from saas import answers, json_text, tls
from saas.observability import logger
from saas.settings import aws_environment

KEYS_SECONDS = 3600
REFETCH_SECONDS = 10
RETRY_SECONDS = 5
"""How long nobody asks again after a failure while no key is known."""
TIMEOUT_SECONDS = 3
MAX_BYTES = 100_000


class IssuerKeys:
    """One issuer's JSON Web Key Set; once it is known, asked for at most every ten seconds.

    Keys that were good an hour ago stay good while the issuer cannot be reached.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._by_id: dict[str, jwt.PyJWK] = {}
        self._lock = threading.Lock()
        self._is_fetching = self._has_failed = False
        self._fetched = self._tried = -math.inf

    def find(self, key_id: str) -> jwt.PyJWK | None:
        """The key of that id; None when the issuer says that it has none.

        Raises:
            OSError: the issuer has not said it, and is not to be asked (again) now.
        """
        known = self._by_id.get(key_id)
        fetching = self._begin(is_known=known is not None)
        if known is not None:
            return known
        if fetching is not None:
            fetching.wait(TIMEOUT_SECONDS)
        with self._lock:
            found = self._by_id.get(key_id)
            if found is None and (self._is_fetching or self._has_failed):
                raise OSError("the issuer's keys are not known")
            return found

    def _begin(self, *, is_known: bool) -> threading.Event | None:
        """Start a fetch if one is due and none is under way; the event tells when it is over."""
        now, done = time.monotonic(), threading.Event()
        with self._lock:
            due = not is_known or now - self._fetched > KEYS_SECONDS
            pause = REFETCH_SECONDS if self._by_id else RETRY_SECONDS
            if self._is_fetching or not due or now - self._tried <= pause:
                return None
            threading.Thread(target=self._fetch, args=(done,), daemon=True).start()
            self._is_fetching = True
        return done

    def _fetch(self, done: threading.Event) -> None:
        try:
            by_id = _read(_download(self._url))
        except Exception as error:  # Whatever it was, the next fetch may succeed.
            by_id = {}
            logger.warning("no keys of the issuer", extra={"reason": type(error).__name__})
        with self._lock:
            self._tried = time.monotonic()
            self._has_failed = not by_id
            if by_id:
                self._by_id, self._fetched = by_id, self._tried
            self._is_fetching = False
        done.set()


class _Bounded:
    """A socket's receiving side that ends at a time and after so many bytes."""

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._sock, self._until, self._left = sock, until, MAX_BYTES

    def recv(self, count: int) -> bytes:
        if self._left <= 0:
            raise OSError("the answer is too long")
        self._sock.settimeout(_remaining(self._until))
        part = self._sock.recv(min(count, self._left))
        self._left -= len(part)
        return part


def _download(url: str) -> bytes:
    """The content at a URL. No proxy, no redirect. Raises OSError or `answers.Malformed`."""
    until = time.monotonic() + TIMEOUT_SECONDS
    where = urlsplit(url)
    secure = where.scheme == "https"
    address = (where.hostname or "", where.port or (443 if secure else 80))
    with socket.create_connection(address, timeout=TIMEOUT_SECONDS) as plain:
        plain.settimeout(_remaining(until))
        sock = plain
        if secure:
            context = tls.context(aws_environment().ca_bundle)
            sock = context.wrap_socket(plain, server_hostname=where.hostname)
        with sock:
            head = (f"GET {where.path} HTTP/1.1", f"host: {where.netloc}", "connection: close")
            sock.sendall("\r\n".join([*head, "accept: application/json", "", ""]).encode())
            answer = answers.read(cast(socket.socket, _Bounded(sock, until)))
    if answer.status != 200:
        raise OSError(f"the issuer answered {answer.status}")
    return answer.content


def _remaining(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the issuer takes too long")
    return left


def _read(content: bytes) -> dict[str, jwt.PyJWK]:
    """The keys of a set by id. What cannot be used is ignored, as RFC 7517 (section 5) wants it.

    Raises:
        Exception: of whatever kind, for an answer that is no set, or one without a usable key.
    """
    listed: Any = json_text.read(content)["keys"]
    by_id = {key["kid"]: made for key in listed if (made := _usable(key)) is not None}
    if not by_id:
        raise ValueError("no usable key")
    return by_id


def _usable(key: Any) -> jwt.PyJWK | None:
    """The public RSA key that signatures are checked with; one that is not secret signs nothing."""
    if not isinstance(key, dict) or not isinstance(key.get("kid"), str) or "d" in key:
        return None
    said = (key.get("kty"), key.get("alg", "RS256"), key.get("use", "sig"))
    if said != ("RSA", "RS256", "sig"):
        return None
    try:
        return jwt.PyJWK({name: key.get(name) for name in ("kty", "n", "e")}, "RS256")
    except (PyJWTError, ValueError, TypeError):
        return None

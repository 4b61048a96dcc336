"""Local sign-in: sets, reads and clears the cookie that NextAuth would set."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from localcloud import session
from saas import session_cookie

from .messages import HttpRequest

_NAMESPACE = uuid.UUID("4f1b9f0e-6a54-4f0c-9a3b-6c1a3c1f7c55")


@dataclass(frozen=True)
class SessionCookie:
    """The cookie that the functions of a stack accept: its secret, its name and their time.

    Auth.js v5 names contain `authjs`, all others are NextAuth v4. A `__Secure-` or `__Host-` cookie
    is set as such: browsers and the journey treat `http://localhost` as trustworthy.
    """

    secret: str = field(repr=False)
    name: str = session.V4_COOKIE
    now: Callable[[], float] = field(default=time.time, repr=False, compare=False)

    def encode(self, claims: dict[str, Any]) -> str:
        """The token of a session with these claims."""
        if self._is_v5:
            return session.encode_v5(claims, self.secret, self.name)
        return session.encode_v4(claims, self.secret)

    def decode(self, token: str) -> dict[str, Any] | None:
        """The claims of a valid token, None for anything else."""
        try:
            claims = session_cookie.decrypt(token, [self.secret], self.name)
        except session_cookie.InvalidSession:
            return None
        return claims if claims["exp"] > self.now() else None

    def chunks(self, token: str) -> dict[str, str]:
        """The cookies that carry a token, by name."""
        return session.chunks(self.name, token, "v5" if self._is_v5 else "v4")

    @property
    def is_secure(self) -> bool:
        return self.name.startswith(("__Secure-", "__Host-"))

    @property
    def _is_v5(self) -> bool:
        return "authjs" in self.name


def derived_sub(email: str) -> str:
    """A user id that stays the same for an e-mail address."""
    return str(uuid.uuid5(_NAMESPACE, email.strip().lower()))


def read_claims(body: Any, now: float | None = None) -> dict[str, Any]:
    """Claims from `{"sub", "email", "name"}` of a session that begins `now` (epoch seconds).

    Raises ValueError with a sentence for people.
    """
    if not isinstance(body, dict):
        raise ValueError('Send a JSON object: {"sub": "…", "email": "…", "name": "…"}')
    values = [body.get("sub"), body.get("email"), body.get("name")]
    if not all(value is None or isinstance(value, str) for value in values):
        raise ValueError("sub, email and name are strings")
    sub, email, name = (str(value or "").strip() for value in values)
    if not sub and not email:
        raise ValueError("sub is required (or an email, from which one is derived)")
    sub = sub or derived_sub(email)
    return session.claims(
        sub, email or f"{sub}@example.com", name or email.partition("@")[0] or sub, now=now
    )


def open_session(
    response: web.Response, request: web.Request, claims: dict[str, Any], cookie: SessionCookie
) -> dict[str, str]:
    """Set the session cookie, chunked if it is long; returns its whole `name` and `value`."""
    token = cookie.encode(claims)
    cookies = cookie.chunks(token)
    for stale in _present(request, cookie) - set(cookies):
        _delete(response, stale, cookie)
    for name, value in cookies.items():
        response.set_cookie(
            name,
            value,
            max_age=session.LIFETIME_SECONDS,
            path="/",
            httponly=True,
            samesite="Lax",
            secure=cookie.is_secure,
        )
    return {"name": cookie.name, "value": token}


def clear_session(
    response: web.StreamResponse, request: web.Request, cookie: SessionCookie
) -> None:
    for name in {cookie.name, *_present(request, cookie)}:
        _delete(response, name, cookie)


def signed_in(request: web.Request, cookie: SessionCookie) -> dict[str, Any] | None:
    """The claims of the request's own valid session cookie, None without one."""
    token = session.joined(cookie.name, dict(request.cookies))
    return cookie.decode(token) if token else None


def has_session(request: web.Request, cookie: SessionCookie) -> bool:
    """Whether the request carries a session, be it valid or not."""
    return bool(_present(request, cookie))


def with_user_header(request: HttpRequest, cookie: SessionCookie) -> HttpRequest:
    """Turn a test client's `x-user-id` into the session cookie of that user.

    Only the gateway does this, and only when it was started to: functions never see the header. A
    request that already carries a session or a bearer token keeps its own identity.
    """
    user = request.header("x-user-id")
    if not user:
        return request
    headers = [(name, value) for name, value in request.headers if name.lower() != "x-user-id"]
    if cookie.name not in request.header("cookie") and not request.header("authorization"):
        token = cookie.encode(read_claims({"sub": user}, cookie.now()))
        headers += [("cookie", f"{name}={value}") for name, value in cookie.chunks(token).items()]
    return HttpRequest(
        request.method, request.target, headers, request.body, request.source_ip, request.protocol
    )


def _delete(response: web.StreamResponse, name: str, cookie: SessionCookie) -> None:
    # A browser ignores a prefixed cookie without the attribute, also one that is to end it.
    response.del_cookie(name, path="/", secure=cookie.is_secure)


def _present(request: web.Request, cookie: SessionCookie) -> set[str]:
    return {
        key for key in request.cookies if key == cookie.name or key.startswith(f"{cookie.name}.")
    }

"""Local sign-in: sets, reads and clears the cookie that NextAuth would set."""

import uuid
from typing import Any

from aiohttp import web

from localcloud import session

from .messages import HttpRequest

_NAMESPACE = uuid.UUID("4f1b9f0e-6a54-4f0c-9a3b-6c1a3c1f7c55")


def derived_sub(email: str) -> str:
    """A user id that stays the same for an e-mail address."""
    return str(uuid.uuid5(_NAMESPACE, email.strip().lower()))


def read_claims(body: Any) -> dict[str, Any]:
    """Claims from `{"sub", "email", "name"}`. Raises ValueError with a sentence for people."""
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
        sub, email or f"{sub}@example.com", name or email.partition("@")[0] or sub
    )


def open_session(
    response: web.Response, request: web.Request, claims: dict[str, Any], secret: str
) -> dict[str, str]:
    """Set the session cookie, chunked if it is long; returns its whole `name` and `value`."""
    token = session.encode_v4(claims, secret)
    cookies = session.chunks(session.V4_COOKIE, token)
    for stale in _present(request) - set(cookies):
        response.del_cookie(stale, path="/")
    for name, value in cookies.items():
        response.set_cookie(
            name,
            value,
            max_age=session.LIFETIME_SECONDS,
            path="/",
            httponly=True,
            samesite="Lax",
        )
    return {"name": session.V4_COOKIE, "value": token}


def clear_session(response: web.StreamResponse, request: web.Request) -> None:
    for name in {session.V4_COOKIE, *_present(request)}:
        response.del_cookie(name, path="/")


def signed_in(request: web.Request, secret: str) -> dict[str, Any] | None:
    """The claims of the request's own valid session cookie, None without one."""
    token = session.joined(session.V4_COOKIE, dict(request.cookies))
    return session.decode_v4(token, secret) if token else None


def with_user_header(request: HttpRequest, secret: str) -> HttpRequest:
    """Turn a test client's `x-user-id` into the session cookie of that user.

    Only the gateway does this, and only when it was started to: functions never see the header. A
    request that already carries a session or a bearer token keeps its own identity.
    """
    user = request.header("x-user-id")
    if not user:
        return request
    headers = [(name, value) for name, value in request.headers if name.lower() != "x-user-id"]
    if session.V4_COOKIE not in request.header("cookie") and not request.header("authorization"):
        token = session.encode_v4(read_claims({"sub": user}), secret)
        headers += [
            ("cookie", f"{name}={value}")
            for name, value in session.chunks(session.V4_COOKIE, token).items()
        ]
    return HttpRequest(
        request.method, request.target, headers, request.body, request.source_ip, request.protocol
    )


def _present(request: web.Request) -> set[str]:
    name = session.V4_COOKIE
    return {key for key in request.cookies if key == name or key.startswith(f"{name}.")}

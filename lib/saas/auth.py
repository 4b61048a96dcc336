"""Who is calling: a Cognito bearer token, else the session cookie, else nobody.

The rules are the frontend contract's: a bearer that is present and wrong never falls through to a
cookie, a `userId` is only ever a claim, and a state-changing call with a cookie must come from an
allowed site.
"""

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote, unquote_plus

from saas import session_cookie
from saas.errors import Forbidden, NotAuthenticated, Unavailable
from saas.secrets import secret_list
from saas.settings import settings

Event = dict[str, Any]
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# DynamoDB keys are at most 2,048 bytes and the id is part of several.
MAX_USER_ID_CHARACTERS = 256
# Percent-encoding takes up to nine characters for one of the id's.
MAX_CLAIM_CHARACTERS = 9 * MAX_USER_ID_CHARACTERS
MAX_EMAIL_CHARACTERS = 320
MAX_NAME_CHARACTERS = 256


@dataclass(frozen=True)
class Identity:
    """A verified caller: `user_id` is the credential's `sub`, `groups` come from Cognito tokens."""

    user_id: str
    email: str
    name: str
    source: Literal["bearer", "cookie"]
    groups: tuple[str, ...] = ()


def identify(event: Event) -> Identity:
    """The verified caller of an HTTP API event (payload format 2.0).

    Raises:
        NotAuthenticated: no credential (`authentication_required`) or a wrong one
            (`invalid_credential`).
    """
    headers = lower_headers(event)
    if "authorization" in headers:
        return _from_bearer(headers["authorization"])
    return _from_cookie(event, headers)


def refuse_foreign_site(event: Event, identity: Identity) -> None:
    """Raises Forbidden (`origin_not_allowed`) when another site used the caller's cookie."""
    method = event["requestContext"]["http"]["method"].upper()
    if identity.source != "cookie" or method in SAFE_METHODS:
        return
    if lower_headers(event).get("origin") not in settings().allowed_origins:
        raise Forbidden("This request did not come from an allowed site", code="origin_not_allowed")


def refuse_foreign_claims(event: Event, body: Any, identity: Identity) -> None:
    """Raises Forbidden (`user_mismatch`) when the query or the body names another user.

    Args:
        body: the JSON object of the body, None without one. `userId` and, of `createUser`,
            `userData.id` are claims; absent, null, empty and `undefined` ones mean the caller.
    """
    for claim in [*_queried(event), *_named(body)]:
        if not isinstance(claim, str) or len(claim) > MAX_CLAIM_CHARACTERS:
            raise _mismatch()
        forms = {claim, unquote(claim), unquote_plus(claim)}
        if claim not in ("", "undefined") and identity.user_id not in forms:
            raise _mismatch()


def lower_headers(event: Event) -> dict[str, str]:
    """The headers by their names in lower case."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def _from_bearer(header: str) -> Identity:
    from saas import bearer

    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _invalid("The Authorization header must be a bearer token")
    config = settings()
    try:
        claims = bearer.verify(
            token.strip(), config.require("cognito_issuer"), config.require("cognito_client_id")
        )
    except bearer.InvalidToken as error:
        raise _invalid("The bearer token is not valid") from error
    except OSError as error:
        raise Unavailable("Sign-in cannot be checked at the moment, please try again") from error
    groups = claims.get("cognito:groups")
    return _identity(claims, "bearer", tuple(groups) if isinstance(groups, list) else ())


def _from_cookie(event: Event, headers: dict[str, str]) -> Identity:
    cookies = _cookies(event, headers)
    config = settings()
    for name in config.session_cookie_names:
        try:
            token = session_cookie.join_chunks(cookies, name)
            if token is None:
                continue
            secrets = secret_list(config.require("session_secret_name"))
            claims = session_cookie.decrypt(
                token, [value.get_secret_value() for value in secrets], name
            )
        except session_cookie.InvalidSession as error:
            raise _invalid("The session is not valid, please sign in again") from error
        return _identity(claims, "cookie")
    raise NotAuthenticated("Authentication required")


def _identity(
    claims: dict[str, Any], source: Literal["bearer", "cookie"], groups: tuple[str, ...] = ()
) -> Identity:
    user_id: str = claims["sub"]
    if len(user_id) > MAX_USER_ID_CHARACTERS:
        raise _invalid("The credential's subject is too long")
    email, name = claims.get("email"), claims.get("name")
    return Identity(
        user_id=user_id,
        email=email if isinstance(email, str) and len(email) <= MAX_EMAIL_CHARACTERS else "",
        name=name[:MAX_NAME_CHARACTERS] if isinstance(name, str) else "",
        source=source,
        groups=groups,
    )


def _cookies(event: Event, headers: dict[str, str]) -> list[tuple[str, str]]:
    """All cookies as (name, value): API Gateway moves them into `cookies`, others may not."""
    texts = [*(event.get("cookies") or []), *headers.get("cookie", "").split(";")]
    pairs = [text.strip().partition("=") for text in texts]
    return [(name, value) for name, equals, value in pairs if equals]


def _queried(event: Event) -> list[str]:
    pairs = (pair.partition("=") for pair in (event.get("rawQueryString") or "").split("&"))
    return [value for name, _, value in pairs if unquote_plus(name) == "userId"]


def _named(body: Any) -> list[Any]:
    found = []
    if isinstance(body, dict):
        data = body.get("userData")
        found = [body.get("userId"), data.get("id") if isinstance(data, dict) else None]
    return [claim for claim in found if claim is not None]


def _mismatch() -> Forbidden:
    return Forbidden("The userId is not yours", code="user_mismatch")


def _invalid(message: str) -> NotAuthenticated:
    return NotAuthenticated(message, code="invalid_credential")

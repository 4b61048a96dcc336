"""Who is calling: a Cognito bearer token, else the session cookie, else nobody.

The rules are the frontend contract's: a bearer that is present and wrong never falls through to a
cookie, a `userId` is only ever a claim, and a state-changing call with a cookie must come from an
allowed site.
"""

from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote, unquote_plus

from saas import credential, session_cookie
from saas.errors import Forbidden, NotAuthenticated, Unavailable
from saas.secrets import secret_list
from saas.settings import settings

Event = dict[str, Any]
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Percent-encoding takes three characters for each byte of the id.
MAX_CLAIM_CHARACTERS = 3 * credential.MAX_USER_ID_BYTES


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
    from saas import bearer, issuer_keys

    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _invalid("The Authorization header must be a bearer token")
    config = settings()
    try:
        said = bearer.verify(
            token.strip(), config.require("cognito_issuer"), config.require("cognito_client_id")
        )
    except bearer.InvalidToken as error:
        raise _invalid("The bearer token is not valid") from error
    except OSError as error:
        raise Unavailable(
            "Sign-in cannot be checked at the moment, please try again",
            headers={"Retry-After": str(issuer_keys.RETRY_SECONDS)},
        ) from error
    return _identity(said, "bearer", credential.groups(said.get("cognito:groups")))


def _from_cookie(event: Event, headers: dict[str, str]) -> Identity:
    cookies = _cookies(event, headers)
    config = settings()
    for name in config.session_cookie_names:
        try:
            token = session_cookie.join_chunks(cookies, name)
            if token is None:
                continue
            secrets = secret_list(config.require("session_secret_name"))
            said = session_cookie.decrypt(
                token, [value.get_secret_value() for value in secrets], name
            )
        except session_cookie.InvalidSession as error:
            raise _invalid("The session is not valid, please sign in again") from error
        return _identity(said, "cookie")
    raise NotAuthenticated("Authentication required")


def _identity(
    said: dict[str, Any], source: Literal["bearer", "cookie"], groups: tuple[str, ...] = ()
) -> Identity:
    try:
        user_id = credential.user_id(said["sub"])
    except ValueError as error:
        raise _invalid(str(error)) from error
    return Identity(
        user_id=user_id,
        email=credential.email(said.get("email")),
        name=credential.name(said.get("name")),
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

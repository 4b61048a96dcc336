"""Who is calling: a Cognito bearer token, else the session cookie, else nobody.

The rules are the frontend contract's: a bearer that is present and wrong never falls through to a
cookie, another scheme hides none, a `userId` is only ever a claim, and a state-changing call with a
cookie must come from an allowed site.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote, unquote_plus

from saas import cookies, credential, session_cookie
from saas.errors import Forbidden, NotAuthenticated, Unavailable
from saas.secrets import secret_list
from saas.settings import settings

Event = dict[str, Any]
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Percent-encoding takes three characters for each byte of the id.
MAX_CLAIM_CHARACTERS = 3 * credential.MAX_USER_ID_BYTES
# A bearer wherever it stands in the header: gateways join several headers by commas. Another
# scheme, such as the password of a protected staging site, says nothing about who is calling.
_BEARER = re.compile(r"(?:^|,)\s*bearer(?![!#$%&'*+.^_`|~0-9a-z-])", re.IGNORECASE | re.ASCII)
_ONE_BEARER = re.compile(r"\s*bearer +([A-Za-z0-9._~+/=-]+)\s*", re.IGNORECASE | re.ASCII)
# A token whose scheme was forgotten.
_BARE_TOKEN = re.compile(r"\s*[\w-]+\.[\w-]+\.[\w-]*\s*", re.ASCII)


@dataclass(frozen=True)
class Identity:
    """A verified caller: `user_id` is the credential's `sub`, `groups` come from Cognito tokens.

    `email` is one that the credential's issuer has verified. `issued_at` (epoch seconds) is 0 where
    the credential does not say.
    """

    user_id: str
    email: str
    name: str
    source: Literal["bearer", "cookie"]
    groups: tuple[str, ...] = ()
    issued_at: int = 0


def identify(event: Event) -> Identity:
    """The verified caller of an HTTP API event (payload format 2.0).

    Raises:
        NotAuthenticated: no credential (`authentication_required`), a wrong one
            (`invalid_credential`), or two session cookies (`duplicate_session_cookie`).
        Unavailable: whether a credential holds cannot be known at the moment.
    """
    headers = lower_headers(event)
    authorization = headers.get("authorization", "")
    if _BEARER.search(authorization) or _BARE_TOKEN.fullmatch(authorization):
        return _from_bearer(authorization)
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

    token = _ONE_BEARER.fullmatch(header)
    if token is None:
        raise _invalid("The Authorization header must be a bearer token")
    config = settings()
    try:
        said = bearer.verify(
            token[1], config.require("cognito_issuer"), config.require("cognito_client_id")
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
    """The first session that holds, of all names that count here."""
    found = cookies.of(event, headers)
    refusals: list[NotAuthenticated] = []
    for name in settings().session_cookie_names:
        try:
            said = _session(found, name)
        except session_cookie.InvalidSession as error:
            refusals.append(_refusal(event, session_cookie.parts(found, name), name, error))
        else:
            if said is not None:
                return _identity(said, "cookie")
    if not refusals:
        raise NotAuthenticated("Authentication required")
    # One that ends what was planted goes first: signing in again would not help against it.
    raise next((each for each in refusals if each.cookies or each.headers), refusals[0])


def _session(found: list[tuple[str, str]], name: str) -> dict[str, Any] | None:
    token = session_cookie.join_chunks(found, name)
    if token is None:
        return None
    secrets = secret_list(settings().require("session_secret_name"))
    return session_cookie.decrypt(token, [value.get_secret_value() for value in secrets], name)


def _refusal(
    event: Event, names: set[str], name: str, error: session_cookie.InvalidSession
) -> NotAuthenticated:
    """Signing in again does not help against a cookie that somebody planted, so it is ended."""
    if isinstance(error, session_cookie.CameTwice):
        code, wrong = "duplicate_session_cookie", "came twice"
    elif isinstance(error, session_cookie.PartMissing):
        code, wrong = "invalid_credential", "came in part"
    elif isinstance(error, session_cookie.Unopened) and len(names) > 1:
        code, wrong = "invalid_credential", "came in parts that no secret opens"
    else:
        return _invalid("The session is not valid, please sign in again")
    lines = cookies.ending(names, settings().allowed_origins, event.get("rawPath") or "/")
    return NotAuthenticated(
        f"The session cookie {name} {wrong}: clear this site's cookies and sign in again",
        code=code,
        cookies=lines,
        headers={} if lines else {"Clear-Site-Data": '"cookies"'},
    )


def _identity(
    said: dict[str, Any], source: Literal["bearer", "cookie"], groups: tuple[str, ...] = ()
) -> Identity:
    try:
        user_id = credential.user_id(said["sub"])
    except ValueError as error:
        raise _invalid(str(error)) from error
    # The site answers for its sessions.
    is_sites = source == "cookie"
    return Identity(
        user_id=user_id,
        email=credential.email(said.get("email")) if is_sites else credential.verified_email(said),
        name=credential.name(said.get("name")),
        source=source,
        groups=groups,
        issued_at=int(said.get("iat", 0)),
    )


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

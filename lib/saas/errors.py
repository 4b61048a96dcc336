"""Errors that a caller may see. `saas.http` alone turns them into HTTP answers."""

from collections.abc import Sequence
from typing import Any


class AppError(Exception):
    """An expected failure: a sentence for people, a stable code for machines, an HTTP status.

    `details` are added to the envelope beside `error` and `code`; `headers` and `cookies`
    (`Set-Cookie` lines) to the answer.
    """

    status = 500
    code = "internal_error"
    text_is_ours = True

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        cookies: Sequence[str] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.details = details or {}
        self.headers = headers or {}
        self.cookies = list(cookies)


class Misconfigured(RuntimeError):
    """The deployment lacks something; the sentence names it and says who can put it right."""

    text_is_ours = True


class BadRequest(AppError):
    """The request itself is wrong and will stay wrong."""

    status = 400
    code = "bad_request"


class NotAuthenticated(AppError):
    """No credential, or one that does not hold."""

    status = 401
    code = "authentication_required"


class Forbidden(AppError):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"


class NotFound(AppError):
    """There is no such thing, or it belongs to somebody else."""

    status = 404
    code = "not_found"


class Conflict(AppError):
    """The request contradicts the present state."""

    status = 409
    code = "conflict"


class TooLarge(AppError):
    """The body exceeds what the API accepts."""

    status = 413
    code = "body_too_large"


class UnsupportedMediaType(AppError):
    """A body that is not JSON."""

    status = 415
    code = "unsupported_content_type"


class LimitExceeded(AppError):
    """A quota or rate limit; `details` say when it resets."""

    status = 429
    code = "limit_exceeded"


class BadGateway(AppError):
    """A service that we depend on refused or failed."""

    status = 502
    code = "upstream_failed"


class Unavailable(AppError):
    """Try again: a dependency is busy or down."""

    status = 503
    code = "unavailable"


class NoSecret(Unavailable):
    """No secret is there that may be used; only this deployment's operators can set one."""

    code = "misconfigured"


class GatewayTimeout(AppError):
    """A service that we depend on did not answer in time."""

    status = 504
    code = "upstream_timeout"

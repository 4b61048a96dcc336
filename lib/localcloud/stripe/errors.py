"""Errors as Stripe's API words them (https://docs.stripe.com/api/errors)."""

from typing import Any

from localcloud.stripe.nouns import NOUNS


class StripeError(Exception):
    """An answer that is not 2xx: `status` is HTTP's, the rest fills Stripe's `error` object.

    What the request had changed is undone, unless `keeps_changes`: a declined charge is recorded.
    `headers` go with the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        decline_code: str | None = None,
        extra: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.code = code
        self.param = param
        self.decline_code = decline_code
        self.extra = extra or {}
        self.headers = headers or {}
        self.keeps_changes = False

    def body(self) -> dict[str, Any]:
        """The JSON answer: `{"error": {type, message, code?, param?, decline_code?, doc_url?}}`."""
        error: dict[str, Any] = {"message": self.message, "type": self.kind, **self.extra}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://stripe.com/docs/error-codes/{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        if self.decline_code:
            error["decline_code"] = self.decline_code
        return {"error": error}


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    """A 400 for a request that can never succeed as it is."""
    return StripeError(400, message, param=param, code=code)


def missing_param(param: str) -> StripeError:
    """A 400 for a required parameter that was left out."""
    return invalid(f"Missing required param: {param}.", param, "parameter_missing")


def unknown_params(params: list[str]) -> StripeError:
    """A 400 for parameters that the endpoint does not have."""
    plural = "s" if len(params) > 1 else ""
    message = f"Received unknown parameter{plural}: {', '.join(params)}"
    return invalid(message, params[0], "parameter_unknown")


def no_such(kind: str, identifier: str, *, param: str = "id", status: int = 404) -> StripeError:
    """404 for an object named by the path, 400 (`status`) for one named by a parameter."""
    message = f"No such {NOUNS.get(kind, kind)}: '{identifier}'"
    return StripeError(status, message, code="resource_missing", param=param)


def not_built(what: str) -> StripeError:
    """A 501 for something that Stripe has and this stand-in has not; never an empty success."""
    return StripeError(
        501,
        f"The local Stripe does not implement {what}.",
        kind="api_error",
        headers={"Stripe-Should-Retry": "false"},
    )

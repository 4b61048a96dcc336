"""HTTP for every domain: the app factory, the envelope, and the one map from errors to answers."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestValidationError,
    ResponseValidationError,
)
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from saas import bodies, observability
from saas.auth import lower_headers
from saas.aws_http import is_outage
from saas.bodies import JSON
from saas.errors import AppError, BadRequest, NotFound, Unavailable
from saas.invocation import Invocation, SignedIn, current
from saas.observability import logger
from saas.routing import METHODS_WITH_BODY, Operation, Router

Event = dict[str, Any]
Handler = Callable[[Event, Any], dict[str, Any]]
MAX_FIELD_DEPTH = 5
_TEXTS = {
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "recursion_loop": "is nested too deeply",
}


class App(APIGatewayHttpResolver):
    """Powertools' resolver, and what its routes declare (for `docs/openapi.json`)."""

    operations: list[Operation]


def create_app(*routers: Router) -> App:
    """An app that validates by type hints and answers every error in the envelope.

    Raises:
        TypeError: a route neither takes the caller nor is declared public.
    """
    app = App(
        enable_validation=True,
        response_validation_error_http_code=500,
        serializer=_serialize,
        json_body_deserializer=lambda _: current.get().read() or {},
    )
    app.operations = [operation for router in routers for operation in router.operations]
    for operation in app.operations:
        _add(app, operation)
    _answer_errors(app)
    return app


def _add(app: App, operation: Operation) -> None:
    takes_caller = SignedIn in operation.function.__annotations__.values()
    if takes_caller == operation.public:
        raise TypeError(f"{operation.method} {operation.path} must take a caller or be public")
    register = app.route(
        operation.path, operation.method, summary=operation.summary, tags=[operation.tag]
    )
    register(operation.function)


def _answer_errors(app: App) -> None:
    @app.exception_handler(RequestValidationError)
    def _invalid(error: RequestValidationError) -> Response[Any]:
        return _failure(app, _explain(error))

    @app.exception_handler(AppError)
    def _expected(error: AppError) -> Response[Any]:
        return _failure(app, error)

    @app.not_found
    def _no_route(_: NotFoundError) -> Response[Any]:
        return _failure(app, NotFound("There is nothing at this address", code="route_not_found"))

    @app.exception_handler(ResponseValidationError)
    def _own_mistake(error: ResponseValidationError) -> Response[Any]:
        logger.error(
            "answer does not fit its schema", extra={"places": [e["loc"] for e in error.errors()]}
        )
        return _failure(app, _unknown())

    @app.exception_handler(Exception)
    def _other(error: Exception) -> Response[Any]:
        return _failure(app, _unexpected(error))


def lambda_handler(app: App, *, json_body: bool = True) -> Handler:
    """The function that Lambda calls: correlation id, body checks, one log line, no caching.

    Args:
        app: what `create_app` made.
        json_body: refuse bodies that are no JSON object (off for webhooks: signed bytes).
    """

    def resolve(event: Event, context: Any) -> dict[str, Any]:
        remaining = context.get_remaining_time_in_millis() / 1000
        under_way = Invocation(event, context.aws_request_id, time.monotonic() + remaining)
        current.set(under_way)
        # Powertools validates before it calls anything of ours. It goes by the path, so this does:
        # the gateway sends what it does not know, such as an encoded slash, to its default route.
        asked = APIGatewayProxyEventV2(event)
        if any(each.needs_caller(asked.http_method, asked.path) for each in app.operations):
            under_way.admitted()
        answer: dict[str, Any] = app.resolve(event, context)
        return answer

    def handle(event: Event, context: Any) -> dict[str, Any]:
        started = time.perf_counter()
        headers = lower_headers(event)
        http = event["requestContext"]["http"]
        method = http["method"].upper()
        correlation_id = observability.begin(
            headers.get("x-correlation-id"),
            function_request_id=context.aws_request_id,
            request_id=event["requestContext"].get("requestId"),
        )
        try:
            if json_body and method in METHODS_WITH_BODY:
                event = bodies.as_plain_json(event, headers)
            answer = resolve(event, context)
        except AppError as error:
            answer = _raw_failure(error, context.aws_request_id)
        except Exception as error:
            answer = _raw_failure(_unexpected(error), context.aws_request_id)
        if method == "HEAD":
            answer["body"] = ""
        answer["headers"] = {
            **answer.get("headers", {}),
            "Cache-Control": "no-store",
            "X-Correlation-Id": correlation_id,
        }
        logger.info(
            "answered",
            extra={
                "method": http["method"],
                "route": event.get("routeKey"),
                "status": answer["statusCode"],
                "duration_ms": round((time.perf_counter() - started) * 1000),
            },
        )
        return answer

    return handle


def _serialize(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def _failure(app: App, error: AppError) -> Response[Any]:
    request_id = app.lambda_context.aws_request_id
    _log_failure(error)
    return Response(
        status_code=error.status,
        content_type=JSON,
        body=_serialize(_envelope(error, request_id)),
        headers=dict(error.headers),
        cookies=error.cookies,  # type: ignore[arg-type]  # Powertools writes each by `str`.
    )


def _raw_failure(error: AppError, request_id: str) -> dict[str, Any]:
    _log_failure(error)
    return {
        "statusCode": error.status,
        "headers": {"Content-Type": JSON, **error.headers},
        "cookies": error.cookies,
        "body": _serialize(_envelope(error, request_id)),
        "isBase64Encoded": False,
    }


def _log_failure(error: AppError) -> None:
    if error.status >= 500:
        logger.error("failed", extra={"code": error.code, "status": error.status})
    else:
        logger.append_keys(code=error.code)


def _envelope(error: AppError, request_id: str) -> dict[str, Any]:
    return {
        "success": False,
        "error": error.message,
        "code": error.code,
        "requestId": request_id,
        **error.details,
    }


def _unexpected(error: Exception) -> AppError:
    logger.exception("unexpected error")
    return _outage() if is_outage(error) else _unknown()


def _outage() -> AppError:
    return Unavailable("The service is busy. Please try again", headers={"Retry-After": "5"})


def _unknown() -> AppError:
    return AppError("Something went wrong on our side. Please try again")


def _explain(error: RequestValidationError) -> AppError:
    """The first validation problem as a sentence; all of them in `fields`."""
    fields = [_field(problem) for problem in error.errors()]
    first = fields[0] if fields else {"message": "The request is not valid"}
    return BadRequest(first["message"], code="validation_failed", details={"fields": fields})


def _field(problem: dict[str, Any]) -> dict[str, str]:
    path = [str(part) for part in problem["loc"] if part not in ("body", "query", "path", "header")]
    label = _label(path[-1]) if path else "The request body"
    absent = problem.get("input") in (None, "") and problem["type"] not in ("json_invalid",)
    if problem["type"] == "missing" or absent:
        message = f"{label} is required"
    else:
        text = _TEXTS.get(problem["type"]) or str(problem.get("msg", "is not valid"))
        text = text.removeprefix("Value error, ")
        message = f"{label}: {text[:1].lower()}{text[1:]}"
    return {"name": ".".join(path[:MAX_FIELD_DEPTH]), "message": message}


def _label(name: str) -> str:
    """`priceId` → `Price ID`, the words the frontend knows."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).split()
    spoken = ["ID" if word == "Id" else word.lower() for word in words]
    return " ".join([spoken[0][:1].upper() + spoken[0][1:], *spoken[1:]]) if spoken else "Value"

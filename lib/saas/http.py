"""HTTP for every domain: the app factory, the envelope, and the one map from errors to answers."""

import base64
import binascii
import json
import re
import time
from collections.abc import Callable
from math import isfinite
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestValidationError,
    ResponseValidationError,
)
from aws_lambda_powertools.event_handler.router import APIGatewayRouter

from saas import observability
from saas.aws_http import is_outage
from saas.errors import AppError, BadRequest, NotFound, TooLarge, Unavailable, UnsupportedMediaType
from saas.observability import logger
from saas.schemas import Health, Success

Event = dict[str, Any]
Handler = Callable[[Event, Any], dict[str, Any]]
MAX_BODY_BYTES = 1_048_576
JSON = "application/json"
MAX_FIELD_DEPTH = 5
_TEXTS = {
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "recursion_loop": "is nested too deeply",
}
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def create_app(*routers: APIGatewayRouter) -> APIGatewayHttpResolver:
    """An app that validates by type hints and answers every error in the envelope."""
    app = APIGatewayHttpResolver(
        enable_validation=True, response_validation_error_http_code=500, serializer=_serialize
    )
    for router in routers:
        app.include_router(router)

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
    def _unexpected(error: Exception) -> Response[Any]:
        logger.exception("unexpected error")
        return _failure(app, _outage() if is_outage(error) else _unknown())

    return app


def lambda_handler(app: APIGatewayHttpResolver, *, json_body: bool = True) -> Handler:
    """The function that Lambda calls: correlation id, body checks, one log line, no caching.

    Args:
        app: what `create_app` made.
        json_body: refuse bodies that are no JSON object (off for webhooks: signed bytes).
    """

    def handle(event: Event, context: Any) -> dict[str, Any]:
        started = time.perf_counter()
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        http = event["requestContext"]["http"]
        correlation_id = observability.begin(
            headers.get("x-correlation-id"),
            function_request_id=context.aws_request_id,
            request_id=event["requestContext"].get("requestId"),
        )
        try:
            if json_body and http["method"].upper() in _METHODS_WITH_BODY:
                event = _with_plain_json(event, headers)
            answer: dict[str, Any] = app.resolve(event, context)
        except AppError as error:
            answer = _raw_failure(error, context.aws_request_id)
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


def raw_body(event: Event) -> bytes:
    """The body's bytes as they were sent, whatever the gateway did to them.

    Raises:
        BadRequest: the event claims base64 and is not.
        TooLarge: more than 1 MB.
    """
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        raw = body.encode("utf-8", "surrogatepass")
    else:
        try:
            raw = base64.b64decode(body, validate=True)
        except (ValueError, binascii.Error) as error:
            raise BadRequest("The body is not valid base64", code="invalid_body") from error
    if len(raw) > MAX_BODY_BYTES:
        raise TooLarge("The request body must not exceed 1 MB")
    return raw


def health_router(service: str) -> APIGatewayRouter:
    """`GET /health/<service>`: version, image digest, and whether the table answers."""
    router = APIGatewayRouter()

    @router.get(f"/health/{service}", summary=f"Health of {service}", tags=["health"])
    def health() -> Success[Health]:
        from saas.settings import settings
        from saas.table import table

        if not table().answers():
            raise Unavailable("The table does not answer", code="table_unavailable")
        config = settings()
        return Success(
            data=Health(
                service=service,
                version=config.app_version,
                image_digest=config.image_digest or None,
            )
        )

    return router


def _with_plain_json(event: Event, headers: dict[str, str]) -> Event:
    raw = raw_body(event)
    content_type = headers.get("content-type", JSON).split(";")[0].strip().lower()
    if raw.strip() and content_type != JSON:
        raise UnsupportedMediaType("The request body must be application/json")
    try:
        text = raw.decode("utf-8") if raw.strip() else "{}"
        body = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The request body is not valid JSON", code="invalid_json") from error
    if not isinstance(body, dict):
        raise BadRequest("The request body must be a JSON object", code="invalid_json")
    plain_headers = {**(event.get("headers") or {}), "content-type": JSON}
    return {**event, "body": text, "isBase64Encoded": False, "headers": plain_headers}


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is out of range")
    return number


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _serialize(body: Any) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def _failure(app: APIGatewayHttpResolver, error: AppError) -> Response[Any]:
    request_id = app.lambda_context.aws_request_id
    _log_failure(error)
    return Response(
        status_code=error.status,
        content_type=JSON,
        body=_serialize(_envelope(error, request_id)),
        headers=dict(error.headers),
    )


def _raw_failure(error: AppError, request_id: str) -> dict[str, Any]:
    _log_failure(error)
    return {
        "statusCode": error.status,
        "headers": {"Content-Type": JSON, **error.headers},
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

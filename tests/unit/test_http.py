"""The app factory: one envelope, one error map, and nothing of ours in an error."""

import base64
import io
import json
from typing import Any

import pytest
from pydantic import Field

from saas import bodies
from saas.aws_http import AwsError, AwsNoAnswer, AwsUnreachable
from saas.errors import AppError, LimitExceeded
from saas.http import create_app, lambda_handler
from saas.observability import logger
from saas.routing import Router
from saas.schemas import ApiModel, MaybeSuccess, Success
from tests.factories import LambdaContext, body_of, http_event

router = Router("tests")


class Order(ApiModel):
    price_id: str = Field(min_length=1)
    max_tokens: int = Field(default=5, ge=1)


class Receipt(ApiModel):
    price_id: str
    max_tokens: int


@router.post("/orders", summary="", public=True)
def place(body: Order) -> Success[Receipt]:
    if body.price_id == "explode":
        raise RuntimeError("postgres://user:secret@host")
    if body.price_id == "limit":
        raise LimitExceeded(
            "Too many", code="x_limit", headers={"Retry-After": "7"}, details={"resetAt": "z"}
        )
    if body.price_id == "misfit":
        return {"success": True, "data": {"priceId": 5}}  # type: ignore[return-value]
    return Success(data=Receipt(price_id=body.price_id, max_tokens=body.max_tokens))


@router.get("/nothing", summary="", public=True)
def nothing() -> MaybeSuccess[Receipt]:
    return MaybeSuccess()


handle = lambda_handler(create_app(router))


def _post(body: Any, **more: Any) -> tuple[int, dict[str, Any]]:
    answer = handle(http_event("POST", "/orders", body=body, **more), LambdaContext())
    return answer["statusCode"], body_of(answer)


def _assert_failure(status: int, body: dict[str, Any], code: str) -> None:
    assert body["success"] is False
    assert body["code"] == code
    assert body["requestId"] == LambdaContext().aws_request_id
    assert "data" not in body
    assert isinstance(body["error"], str)
    assert status >= 400


def test_a_good_answer_is_enveloped_in_camel_case() -> None:
    status, body = _post({"priceId": "p", "unknown": 1})
    assert (status, body) == (200, {"success": True, "data": {"priceId": "p", "maxTokens": 5}})


def test_nothing_to_tell_leaves_data_out() -> None:
    answer = handle(http_event("GET", "/nothing"), LambdaContext())
    assert body_of(answer) == {"success": True}


@pytest.mark.parametrize("body", [{}, {"priceId": None}, {"priceId": ""}, "", "  ", None])
def test_an_absent_field_is_required_by_its_spoken_name(body: Any) -> None:
    status, answer = _post(body)
    _assert_failure(status, answer, "validation_failed")
    assert (status, answer["error"]) == (400, "Price ID is required")
    assert answer["fields"][0]["name"] == "priceId"


@pytest.mark.parametrize("value", ["many", 0, -1, 1.5, [], {}], ids=lambda value: str(value)[:8])
def test_a_wrong_type_or_range_is_explained(value: Any) -> None:
    status, answer = _post({"priceId": "p", "maxTokens": value})
    _assert_failure(status, answer, "validation_failed")
    assert status == 400
    assert answer["error"].startswith("Max tokens: ")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"priceId": "p"',
        "[]",
        '[{"priceId": "p"}]',
        "null",
        "5",
        '"text"',
        '{"priceId": NaN}',
        '{"n": ' + "9" * 5000 + "}",
        "[" * 100_000,
        '{"a":' * 100_000,
        "\ufeff{}",
    ],
    ids=range(12),
)
def test_malformed_json_is_refused(text: str) -> None:
    status, answer = _post(text)
    _assert_failure(status, answer, "invalid_json")
    assert status == 400


def test_a_lone_surrogate_is_refused_not_a_crash() -> None:
    status, answer = _post('{"priceId": "\\ud800"}')
    _assert_failure(status, answer, "validation_failed")


def test_base64_bodies_are_decoded() -> None:
    event = http_event("POST", "/orders", body=base64.b64encode(b'{"priceId":"p"}').decode())
    event["isBase64Encoded"] = True
    assert handle(event, LambdaContext())["statusCode"] == 200


@pytest.mark.parametrize(("body", "code"), [("%%%", "invalid_body"), ("/w==", "invalid_json")])
def test_base64_garbage_is_refused(body: str, code: str) -> None:
    event = http_event("POST", "/orders", body=body)
    event["isBase64Encoded"] = True
    answer = handle(event, LambdaContext())
    _assert_failure(answer["statusCode"], body_of(answer), code)


def test_bodies_end_at_one_megabyte() -> None:
    def padded(size: int) -> str:
        text = json.dumps({"priceId": "p", "pad": ""})
        return text[:-2] + "x" * (size - len(text)) + text[-2:]

    assert _post(padded(1_048_576))[0] == 200
    status, answer = _post(padded(1_048_577))
    _assert_failure(status, answer, "body_too_large")
    assert status == 413


def test_only_json_is_taken() -> None:
    status, answer = _post(
        "priceId=p", headers={"content-type": "application/x-www-form-urlencoded"}
    )
    _assert_failure(status, answer, "unsupported_content_type")
    assert status == 415
    assert (
        _post({"priceId": "p"}, headers={"content-type": "Application/JSON; charset=utf-8"})[0]
        == 200
    )


def test_unknown_routes_and_methods_are_404_in_the_envelope() -> None:
    for method, path in (
        ("GET", "/orders"),
        ("GET", "/"),
        ("POST", "/orders/x"),
        ("PUT", "/orders"),
    ):
        answer = handle(http_event(method, path, body={}), LambdaContext())
        _assert_failure(answer["statusCode"], body_of(answer), "route_not_found")
        assert answer["statusCode"] == 404


def test_an_unknown_exception_tells_nothing() -> None:
    status, answer = _post({"priceId": "explode"})
    _assert_failure(status, answer, "internal_error")
    assert status == 500
    assert "postgres" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AwsUnreachable("ConnectionRefusedError"), 503),
        (AwsNoAnswer("TimeoutError"), 503),
        (AwsError("InternalServerError", 500, {}), 503),
        (AwsError("ThrottlingException", 400, {}), 503),
        (AwsError("AccessDeniedException", 400, {}), 500),
        (TimeoutError("other writers kept winning"), 503),
    ],
)
def test_an_outage_of_aws_asks_to_try_again(
    monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(**_: Any) -> Any:
        raise error

    monkeypatch.setattr("tests.unit.test_http.Receipt", fail)
    answered, body = _post({"priceId": "p"})
    _assert_failure(answered, body, {503: "unavailable", 500: "internal_error"}[status])
    assert answered == status


def test_an_answer_that_breaks_its_schema_is_our_error() -> None:
    status, answer = _post({"priceId": "misfit"})
    _assert_failure(status, answer, "internal_error")
    assert status == 500


def test_errors_carry_details_and_headers() -> None:
    event = http_event("POST", "/orders", body={"priceId": "limit"})
    answer = handle(event, LambdaContext())
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    assert (answer["statusCode"], headers["retry-after"]) == (429, "7")
    assert body_of(answer)["resetAt"] == "z"


def test_every_answer_forbids_caching_and_returns_the_correlation_id() -> None:
    for body in ({"priceId": "p"}, {"priceId": "explode"}, "{", "x" * 2_000_000):
        event = http_event("POST", "/orders", body=body, headers={"X-Correlation-Id": "abc-1_2.3"})
        headers = handle(event, LambdaContext())["headers"]
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Correlation-Id"] == "abc-1_2.3"


@pytest.mark.parametrize("proposed", ["", "a b", "x" * 65, "<script>", "ä", "a\nb"])
def test_an_unfit_correlation_id_is_replaced(proposed: str) -> None:
    event = http_event("POST", "/orders", body={"priceId": "p"})
    event["headers"]["x-correlation-id"] = proposed
    made = handle(event, LambdaContext())["headers"]["X-Correlation-Id"]
    assert made != proposed
    assert len(made) == 36


def test_the_log_line_carries_ids_and_no_body(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    event = http_event(
        "POST", "/orders", body={"priceId": "tell-nobody"}, headers={"x-correlation-id": "c1"}
    )
    handle(event, LambdaContext())
    (line,) = [json.loads(text) for text in written.getvalue().splitlines()]
    assert line["correlation_id"] == "c1"
    assert line["function_request_id"] == LambdaContext().aws_request_id
    assert line["status"] == 200
    assert "tell-nobody" not in written.getvalue()


def test_raw_body_gives_the_bytes_as_sent() -> None:
    assert bodies.raw({"body": "ü"}) == "ü".encode()
    assert (
        bodies.raw({"body": base64.b64encode(b"\x00\xff").decode(), "isBase64Encoded": True})
        == b"\x00\xff"
    )
    assert bodies.raw({}) == b""
    with pytest.raises(AppError):
        bodies.raw({"body": "!", "isBase64Encoded": True})


def test_an_unexpected_error_is_logged_by_type_and_place_without_its_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    assert _post({"priceId": "explode"})[0] == 500
    assert "postgres" not in written.getvalue()
    (line,) = [x for x in map(json.loads, written.getvalue().splitlines()) if "exception" in x]
    assert line["exception"].startswith("RuntimeError\n")
    assert "test_http.py" in line["exception"]


def test_what_aws_answered_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)

    def fail(**_: Any) -> Any:
        raise RuntimeError("a value") from AwsError("AccessDeniedException", 400, {})

    monkeypatch.setattr("tests.unit.test_http.Receipt", fail)
    assert _post({"priceId": "p"})[0] == 500
    assert "a value" not in written.getvalue()
    assert "AwsError: AccessDeniedException (HTTP 400)" in written.getvalue()


@pytest.mark.parametrize("bracket", ["[", '{"a":'])
@pytest.mark.parametrize("depth", [1, 2, 62, 63, 64, 65, 66, 200, 480, 500, 900, 1000, 2000, 5000])
def test_no_depth_of_nesting_is_an_error_of_ours(bracket: str, depth: int) -> None:
    closing = {"[": "]", '{"a":': "}"}[bracket]
    text = '{"priceId": "p", "deep": ' + bracket * depth + "1" + closing * depth + "}"
    assert _post(text)[0] == (200 if depth < 64 else 400)


def test_a_route_takes_the_caller_or_says_that_it_is_public() -> None:
    open_door = Router("tests")

    @open_door.get("/forgotten", summary="")
    def forgotten() -> MaybeSuccess[Receipt]:
        return MaybeSuccess()

    with pytest.raises(TypeError, match="GET /forgotten must take a caller or be public"):
        create_app(open_door)


def test_a_head_answer_has_no_body() -> None:
    uptime = Router("tests")

    @uptime.head("/up", summary="", public=True)
    @uptime.get("/up", summary="", public=True)
    def up() -> Success[Receipt]:
        return Success(data=Receipt(price_id="p", max_tokens=1))

    answer = lambda_handler(create_app(uptime))(http_event("HEAD", "/up"), LambdaContext())
    assert (answer["statusCode"], answer["body"]) == (200, "")


@pytest.mark.parametrize(("containers", "status"), [(9_990, 200), (10_010, 400), (300_000, 400)])
def test_a_body_has_so_many_arrays_and_objects(containers: int, status: int) -> None:
    text = '{"priceId": "p", "wide": [' + ",".join(["[]", "{}"] * (containers // 2)) + "]}"
    assert _post(text)[0] == status


def test_brackets_in_a_text_are_no_arrays() -> None:
    assert _post({"priceId": "p", "text": "[{" * 50_000 + '\\"[' * 50_000})[0] == 200

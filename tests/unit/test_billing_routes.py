"""What billing answers without any other service: the price list, and refusals at the door."""

from collections.abc import Iterator

import pytest

from billing import handler, order
from saas import settings
from saas.errors import BadRequest
from tests.factories import LambdaContext, body_of, http_event


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("APP_ENV", "local")
    monkeypatch.setenv("TABLE_NAME", "table")
    settings.settings.cache_clear()
    yield
    settings.settings.cache_clear()


def test_the_price_list_is_public_and_needs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saas.aws_http.client", lambda *_, **__: pytest.fail("no AWS here"))
    answer = handler.api(http_event("GET", "/plans"), LambdaContext())
    assert answer["statusCode"] == 200
    assert answer["headers"]["Cache-Control"] == "no-store"
    starter, professional, enterprise = body_of(answer)["data"]
    assert starter == {
        "id": "starter",
        "name": "Starter",
        "priceKey": "price_starter_monthly",
        "amount": 2900,
        "currency": "usd",
        "interval": "month",
        "callsPerMonth": 1000,
        "callsInFlight": 10,
        "models": ["fast", "balanced"],
        "maxOutputTokens": 2000,
        "maxOutputTokensByModel": {"fast": 2000, "balanced": 1980},
        "contactSales": False,
    }
    assert (professional["amount"], professional["callsPerMonth"]) == (9900, 10_000)
    reached = [offer["maxOutputTokensByModel"] for offer in (professional, enterprise)]
    assert reached == [{"fast": 2640, "balanced": 1980, "best": 1320}] * 2
    assert [offer["maxOutputTokens"] for offer in (professional, enterprise)] == [2640, 2640]
    assert (enterprise["amount"], enterprise["contactSales"]) == (None, True)


def test_an_environment_may_sell_only_some_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRICE_KEYS", "price_enterprise_monthly,price_starter_monthly")
    settings.settings.cache_clear()
    answer = handler.api(http_event("GET", "/plans"), LambdaContext())
    assert [offer["id"] for offer in body_of(answer)["data"]] == ["starter", "enterprise"]
    assert order.sellable("price_starter_monthly").id == "starter"
    with pytest.raises(BadRequest) as refused:
        order.sellable("price_professional_monthly")
    assert refused.value.code == "unknown_price"


@pytest.mark.parametrize("path", ["/stripe/webhook", "/stripe", "/subscription"])
def test_the_api_function_has_no_other_routes(path: str) -> None:
    answer = handler.api(http_event("POST", path, body={}), LambdaContext())
    assert (answer["statusCode"], body_of(answer)["code"]) == (404, "route_not_found")


def test_an_oversized_webhook_is_413() -> None:
    event = http_event("POST", "/stripe/webhook", body="x" * 1_048_577)
    answer = handler.webhook(event, LambdaContext())
    assert (answer["statusCode"], body_of(answer)["code"]) == (413, "body_too_large")


def test_a_webhook_that_claims_base64_and_is_not_is_400() -> None:
    event = http_event("POST", "/stripe/webhook", body="not base64!") | {"isBase64Encoded": True}
    answer = handler.webhook(event, LambdaContext())
    assert (answer["statusCode"], body_of(answer)["code"]) == (400, "invalid_body")

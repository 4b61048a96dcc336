"""The local Stripe as an API: keys, versions, parameters, errors, idempotency, hostile input."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.integration.stripe_fixtures import (
    BASIL,
    ENDIVE,
    RETURN_URL,
    LocalStripe,
    config_for,
    fresh,
    local,
    running,
)

__all__ = ["fresh", "local"]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def refused(call: Any, *args: Any, **kwargs: Any) -> stripe.StripeError:
    with pytest.raises(stripe.StripeError) as caught:
        call(*args, **kwargs)
    return caught.value


def test_key_is_required_and_must_be_ours(local: LocalStripe) -> None:
    status, headers, body = local.http("GET", "/v1/customers")
    error = json.loads(body)["error"]
    assert (status, error["type"]) == (401, "invalid_request_error")
    assert error["message"].startswith("You did not provide an API key.")
    assert headers["WWW-Authenticate"] == 'Basic realm="Stripe"'
    assert headers["Request-Id"].startswith("req_")
    wrong = refused(local.client(key="sk_test_somebodyelse").v1.customers.list)
    assert isinstance(wrong, stripe.AuthenticationError)
    assert "sk_test_" in str(wrong)
    assert "somebody" not in str(wrong)


def test_basic_authentication(local: LocalStripe) -> None:
    token = base64.b64encode(f"{local.config.stripe_secret_key}:".encode()).decode()
    ok, _, _ = local.http("GET", "/v1/customers", headers={"Authorization": f"Basic {token}"})
    bad, _, _ = local.http("GET", "/v1/customers", headers={"Authorization": "Basic !!"})
    assert (ok, bad) == (200, 401)


def test_version_is_echoed_or_refused(local: LocalStripe) -> None:
    _, headers, _ = local.http("GET", "/v1/customers", key=True)
    assert headers["Stripe-Version"] == BASIL
    _, headers, _ = local.http("GET", "/v1/prices", headers={"Stripe-Version": ENDIVE}, key=True)
    assert headers["Stripe-Version"] == ENDIVE
    error = refused(local.client("2024-06-20").v1.customers.list)
    assert error.http_status == 400
    assert "Invalid Stripe API version: 2024-06-20" in str(error)


@pytest.mark.parametrize(
    ("params", "code", "param", "message"),
    [
        ({"foo": "x"}, "parameter_unknown", "foo", "Received unknown parameter: foo"),
        ({"foo": "x", "bar": "y"}, "parameter_unknown", None, "Received unknown parameters: "),
        ({"email": "nobody"}, "email_invalid", "email", "Invalid email address: nobody"),
        ({"balance": "ten"}, "parameter_invalid_integer", "balance", "Invalid integer: ten"),
        ({"tax_exempt": "maybe"}, None, "tax_exempt", "must be one of exempt, none, or reverse"),
        ({"metadata": "x"}, None, "metadata", "Invalid object"),
        ({"preferred_locales": "en"}, None, "preferred_locales", "Invalid array"),
        ({"metadata": {"k": "v" * 501}}, None, "metadata[k]", "up to 500 characters"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata", "up to 40 characters"),
        ({"metadata": {f"k{n}": "v" for n in range(51)}}, None, "metadata", "50 metadata keys"),
        ({"invoice_prefix": ""}, "parameter_invalid_empty", "invoice_prefix", "an empty string"),
        ({"name": "n" * 257}, None, "name", "must be at most 256 characters"),
        ({"shipping": {"name": "x"}}, "parameter_missing", "shipping[address]", "Missing required"),
        ({"address": {"planet": "x"}}, "parameter_unknown", "address[planet]", "unknown parameter"),
    ],
)
def test_parameters_are_checked(
    local: LocalStripe, params: Any, code: str | None, param: str | None, message: str
) -> None:
    error = refused(local.client().v1.customers.create, params)
    assert isinstance(error, stripe.InvalidRequestError)
    assert (error.http_status, error.code) == (400, code)
    assert message in str(error)
    if param:
        assert error.param == param


def test_missing_parameter(local: LocalStripe) -> None:
    error = refused(local.client().v1.products.create, {})
    assert (error.http_status, error.code) == (400, "parameter_missing")
    assert "Missing required param: name." in str(error)


def test_missing_object_by_path_and_by_parameter(local: LocalStripe) -> None:
    client = local.client()
    by_path = refused(client.v1.customers.retrieve, "cus_x")
    assert (by_path.http_status, by_path.code) == (404, "resource_missing")
    assert "No such customer: 'cus_x'" in str(by_path)
    by_param = refused(client.v1.subscriptions.list, {"customer": "cus_x"})
    assert (by_param.http_status, by_param.code) == (400, "resource_missing")
    wrong_kind = refused(client.v1.subscriptions.retrieve, client.v1.customers.create().id)
    assert wrong_kind.http_status == 404


def test_what_is_not_built_says_so(local: LocalStripe) -> None:
    client = local.client()
    endpoint = refused(client.v1.tax_rates.list)
    assert endpoint.http_status == 501
    assert "does not implement GET /v1/tax_rates" in str(endpoint)
    search = refused(client.v1.customers.search, {"query": "email:'a'"})
    assert search.http_status == 501
    parameter = refused(client.v1.customers.create, {"source": "tok_visa"})
    assert parameter.http_status == 501
    assert "the parameter source" in str(parameter)
    assert local.http("GET", "/v2/core/events", key=True)[0] == 501
    assert local.http("GET", "/v3/customers", key=True)[0] == 404
    assert local.http("PATCH", "/v1/customers", key=True)[0] == 501


def test_params_of_another_version_are_unknown(local: LocalStripe) -> None:
    base: dict[str, Any] = {
        "mode": "subscription",
        "return_url": RETURN_URL,
        "line_items": [{"price": local.price(), "quantity": 1}],
    }
    old, new = local.client(BASIL).v1.checkout.sessions, local.client(ENDIVE).v1.checkout.sessions
    session = old.create({**base, "ui_mode": "embedded", "payment_method_types": ["card"]})  # type: ignore[typeddict-unknown-key]
    assert session.ui_mode == "embedded"
    session = new.create(
        {**base, "ui_mode": "embedded_page", "allowed_payment_method_types": ["card"]}
    )
    assert (session.ui_mode, session.allowed_payment_method_types) == ("embedded_page", ["card"])
    assert old.retrieve(session.id).ui_mode == "embedded"
    assert "allowed_payment_method_types" not in old.retrieve(session.id).to_dict()
    assert "embedded_page" in str(refused(new.create, {**base, "ui_mode": "embedded"}))
    assert "embedded" in str(refused(old.create, {**base, "ui_mode": "embedded_page"}))
    gone = {**base, "ui_mode": "embedded_page", "payment_method_types": ["card"]}
    assert refused(new.create, gone).code == "parameter_unknown"
    early = {**base, "ui_mode": "embedded", "allowed_payment_method_types": ["card"]}
    assert refused(old.create, early).code == "parameter_unknown"


def test_idempotency_key_replays_the_first_answer(local: LocalStripe) -> None:
    customers = local.client().v1.customers
    first = customers.create({"name": "One"}, {"idempotency_key": "replay-1"})
    customers.update(first.id, {"name": "Changed"})
    again = customers.create({"name": "One"}, {"idempotency_key": "replay-1"})
    assert (again.id, again.name) == (first.id, "One")
    assert again.last_response is not None
    headers = again.last_response.headers
    assert headers["Idempotent-Replayed"] == "true"
    assert headers["Original-Request"] == first.last_response.request_id  # type: ignore[union-attr]
    assert customers.retrieve(first.id).name == "Changed"


def test_idempotency_key_belongs_to_one_request(local: LocalStripe) -> None:
    client = local.client()
    client.v1.customers.create({"name": "One"}, {"idempotency_key": "mine"})
    other = refused(client.v1.customers.create, {"name": "Two"}, {"idempotency_key": "mine"})
    assert isinstance(other, stripe.IdempotencyError)
    assert "can only be used with the same parameters" in str(other)
    path = refused(client.v1.products.create, {"name": "One"}, {"idempotency_key": "mine"})
    assert "same endpoint they were first used for ('/v1/products' vs '/v1/customers')" in str(path)
    long = refused(client.v1.customers.create, {}, {"idempotency_key": "k" * 256})
    assert long.http_status == 400


def test_idempotency_keeps_failures_of_the_endpoint_only(local: LocalStripe) -> None:
    client = local.client()
    key: Any = {"idempotency_key": "failures"}
    refused(client.v1.customers.create, {"nonsense": "1"}, key)
    made = client.v1.customers.create({"name": "Valid"}, key)
    assert made.name == "Valid"
    key = {"idempotency_key": "failures-2"}
    params: Any = {"product": "prod_missing", "currency": "usd", "unit_amount": 100}
    assert refused(client.v1.prices.create, params, key).code == "resource_missing"
    client.v1.products.create({"id": "prod_missing", "name": "Found"})
    assert refused(client.v1.prices.create, params, key).code == "resource_missing"
    assert client.v1.prices.create(params).product == "prod_missing"


def test_idempotency_survives_a_restart(fresh: LocalStripe) -> None:
    first = fresh.client().v1.customers.create({}, {"idempotency_key": "kept"})
    fresh.stop()
    fresh.start()
    assert fresh.client().v1.customers.create({}, {"idempotency_key": "kept"}).id == first.id
    assert len(fresh.client().v1.customers.list().data) == 1


def test_a_refused_request_changes_nothing(local: LocalStripe) -> None:
    """The customer of a refused call would be stored by then: it has to be undone."""
    client = local.client()
    email = "undone@example.com"
    params: Any = {"email": email, "payment_method": "pm_card_chargeDeclined"}
    error = refused(client.v1.customers.create, params)
    assert isinstance(error, stripe.CardError)
    assert client.v1.customers.list({"email": email}).data == []
    assert local.events("undone") == []


@pytest.mark.parametrize(
    ("path", "body", "headers"),
    [
        ("/v1/customers", b"a[b=1", FORM),
        ("/v1/customers", b"email=\xff\xfe", FORM),
        ("/v1/customers", b"email=%ff%fe", FORM),
        ("/v1/customers", b"metadata=1&metadata[a]=2", FORM),
        ("/v1/customers", b"metadata[a]=1&metadata=2", FORM),
        ("/v1/customers", b"metadata[a][b][c]=1", FORM),
        ("/v1/customers", b"[]=1&=2", FORM),
        ("/v1/customers", b"a" + b"[x]" * 400 + b"=1", FORM),
        ("/v1/customers", b"&".join(b"k%d=1" % n for n in range(3000)), FORM),
        ("/v1/customers", b'{"email": "a@b.co"}', {"Content-Type": "application/json"}),
        ("/v1/customers?limit=9999999999999999999999", None, {}),
        ("/v1/customers?created[gte]=99999999999999999999", None, {}),
        ("/v1/customers?limit[]=1", None, {}),
        ("/v1/customers?starting_after=%00", None, {}),
        ("/v1/customers?expand=x", None, {}),
        ("/v1/checkout/sessions", b"mode=subscription&line_items=1", FORM),
        ("/v1/checkout/sessions", b"mode=subscription&line_items[x]=1", FORM),
    ],
)
def test_garbage_is_a_400_in_stripes_shape(
    local: LocalStripe, path: str, body: bytes | None, headers: dict[str, str]
) -> None:
    status, _, text = local.http("POST" if body else "GET", path, body, headers, key=True)
    error = json.loads(text)["error"]
    assert status == 400, text
    assert error["type"] == "invalid_request_error"
    assert "Traceback" not in text.decode()


def test_nul_and_other_odd_characters_are_only_data(local: LocalStripe) -> None:
    odd = "nul:\x00 quote:' emoji:🦊 html:<b>"
    made = local.client().v1.customers.create({"name": odd})
    assert local.client().v1.customers.retrieve(made.id).name == odd
    assert local.http("GET", "/v1/customers/%00", key=True)[0] == 404
    assert local.http("GET", "/v1/customers/cus'%20OR%201=1", key=True)[0] == 404


def test_bodies_are_limited(local: LocalStripe) -> None:
    status, _, text = local.http("POST", "/v1/customers", b"a=" + b"x" * 2_000_000, FORM, key=True)
    assert status == 413
    assert json.loads(text)["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"[]",
        b'"x"',
        b'{"sessionId": 1}',
        b'{"card": "4242"}',
        b'{"sessionId": "cs_x", "card": "4242424242424242"}',
        b'{"other": "x"}',
        b"[" * 100_000,
    ],
)
def test_control_refuses_garbage(local: LocalStripe, body: bytes) -> None:
    status, _, text = local.http("POST", "/_local/pay", body)
    assert status == 400
    assert json.loads(text)["error"]["message"]


def test_health_and_reset(fresh: LocalStripe) -> None:
    assert fresh.control("/_health") == {"status": "ok"}
    client = fresh.client()
    client.v1.customers.create()
    prices = {price.lookup_key for price in client.v1.prices.list().data}
    assert fresh.control("/_local/reset", {}) == {"status": "ok"}
    assert client.v1.customers.list().data == []
    assert {price.lookup_key for price in client.v1.prices.list().data} == prices
    assert len(client.v1.webhook_endpoints.list().data) == 1


def test_reset_keeps_the_ids_of_the_catalogue(fresh: LocalStripe) -> None:
    before = {price.id for price in fresh.client().v1.prices.list().data}
    fresh.control("/_local/reset", {})
    assert {price.id for price in fresh.client().v1.prices.list().data} == before


def test_levers_refuse_pages_of_other_sites(local: LocalStripe) -> None:
    for origin, status in (
        ("https://evil.example", 403),
        ("http://localhost:1", 403),
        (local.config.site_url, 400),
        (local.config.stripe_public_url, 400),
    ):
        got, _, _ = local.http("POST", "/_local/pay", b"{}", {"Origin": origin})
        assert got == status


def test_catalogue_follows_the_plan_file_once(fresh: LocalStripe) -> None:
    client = fresh.client()
    before = {price.id for price in client.v1.prices.list().data}
    fresh.stop()
    fresh.start()
    client = fresh.client()
    prices = client.v1.prices.list({"expand": ["data.product"]}).data
    assert {price.id for price in prices} == before
    found = {price.lookup_key: price for price in prices}
    starter = found["groundwork_starter_monthly"]
    assert (starter.unit_amount, starter.currency, starter.type) == (2900, "usd", "recurring")
    assert starter.recurring is not None
    assert starter.recurring.interval == "month"
    assert starter.metadata["price_key"] == "price_starter_monthly"
    assert starter.product.metadata.to_dict() == {"app": "groundwork", "plan": "starter"}  # type: ignore[union-attr]
    plans = {p.metadata["plan"] for p in client.v1.products.list().data}
    assert plans == {"starter", "professional", "enterprise"}
    assert len(client.v1.billing_portal.configurations.list({"is_default": True}).data) == 1
    assert len(client.v1.webhook_endpoints.list().data) == 1


def test_a_price_that_is_its_products_default_stays(local: LocalStripe) -> None:
    client = local.client()
    product = client.v1.products.create({"name": "Default"})
    one, other = (
        client.v1.prices.create({"product": product.id, "currency": "usd", "unit_amount": amount})
        for amount in (100, 200)
    )
    client.v1.products.update(product.id, {"default_price": one.id})
    error = refused(client.v1.prices.update, one.id, {"active": False})
    assert "because it is the default price of its product" in str(error)
    client.v1.products.update(product.id, {"default_price": other.id})
    assert client.v1.prices.update(one.id, {"active": False}).active is False


def test_an_account_holds_16_webhook_endpoints(fresh: LocalStripe) -> None:
    client = fresh.client()
    params: Any = {"url": "https://localhost:9/hook", "enabled_events": ["*"]}
    made = [client.v1.webhook_endpoints.create(params) for _ in range(15)]  # and the stack's own
    assert "maximum of 16" in str(refused(client.v1.webhook_endpoints.create, params))
    client.v1.webhook_endpoints.delete(made[0].id)
    assert client.v1.webhook_endpoints.create(params).status == "enabled"


def test_an_unseeded_account_is_empty(tmp_path: Path) -> None:
    with running(replace(config_for(tmp_path), stripe_unseeded=True)) as local:
        client = local.client()
        local.control("/_local/reset", {})
        assert client.v1.products.list().data == []
        assert client.v1.prices.list().data == []
        assert client.v1.webhook_endpoints.list().data == []
        customer = client.v1.customers.create()
        error = refused(client.v1.billing_portal.sessions.create, {"customer": customer.id})
        assert "save your customer portal settings" in str(error)
